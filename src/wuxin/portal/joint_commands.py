"""The commands of the joint wing, where it meets the evidence log."""

import os
import signal
import sys
import threading
from pathlib import Path

import click

from wuxin.joint.attacks.command import BAD, TABLE, attacks, baselines
from wuxin.joint.party_commands import FILE, check, commit, draft, key, run, sign
from wuxin.joint.registry.command import registry
from wuxin.portal.options import HOME, TENANT, must_be_home
from wuxin.terms.names import tenant as checked_tenant


@click.group()
def joint() -> None:
    """Compute with other institutions on joined data, without showing it (optional extra).

    \b
    Example:
      wuxin joint demo
    """


for command in (attacks, baselines, registry, key, commit, draft, check, sign, run):
    joint.add_command(command)


@joint.command()
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Where to keep it.")
@TABLE
@BAD
def demo(home: Path | None, *, table: Path | None, bad: str) -> None:
    """Train a default model on rows that two owners share, and that nobody sees; then prove it.

    Three nodes and two owners on this machine's loopback, a contract signed by all, a real split
    table. Exits with 1 where the proof fails.

    \b
    Examples:
      wuxin joint demo --home /tmp/joint && wuxin verify /tmp/joint
      wuxin joint demo --table /data/ours-and-theirs --bad 3
    """
    import tempfile

    from rich.console import Console

    from wuxin.joint.extra import need

    need("spu")
    from wuxin.portal import joint_demo

    chosen = home or Path(tempfile.mkdtemp(prefix="wuxin-joint-"))
    joint_demo.run(chosen, Console(), table=table, bad=bad)
    click.echo(f"\nwuxin verify {chosen}")
    sys.exit(verify(chosen) or 0)


@joint.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def node(file: Path) -> None:
    """Serve a compute node until it is interrupted; its evidence lies beside its file.

    \b
    Example:
      wuxin joint node /srv/wuxin-node/node.toml
    """
    from wuxin.joint.extra import need
    from wuxin.joint.node import Node, read_settings
    from wuxin.portal.joint_evidence import JointLog
    from wuxin.terms.clock import system_clock

    settings = read_settings(file)
    need("spu")  # says what to install, before anything is begun
    evidence = JointLog(file.parent, name=settings.name)
    served = Node(settings, folder=file.parent, evidence=evidence, clock=system_clock)
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    click.echo(f"{settings.name} listens at {served.address}")
    over.wait()
    served.close()
    evidence.close()


@joint.command()
@click.option("--home", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="Where every party gets a folder.")  # fmt: skip
@click.option("--party", "parties", multiple=True, required=True,
              help="Who takes part beside the nodes; may be repeated.")  # fmt: skip
def triple(home: Path, parties: tuple[str, ...]) -> None:
    """Serve three nodes on this machine until interrupted, with papers and keys for the parties.

    HOME/parties.toml is what a plan names as its parties. In production three institutions each
    serve one, with `wuxin joint node`.

    \b
    Example:
      wuxin joint triple --home /tmp/triple --party bank-a --party shop-b
    """
    from wuxin.joint.extra import need
    from wuxin.joint.local import Local
    from wuxin.joint.plan import as_toml
    from wuxin.terms.clock import system_clock
    from wuxin.terms.durable import write_files

    need("spu")
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    with Local(home, clock=system_clock) as nodes:
        known = [nodes.member(name).party("data_owner", "user") for name in parties]
        known += map(nodes.party, nodes.nodes)
        write_files({home / "parties.toml": as_toml(known)})
        click.echo(f"{home / 'parties.toml'}: {', '.join(each.name for each in known)}")
        over.wait()


@joint.command()
@HOME
@TENANT
@click.option(
    "--to",
    "target",
    default="book.csv",
    show_default=True,
    help="Where to write it.",
    type=click.Path(dir_okay=False, path_type=Path),
)
@click.option("--roster", type=FILE, help="The registry's roster, for the codes of warehouses.")
def book(home: Path, *, tenant: str, target: Path, roster: Path | None) -> None:
    """Write what a home's pledges are known by, for the nightly check over several banks.

    Numbers are brought to one form; place and weight give eight each. The file is a bank's own: it
    goes into `wuxin joint commit` with a table that is laid out for `both`, and nowhere else.

    \b
    Example:
      wuxin joint book --home /srv/wuxin --to book.csv
    """
    import csv

    from wuxin.home import Home
    from wuxin.joint.registry.hidden import identifiers
    from wuxin.joint.registry.roster import read
    from wuxin.pledging import book as pledged

    issuers = read(roster).issuers if roster else None
    must_be_home(home)
    with Home(home, tenant=checked_tenant(tenant)) as house:
        claims = pledged(house)
    target.unlink(missing_ok=True)
    os.umask(0o077)
    with target.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(["identifier", "pledges"])
        for text, rows in identifiers(claims, issuers).items():
            lines.writerow([text, " ".join(claims[row].pledge for row in rows)])
    click.echo(f"{target}: {len(claims)} pledges")


@joint.command()
@HOME
@TENANT
@click.option("--book", "known", required=True, type=FILE, help="What `wuxin joint book` wrote.")
@click.argument("flags", type=FILE)
def nightly(flags: Path, *, home: Path, tenant: str, known: Path) -> None:
    """Put on record which pledges another bank has too, by the flags that were received.

    \b
    Example:
      wuxin joint nightly results/1f2e3d4c-flags_1.csv --book book.csv --home /srv/wuxin
    """
    import csv

    from wuxin.home import Home
    from wuxin.joint.rows import read
    from wuxin.pledging import found_elsewhere

    told = read(flags)
    values = next(iter(told.columns.values()))
    elsewhere = {text for text, flag in zip(told.ids, values, strict=True) if flag}
    by: dict[str, list[str]] = {}
    with known.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for pledge in row["pledges"].split() if row["identifier"] in elsewhere else ():
                by.setdefault(pledge, []).append(row["identifier"])
    must_be_home(home)
    with Home(home, tenant=checked_tenant(tenant)) as house:
        found = found_elsewhere(house, by, now=house.clock())
    for name in found:
        click.echo(f"已在他行质押 pledged elsewhere: {name} ({', '.join(by[name])})")
    click.echo(f"{len(found)} of the pledges that stand, {len(by)} flagged")


def verify(home: Path) -> int | None:
    """Prove the runs on record at or below a folder; None where there are no such records.

    Returns:
        0 where all is in order, 1 where something was changed or a run is not as its contract says.
    """
    from wuxin.joint.proof import proved
    from wuxin.portal.joint_evidence import checked, folders

    found = folders(home)
    if not found:
        return None
    faults: list[str] = []
    records = [told for folder in found for told in checked(folder, faults)]
    runs = proved(records)
    for one in runs:
        faults += [f"{one.contract[:12]}: {fault}" for fault in one.faults]
        why = f": {one.why}" if one.why else ""
        opened = ", ".join(one.opened) or "nothing"
        click.echo(f"{one.contract[:12]} {one.purpose}\n  {one.outcome}{why}; nodes "
                   f"{', '.join(one.nodes)}; opened {opened}")  # fmt: skip
    for fault in faults:
        click.echo(f"wuxin: {fault}", err=True)
    if faults:
        return 1
    click.echo(f"verified: {len(runs)} contracts, {len(records)} records of {len(found)} nodes")
    return 0
