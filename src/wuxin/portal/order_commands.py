"""``wuxin order``: orders to the bank of a home, while no server has it open."""

import json
from pathlib import Path
from typing import Any

import click

from wuxin.portal.options import HOME, TENANT, must_be_home
from wuxin.terms.names import tenant as checked_tenant


@click.command()
@HOME
@TENANT
def orders(home: Path, *, tenant: str) -> None:
    """List what can be ordered, and by whom (列出可下达的指令).

    \b
    Example:
      wuxin orders --home /srv/wuxin
    """
    from wuxin.bank import Bank

    del home
    for name, order in Bank(checked_tenant(tenant)).orders.items():
        words = f"{order.words.zh} · {order.words.en}"
        click.echo(f"{name:24}{order.of:10}{words:44}{', '.join(order.by)}")


@click.command()
@click.argument("do")
@HOME
@TENANT
@click.option("--facility", default="", help="Of which facility; none for the bank as a whole.")
@click.option("--body", type=click.File("r"), help="What it says, as JSON; - is standard input.")
@click.option("--as", "who", required=True, help="Who gives it: ROLE:NAME.")
@click.option("--source", default="", help="For a new facility: on whose clock it runs.")
@click.option("--key", default="", help="A name of its own: under it, it is obeyed once.")
def order(do: str, *, home: Path, tenant: str, body: Any, who: str, **how: str) -> None:
    """Give an order (下达指令), and print what came of it as JSON.

    \b
    Examples:
      echo '{"amount": "40000.00"}' |
        wuxin order repay --facility F-1 --body - --as core_system:core --home /srv/wuxin
      wuxin orders
    """
    from wuxin.home import Home
    from wuxin.pledging import Doorkeeper, gate_of
    from wuxin.portal import orders
    from wuxin.portal.access import ROLES, Session
    from wuxin.settings import load

    role, _, name = who.partition(":")
    if role not in ROLES or not name:
        raise click.UsageError(f"--as is ROLE:NAME; roles are {', '.join(ROLES)}")
    must_be_home(home)
    said = orders.body_of(body.read()) if body is not None else {}
    tenant_ = checked_tenant(tenant)
    session = Session(tenant_, name, role, "", must_change=False, expires=0)
    with Home(home, tenant=tenant_) as house:
        gate = gate_of(load().pledge_registry, house.clock)
        doorkeeper = Doorkeeper(house, gate) if gate is not None else None
        found = orders.give(house, session, do=do, body=said, **how)
        if doorkeeper is not None:
            doorkeeper.carry()
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))
