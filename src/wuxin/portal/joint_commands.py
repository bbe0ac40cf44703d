"""The commands of the joint wing, where it meets the evidence log."""

import signal
import sys
import threading
from pathlib import Path
from typing import Final

import click

from wuxin.joint.attacks.command import BAD, TABLE, attacks, baselines
from wuxin.joint.registry.command import registry

_PACKAGES: Final = ("wuxin.joint.algorithms", "wuxin.joint.programs")


@click.group()
def joint() -> None:
    """Compute with other institutions on joined data, without showing it (optional extra).

    \b
    Example:
      wuxin joint demo
    """


for command in (attacks, baselines, registry):
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
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--package", "packages", multiple=True, help="Where programs may come from.")
def check(file: Path, packages: tuple[str, ...]) -> None:
    """Read a contract: compile its program here, list what it opens to whom, who has signed.

    Exits with 2 where the program or an opening is not what the contract says.

    \b
    Example:
      wuxin joint check contract.json
    """
    from wuxin.joint.contract import read
    from wuxin.joint.refusals import check_form
    from wuxin.joint.worker import compiled_here
    from wuxin.terms.clock import iso

    signed = read(file.read_bytes(), name=file.name)
    contract = signed.contract
    check_form(contract)
    click.echo(f"{contract.id}\n{contract.purpose}")
    click.echo(f"in force {iso(contract.not_before)} to {iso(contract.expires)}")
    if contract.minimum_group:
        click.echo(f"no figure of fewer than {contract.minimum_group} rows")
    if contract.epsilon:
        click.echo(f"results with noise, epsilon {contract.epsilon:g}")
    for table in contract.inputs:
        columns = ", ".join(f"{name} {one.kind}{list(one.shape)}"
                            for name, one in sorted(table.columns.items()))  # fmt: skip
        budget = f"; privacy budget {table.budget:g}" if table.budget else ""
        click.echo(f"table  {table.table} of {table.party}: {columns}{budget}")
    for each in contract.openings:
        many = ", in a loop" if each.opening.many else ""
        click.echo(f"opens  {each.opening.name} {each.opening.type} ({each.opening.where}{many}) "
                   f"to {', '.join(each.to)}")  # fmt: skip
    for party in contract.parties:
        said = "signed" if signed.holds(party.name) else "has not signed"
        click.echo(f"party  {party.name} ({', '.join(party.roles)}): {said}")
    compiled = compiled_here(contract, packages or _PACKAGES)
    click.echo(f"program {contract.program} compiles here to {compiled.digest}, as agreed")


@joint.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--party", required=True, help="Who signs, by its name in the contract.")
@click.option("--folder", required=True, type=click.Path(file_okay=False, path_type=Path),
              help="The party's folder, with signing.key.")  # fmt: skip
@click.option("--package", "packages", multiple=True, help="Where programs may come from.")
def sign(file: Path, *, party: str, folder: Path, packages: tuple[str, ...]) -> None:
    """Sign a contract, once its program compiles here to what it says; writes it back.

    \b
    Example:
      wuxin joint sign contract.json --party bank-a --folder /srv/bank-a
    """
    from wuxin.joint.contract import key_in, read
    from wuxin.joint.refusals import check_form
    from wuxin.joint.worker import compiled_here
    from wuxin.terms.durable import write_files

    signed = read(file.read_bytes(), name=file.name)
    check_form(signed.contract)
    compiled_here(signed.contract, packages or _PACKAGES)
    signed = signed.sign(party, key_in(folder / "signing.key"))
    write_files({file: signed.json})
    click.echo(f"{party} has signed {signed.contract.id}")


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
    for run in runs:
        faults += [f"{run.contract[:12]}: {fault}" for fault in run.faults]
        why = f": {run.why}" if run.why else ""
        opened = ", ".join(run.opened) or "nothing"
        click.echo(f"{run.contract[:12]} {run.purpose}\n  {run.outcome}{why}; nodes "
                   f"{', '.join(run.nodes)}; opened {opened}")  # fmt: skip
    for fault in faults:
        click.echo(f"wuxin: {fault}", err=True)
    if faults:
        return 1
    click.echo(f"verified: {len(runs)} contracts, {len(records)} records of {len(found)} nodes")
    return 0
