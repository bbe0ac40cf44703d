"""``wuxin device``: the devices of a home on the command line, while no server has it open."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from wuxin.portal.options import HOME, TENANT, must_be_home
from wuxin.terms.names import tenant as checked_tenant

REASON = click.option("--reason", required=True, help="Why; it is kept with the act.")
MODEL = click.option("--model", default="", help="What the pack calls such a device.")
AT = click.option("--at", default="", help="From when on that holds (ISO 8601); now if left out.")
SECRET = click.option(
    "--secret-file", type=click.File("r"), help="Its new password; - reads standard input."
)
PUBLIC_KEY = click.option("--public-key", type=click.File("r"), help="Its new public key (PEM).")
SHOWN = ("id", "state", "thing", "trust", "heard", "hearing", "source")
JSON = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")


@click.group()
def device() -> None:
    """List, show and change devices (设备): life, binding and keys.

    \b
    Example:
      wuxin device list --home /srv/wuxin
    """


@device.command("list")
@HOME
@TENANT
@click.option("--source", default="", help="Only devices of this source.")
@click.option("--state", default="", help="Only devices in this state, such as in_service.")
@click.option("--hearing", default="", help="Only those heard so: silent, never, heard, not_heard.")
@JSON
def list_devices(home: Path, *, tenant: str, as_json: bool, **where: str) -> None:
    """List the devices, the silent ones first (列出设备，静默的在前).

    \b
    Example:
      wuxin device list --hearing silent --home /srv/wuxin
    """
    from wuxin.portal import devices

    with opened(home, tenant) as (house, who):
        found = devices.listed(house, who, where=where, page=(0, sys.maxsize))["rows"]
    if as_json:
        for row in found:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    lines = [SHOWN, *([str(row[cell] or "-") for cell in SHOWN] for row in found)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(SHOWN))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


@device.command()
@click.argument("source")
@click.argument("name")
@HOME
@TENANT
def show(source: str, name: str, *, home: Path, tenant: str) -> None:
    """Show one device with its life, bindings and readings (查看设备、绑定与读数).

    \b
    Example:
      wuxin device show trucks 13800138000 --home /srv/wuxin
    """
    from wuxin.portal import devices

    with opened(home, tenant) as (house, who):
        found = devices.one(house, who, key=(source, name))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@device.command()
@click.argument("source")
@click.argument("name")
@click.argument("state")
@HOME
@TENANT
@REASON
@AT
@SECRET
@PUBLIC_KEY
def move(source: str, name: str, state: str, **told: Any) -> None:
    """Take a device to another state of its life, or change its keys (变更设备状态或密钥).

    delivered, installed, commissioned, in_service, suspended, retired. With the state in which it
    is, only its keys change.

    \b
    Examples:
      wuxin device move trucks 13800138000 suspended --reason "battery" --home /srv/wuxin
      wuxin device move trucks 13800138000 in_service --reason "new key" --public-key key.pem
    """
    _change((source, name), told, to=state)


@device.command()
@click.argument("source")
@click.argument("name")
@click.argument("thing")
@click.option("--since", default="", help="From when it hangs there (ISO 8601); as --at if none.")
@HOME
@TENANT
@REASON
@AT
@MODEL
@SECRET
@PUBLIC_KEY
def bind(source: str, name: str, thing: str, **told: Any) -> None:
    """Install a device on a thing, kind:id, which binds it from then on (把设备绑定到标的物).

    \b
    Example:
      wuxin device bind trucks 13800138000 lot:L1 --reason "mounted on site" --home /srv/wuxin
    """
    _change((source, name), told, to="installed", thing=thing)


def _change(key: tuple[str, str], told: dict[str, Any], **wanted: str) -> None:
    """Do as told and say what then holds."""
    from wuxin.portal import devices

    for option, field in (("secret_file", "secret"), ("public_key", "public_key")):
        file = told.pop(option, None)
        if file is not None:
            told[field] = file.read().strip()
    with opened(told.pop("home"), told.pop("tenant")) as (house, who):
        known = house.flow.sources.get(key[0])
        device = known.devices.get(key[1]) if known else None
        if device and wanted["to"] == device.state and "thing" not in wanted and len(told) > 2:
            wanted["to"] = ""
        asked = devices.Change(**{k: v for k, v in {**told, **wanted}.items() if v})
        found = devices.change(house, who, key=key, told=asked)
    what = f"{found['source']} {found['id']}: {found['state']} on {found['thing'] or 'nothing'}"
    click.echo(what if found["changed"] else f"{what}; nothing changed")


@contextmanager
def opened(home: Path, tenant: str) -> Iterator[tuple[Any, Any]]:
    """The home, and a session of who sits at the machine itself."""
    from wuxin.home import Home
    from wuxin.portal.access import Session

    name = checked_tenant(tenant)
    must_be_home(home)
    with Home(home, tenant=name) as house:
        yield (
            house,
            Session(name, "operator", "administrator", "", must_change=False, expires=0),
        )
