"""The commands of evidence that leaves the house: case files, cosigners and timestamps."""

import sys
from pathlib import Path

import click

from wuxin.portal.options import HOME, TENANT
from wuxin.terms.names import tenant as checked_tenant


@click.command()
@click.argument("facility", default="")
@HOME
@TENANT
@click.option("--finding", default="", help="The case of one finding (its id), with no facility.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def bundle(facility: str, home: Path, *, tenant: str, finding: str, out: Path) -> None:
    """Write the case file of a facility: all that is needed to check what was decided, offline.

    Where nothing is lent on a thing, the case of one finding takes its place.

    \b
    Examples:
      wuxin bundle CU-2008-01 --home /tmp/demo --out case.zip
      wuxin verify case.zip
    """
    from wuxin.casefile import write

    if bool(facility) == bool(finding):
        raise click.UsageError("name a facility, or --finding ID")
    who = checked_tenant(tenant)
    click.echo(write(home, who, facility=facility, finding=finding, out=out))


def check_file(path: Path, key: str, *, roots: Path | None) -> int:
    """Check a case file, and with an authority's certificates its timestamp; 0 if it is right."""
    from wuxin.evidence import case

    status = case.main([str(path), *(("--key", key) if key else ())])
    if status or roots is None:
        return status
    from cryptography.x509 import load_pem_x509_certificates

    from wuxin.evidence import timestamp
    from wuxin.terms.errors import Tampered

    parts = case.unpack(path.read_bytes())
    try:
        at = timestamp.check(
            parts.get("anchor/timestamp.tsr", b""), parts.get("anchor/checkpoint", b""),
            roots=load_pem_x509_certificates(roots.read_bytes()),
        )  # fmt: skip
    except (Tampered, ValueError) as wrong:
        click.echo(f"WRONG 有误: {wrong}", err=True)
        return 1
    click.echo(f"The timestamp holds: {at.isoformat()}. 时间戳有效。")
    return 0


@click.command()
@HOME
@TENANT
@click.option("--witness", "seats", multiple=True, nargs=2, metavar="URL KEY", help="Whom to ask.")
@click.option("--authority", default="", help="The address of an RFC 3161 timestamp authority.")
@click.option("--chain", "where", default="", metavar="ADAPTER:WHERE", help="Where 32 bytes go.")
def anchor(
    home: Path, *, tenant: str, seats: tuple[tuple[str, str], ...], authority: str, where: str
) -> None:
    """Have outsiders vouch for the published checkpoint; exits with 1 if one of them does not.

    \b
    Example:
      wuxin anchor --home /srv/wuxin --witness https://w.example/ w.example+1f2e3d4c+BA...
    """
    from wuxin.anchoring import Outsiders
    from wuxin.anchoring import anchor as ask
    from wuxin.evidence.anchors import Seat
    from wuxin.evidence.chains import chain

    asked = Outsiders([Seat(*seat) for seat in seats], authority, chain(where) if where else None)
    found = ask(home, checked_tenant(tenant), ask=asked)
    for refusal in found.refused:
        click.echo(f"wuxin: {refusal}", err=True)
    stamped = "a timestamp" if found.stamped else "no timestamp"
    chained = ", on the chain" if found.chained else ""
    click.echo(f"{found.place.name}: {len(found.vkeys)} cosignatures, {stamped}{chained}")
    sys.exit(1 if found.refused else 0)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--name", required=True, help="The witness's name, for example w.example.")
@click.option("--log", "logs", multiple=True, required=True, help="The key of a log to watch.")
@click.option("--port", default=8081, show_default=True)
def witness(folder: Path, *, name: str, logs: tuple[str, ...], port: int) -> None:
    """Serve a witness, which cosigns a log's checkpoint only if it extends the last one it saw.

    \b
    Example:
      wuxin witness /srv/witness --name w.example --log wuxin/demo-bank+1f2e3d4c+AQ...
    """
    from wuxin.evidence.cosignature import Cosigner
    from wuxin.portal.witness import serve as serve_witness
    from wuxin.terms.clock import system_clock

    click.echo(Cosigner.from_file(folder / "witness.key", name=name).vkey)
    serve_witness(folder, name=name, logs=logs, clock=system_clock, port=port)
