"""``wuxin joint registry``: set a registry up, serve it, refresh its keys, try a number."""

from pathlib import Path

import click

from wuxin.joint.extra import need

FOLDER = click.argument("folder", type=click.Path(file_okay=False, path_type=Path))


@click.group()
def registry() -> None:
    """Find goods that are pledged at two banks, without a bank showing its book (跨行押品登记).

    \b
    Example:
      wuxin joint registry found /tmp/registry --bank bank-a --bank bank-b
    """
    need("rbcl")
    need("nacl")


@registry.command()
@FOLDER
@click.option("--bank", "banks", multiple=True, required=True, help="A member; may be repeated.")
def found(folder: Path, banks: tuple[str, ...]) -> None:
    """Set up a registry on this machine's loopback: keys, papers and a roster for every member.

    \b
    Example:
      wuxin joint registry found /tmp/registry --bank bank-a --bank bank-b
    """
    from wuxin.joint.registry.ceremony import found as founded
    from wuxin.terms.clock import system_clock

    made = founded(folder, banks, clock=system_clock)
    for name, own in made.folders.items():
        click.echo(f"{name:12}{own}")
    click.echo(f"roster {made.roster.digest}")
    click.echo(f"supervisor's key, shown once: {bytes(made.supervisor).hex()}")


@registry.command()
@FOLDER
def serve(folder: Path) -> None:
    """Serve a key node or the registry from its folder until it is interrupted.

    \b
    Example:
      wuxin joint registry serve /tmp/registry/key-a
    """
    import signal
    import threading

    from wuxin.joint.registry.serving import serve as served
    from wuxin.terms.clock import system_clock

    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    running = served(folder, clock=system_clock)
    click.echo(f"{running.name} listens at port {running.server.port}")
    over.wait()
    running.server.close()


@registry.command()
@FOLDER
@click.option("--epoch", type=int, help="Only have all nodes go over to an epoch already taken.")
def refresh(folder: Path, epoch: int | None) -> None:
    """Lead a refresh of the key's parts from a key node's folder; no tag changes by it.

    \b
    Example:
      wuxin joint registry refresh /tmp/registry/key-a
    """
    from wuxin.joint.registry.client import Lines
    from wuxin.joint.registry.refresh import Leader
    from wuxin.joint.registry.roster import read
    from wuxin.joint.registry.serving import papers, settings
    from wuxin.joint.registry.signed import Signer
    from wuxin.terms.clock import system_clock

    signer = Signer.of_file(settings(folder).name, folder / "signing.key")
    lines = Lines(papers(folder))
    leader = Leader(signer, read(folder / "roster.toml"), carry=lines, clock=system_clock)
    done = leader.refresh() if epoch is None else leader.commit(epoch)
    lines.close()
    click.echo(f"epoch {done}")


@registry.command()
@FOLDER
@click.option("--as", "bank", required=True, help="The member that asks.")
@click.option("--scheme", default="receipt", show_default=True, help="What number it is.")
@click.option("--issuer", default="", help="Who gave it: a name, or a credit code.")
@click.argument("number")
def ask(folder: Path, number: str, *, bank: str, scheme: str, issuer: str) -> None:
    """Ask whether goods are pledged elsewhere by one of their numbers; nothing is entered.

    What the bank itself has entered does not count.

    \b
    Example:
      wuxin joint registry ask /tmp/registry/bank-a --as bank-a --issuer 中储 "仓单号：CR-2024 0017"
    """
    from wuxin.joint.registry.client import Client, Lines
    from wuxin.joint.registry.gate import seed_of
    from wuxin.joint.registry.numbers import number_key
    from wuxin.joint.registry.roster import read
    from wuxin.joint.registry.serving import papers
    from wuxin.joint.registry.signed import Signer
    from wuxin.terms.clock import system_clock
    from wuxin.terms.pledging import GoodsNumber

    roster, lines = read(folder / "roster.toml"), Lines(papers(folder))
    file = folder / "signing.key"
    client = Client(Signer.of_file(bank, file), roster, carry=lines, clock=system_clock)
    key, doubts = number_key(GoodsNumber(scheme, number, issuer), roster.issuers)
    contacts = client.held(client.tags([key.text]), seed=seed_of(file))[0]
    client.close()
    lines.close()
    for doubt in doubts:
        click.echo(f"{doubt.zh} · {doubt.en}")
    if contacts:
        whom = "; ".join(one for one in contacts if one)
        click.echo(f"已在他行质押 · pledged elsewhere{': ' + whom if whom else ''}")
    else:
        click.echo("未见他行质押 · not pledged elsewhere")
