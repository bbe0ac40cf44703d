"""What a party to a contract does, each by a command: commit, draft, check, sign, run."""

import os
from pathlib import Path
from typing import Any, Final

import click

PACKAGES: Final = ("wuxin.joint.algorithms", "wuxin.joint.programs")
FILE: Final[Any] = click.Path(exists=True, dir_okay=False, path_type=Path)
PARTY = click.option("--party", required=True, help="Who does it, by its name in the contract.")
FOLDER = click.option(
    "--folder", required=True, type=click.Path(file_okay=False, path_type=Path),
    help="The party's folder, with signing.key and its papers.",
)  # fmt: skip
PACKAGE = click.option("--package", "packages", multiple=True, help="Where programs may come from.")


@click.command()
@FOLDER
def key(folder: Path) -> None:
    """Print a party's public key, for the plan; the first time, make it.

    \b
    Example:
      wuxin joint key --folder /srv/bank-a
    """
    from wuxin.joint.contract import key_in, public

    click.echo(public(key_in(folder / "signing.key")))


@click.command()
@click.argument("plan", type=FILE)
@click.argument("tables", nargs=-1, required=True, metavar="TABLE=FILE...")
@PARTY
@FOLDER
def commit(plan: Path, tables: tuple[str, ...], *, party: str, folder: Path) -> None:
    """Make the shares of one's tables as a plan says, and write what one commits to.

    Shares stay in the folder; the commitments, PLAN.PARTY.json, go to whoever drafts the contract.

    \b
    Example:
      wuxin joint commit plan.toml bank=customers.csv --party bank-a --folder /srv/bank-a
    """
    import msgspec

    from wuxin.joint.folder import keep
    from wuxin.joint.owner import read_member
    from wuxin.joint.plan import read_plan
    from wuxin.terms.durable import write_files
    from wuxin.terms.errors import BadInput

    planned, member, made = read_plan(plan), read_member(folder, party), []
    files = dict(each.partition("=")[::2] for each in tables)
    mine = {name for name, table in planned.tables.items() if table.party == party}
    if set(files) != mine:
        own = ", ".join(sorted(mine)) or "no table"
        raise BadInput(f"the plan has {own} of {party}: give each as TABLE=FILE, and no other")
    for name, file in files.items():
        brought, table = planned.bring(name, Path(file)), planned.tables[name]
        made.append(member.commit(name, brought.table, budget=table.budget))
        keep(folder, made[-1], parts=member.shares(name), brought=brought, by_row=table.by_row)
        click.echo(f"{name}: {len(brought.ids)} rows, committed to {made[-1].parts[0][:16]}")
    target = plan.with_suffix(f".{party}.json")
    write_files({target: msgspec.json.format(msgspec.json.encode(made), indent=1)})
    click.echo(f"{target}: to be sent to whoever drafts the contract")


@click.command()
@click.argument("plan", type=FILE)
@click.argument("commitments", nargs=-1, required=True, type=FILE)
@click.option(
    "--to", "target", default="contract.json", show_default=True, help="Where to write it.",
    type=click.Path(dir_okay=False, path_type=Path),
)  # fmt: skip
@PACKAGE
def draft(
    plan: Path, commitments: tuple[Path, ...], *, target: Path, packages: tuple[str, ...]
) -> None:
    """Draft the contract of a plan from all owners' commitments; it then goes round to be signed.

    \b
    Example:
      wuxin joint draft plan.toml plan.bank-a.json plan.shop-b.json --to contract.json
    """
    import msgspec

    from wuxin.joint.contract import Input, Signed, read
    from wuxin.joint.plan import read_plan
    from wuxin.joint.program import find
    from wuxin.joint.refusals import check_form
    from wuxin.terms.clock import system_clock
    from wuxin.terms.durable import write_files
    from wuxin.terms.errors import BadInput

    planned, inputs = read_plan(plan), tuple[Input, ...]()
    for file in commitments:
        try:
            inputs += msgspec.json.decode(file.read_bytes(), type=tuple[Input, ...])
        except msgspec.MsgspecError as wrong:
            raise BadInput(f"{file} holds no commitments: {wrong}") from None
    program = find(planned.program, allowed=packages or PACKAGES)
    contract = planned.draft(program, inputs, now=system_clock())
    check_form(contract)
    drafted = Signed(contract).json
    read(drafted, name=str(plan))  # with all limits on its fields, which no constructor checks
    write_files({target: drafted})
    click.echo(f"{target}: {contract.id}, to be signed by "
               f"{', '.join(party.name for party in contract.parties)}")  # fmt: skip


@click.command()
@click.argument("file", type=FILE)
@PACKAGE
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
    for name, value in contract.settings.items():
        click.echo(f"setting {name} = {value}")
    if contract.repeats:
        click.echo(f"repeats {contract.repeats}")
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
    compiled = compiled_here(contract, packages or PACKAGES)
    click.echo(f"program {contract.program} compiles here to {compiled.digest}, as agreed")


@click.command()
@click.argument("file", type=FILE)
@PARTY
@FOLDER
@PACKAGE
def sign(file: Path, *, party: str, folder: Path, packages: tuple[str, ...]) -> None:
    """Sign a contract; writes it back.

    It must say of one's own tables what one committed to in this folder, and its program must
    compile here to what it says.

    \b
    Example:
      wuxin joint sign contract.json --party bank-a --folder /srv/bank-a
    """
    from wuxin.joint.contract import key_in, read
    from wuxin.joint.folder import kept
    from wuxin.joint.refusals import check_form
    from wuxin.joint.worker import compiled_here
    from wuxin.terms.durable import write_files

    signed = read(file.read_bytes(), name=file.name)
    check_form(signed.contract)
    for table in signed.contract.inputs:
        if table.party == party:
            kept(folder, table)  # what was committed to here, and nothing else
    compiled_here(signed.contract, packages or PACKAGES)
    signed = signed.sign(party, key_in(folder / "signing.key"))
    write_files({file: signed.json})
    waiting = [each.name for each in signed.contract.parties if not signed.holds(each.name)]
    click.echo(f"{party} has signed {signed.contract.id}"
               + (f"; still to sign: {', '.join(waiting)}" if waiting else ""))  # fmt: skip


@click.command()
@click.argument("file", type=FILE)
@PARTY
@FOLDER
@click.option("--keep", is_flag=True, help="Keep one's shares in the folder after the run.")
def run(file: Path, *, party: str, folder: Path, keep: bool) -> None:
    """Bring one's shares to the three nodes, wait for the others, and fetch one's results.

    Connects outward only. May be given again if it was interrupted. Where the contract repeats
    another whose results are in the folder, both are compared; exits with 1 where they differ, with
    2 where it was no repetition on other nodes.

    \b
    Example:
      wuxin joint run contract.json --party bank-a --folder /srv/bank-a
    """
    from wuxin.joint.contract import read
    from wuxin.joint.folder import forget, kept, read_results, repeated, write_results
    from wuxin.joint.owner import read_member

    signed = read(file.read_bytes(), name=file.name)
    contract, member = signed.contract, read_member(folder, party)
    contract.party(party)
    os.umask(0o077)  # shares and results are the party's own
    if read_results(folder, contract.id) is not None:
        click.echo(f"{contract.id[:16]} has run; its results are in {folder / 'results'}")
        return
    tables = [kept(folder, each) for each in contract.inputs if each.party == party]
    for each in tables:
        member.hold(each.made.table, each.parts)
    member.push(signed, tell=click.echo)
    figures = member.wait(signed, tell=click.echo)
    found = member.fetch(signed)
    click.echo(
        f"{figures['seconds']:.1f} s, {figures['bytes_sent'] / 1e6:.1f} MB between the nodes"
    )
    for path in write_results(folder, contract, found=found, tables=tables) if found else ():
        click.echo(path)
    if not keep:
        forget(folder, tables)
    if contract.repeats:
        other = repeated(folder, contract, found=found)
        click.echo(f"differs from {contract.repeats[:12]}: {', '.join(other)}" if other
                   else f"the same as {contract.repeats[:12]} found on other nodes")  # fmt: skip
        click.get_current_context().exit(1 if other else 0)
