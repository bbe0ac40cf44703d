"""``wuxin bring-statement``: bank statements brought to a home, while no server has it open."""

from pathlib import Path

import click

from wuxin.portal.options import HOME, TENANT, must_be_home
from wuxin.terms.names import tenant as checked_tenant


@click.command("bring-statement")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@HOME
@TENANT
@click.option("--as", "who", required=True, help="Who brings it: ROLE:NAME.")
def bring_statement(files: tuple[Path, ...], home: Path, *, tenant: str, who: str) -> None:
    """Bring bank statements (camt.053) in (登记银行对账单), while no server has the home open.

    \b
    Example:
      wuxin bring-statement 2026-01-05.xml --as core_system:core --home /srv/wuxin
    """
    from wuxin.home import Home
    from wuxin.portal import statements
    from wuxin.portal.access import ROLES, Session

    role, _, name = who.partition(":")
    if role not in ROLES or not name:
        raise click.UsageError(f"--as is ROLE:NAME; roles are {', '.join(ROLES)}")
    must_be_home(home)
    tenant_ = checked_tenant(tenant)
    session = Session(tenant_, name, role, "", must_change=False, expires=0)
    with Home(home, tenant=tenant_) as house:
        for file in files:
            for told in statements.bring(house, session, data=file.read_bytes()):
                acts = [a for a in told["acts"] if a["kind"] == statements.ORDER]
                said = acts[0]["figures"] if acts else {}
                click.echo(
                    f"{file.name}: {said['lines']} lines, {said['allocated']} allocated, "
                    f"{said['unallocated']} not, {len(told['findings'])} findings"
                    if said else f"{file.name}: was brought before; nothing has changed"
                )  # fmt: skip
