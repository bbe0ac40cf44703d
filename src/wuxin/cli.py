"""The commands of Wuxin, from demo and serve to verify: what each takes, and what it calls.

Every command says what is wrong in one line and exits with status 2; ``verify`` exits with 1 when
something was tampered with.
"""

import ast
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from wuxin import __version__
from wuxin.portal.device_commands import device
from wuxin.portal.evidence_commands import anchor, bundle, check_file, witness
from wuxin.portal.joint_commands import joint
from wuxin.portal.joint_commands import verify as verify_joint
from wuxin.portal.options import HOME, TENANT, must_be_home
from wuxin.portal.order_commands import order, orders
from wuxin.portal.score_commands import score
from wuxin.portal.statement_commands import bring_statement
from wuxin.portal.warning_commands import warnings
from wuxin.terms.clock import moment
from wuxin.terms.errors import WuxinError
from wuxin.terms.names import tenant as checked_tenant


class _Group(click.Group):
    """Turns Wuxin's own errors into one line on standard error and exit status 2."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command; whatever is wrong with its arguments or its work is one line."""
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.exceptions.NoArgsIsHelpError as asked:
            click.echo(asked.format_message())
            sys.exit(2)
        except (WuxinError, click.ClickException) as wrong:
            said = wrong.format_message() if isinstance(wrong, click.ClickException) else wrong
            click.echo(f"wuxin: {said}", err=True)
            sys.exit(2)
        sys.exit(code if isinstance(code, int) else 0)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wuxin")
def main() -> None:
    """Wuxin (物信): lend against, insure and watch real things by what they themselves report.

    \b
    Example:
      wuxin demo --once --home /tmp/demo
    """


for command in (device, bundle, anchor, witness, order, orders, score, warnings):
    main.add_command(command)
for command in (bring_statement, joint):
    main.add_command(command)


@main.command()
@click.argument("recording", type=click.Path(dir_okay=False, path_type=Path))
@HOME
@TENANT
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON line per finding on standard output."
)
@click.option("--batch-rows", default=10_000, show_default=True, help="Rows per journal entry.")
def replay(recording: Path, home: Path, *, tenant: str, as_json: bool, batch_rows: int) -> None:
    """Bring in a recorded history.

    \b
    Example:
      wuxin replay examples/energy/recording.toml --home /tmp/home --json
    """
    from wuxin.home import Home
    from wuxin.portal import views
    from wuxin.wire.recording import open_recording

    opened = open_recording(recording)
    with Home(home, tenant=checked_tenant(tenant)) as house:
        _run(house, opened, batch_rows=batch_rows, quiet=as_json)
        if as_json:
            mine = house.batches_of(opened.source)
            for row in reversed(house.book.findings(house.tenant)):
                if row["batch"] in mine:
                    click.echo(json.dumps(views.finding(row), ensure_ascii=False))
        else:
            _summary(house)


@main.command()
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="Where to keep it.")
@click.option("--once", is_flag=True, help="No screens: play to the end, print a summary, verify.")
@click.option("--port", type=int, help="Where to listen (default 8080, or the next free port).")
@click.option("--speed", type=float, help="Seconds of event time per second; 0 as fast as it can.")
def demo(home: Path | None, *, once: bool, port: int | None, speed: float | None) -> None:
    """Play the shipped recordings of all industries, with at least one thing happening in each.

    \b
    Examples:
      wuxin demo
      wuxin demo --once --home /tmp/demo
    """
    from wuxin.portal import demo as played

    if once:
        played.once(home, Console())
    else:
        played.serve(home, Console(), port=port, speed=speed)


@main.command()
@HOME
@click.option("--host", help="The address to listen on (default 127.0.0.1).")
@click.option("--port", type=int, help="The port to listen on (default 8080).")
@click.option(
    "--sources",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of live sources: what devices speak, and where to listen for them.",
)
def serve(home: Path, *, host: str | None, port: int | None, sources: Path | None) -> None:
    """Serve the screens and the API of a home, and listen for its devices.

    Beyond loopback it refuses to listen without TLS and accounts, and says how to set them up.

    \b
    Example:
      wuxin serve --home /srv/wuxin --port 8080 --sources sources.toml
    """
    from wuxin.portal import demo as played

    hears = None
    if sources is not None:
        from wuxin.listen import Listening, read  # with all carriers, which takes a second

        described = read(sources)
        hears = partial(Listening, sources=described) if described else None
    played.serve_home(home, host=host, port=port, hears=hears)


@main.command()
@click.argument("name")
@click.option("--role", default="risk_officer", show_default=True, help="What it may do.")
@click.option("--party", default="", help="For a borrower: the obligor whose facilities it sees.")
@HOME
@TENANT
def account(name: str, *, role: str, party: str, home: Path, tenant: str) -> None:
    """Make an account, or renew its password; prints a one-time password.

    \b
    Example:
      wuxin account chen --role risk_officer --home /srv/wuxin
    """
    from wuxin.portal.access import Accounts
    from wuxin.stores.book import Book
    from wuxin.terms.clock import system_clock

    accounts = Accounts(Book.in_folder(home), system_clock)
    password = accounts.create(checked_tenant(tenant), name, role=role, party=party)
    click.echo(f"{name} ({role}), one-time password for 24 hours: {password}")


@main.command()
@click.argument("home", type=click.Path(exists=True, path_type=Path))
@TENANT
@click.option("--key", default="", help="For a case file: the log's key, as its holder gave it.")
@click.option(
    "--roots", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For a case file: certificates (PEM) of the authority whose timestamp it bears.",
)  # fmt: skip
def verify(home: Path, *, tenant: str, key: str, roots: Path | None) -> None:
    """Recompute the evidence log from the journal and check every root, tile and proof.

    A case file is checked alone, and a folder of compute nodes has its joint runs proved. Exits
    with 1 and names the place if a single byte was changed.

    \b
    Examples:
      wuxin verify /tmp/demo
      wuxin verify case.zip --key wuxin/demo-bank+1f2e3d4c+AQ...
    """
    if home.is_file():
        sys.exit(check_file(home, key, roots=roots))
    if not (home / tenant / "journal").is_dir() and (status := verify_joint(home)) is not None:
        sys.exit(status)
    from wuxin.audit import audit

    report = audit(home, checked_tenant(tenant))
    for fault in report.faults:
        click.echo(f"wuxin: {fault}", err=True)
    if report.faults:
        sys.exit(1)
    for note in report.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(
        f"verified: {report.entries} journal entries, {report.leaves} leaves, root {report.root}"
    )


@main.command()
@HOME
@TENANT
@click.option("--discard-before", type=int, help="Delete archived segments before this entry.")
@click.option("--policy", default="", help="The rule that asks for it; kept with what is deleted.")
def journal(home: Path, *, tenant: str, discard_before: int | None, policy: str) -> None:
    """List the journal's segments; or delete the raw bytes of archived ones, as a policy asks.

    \b
    Examples:
      wuxin journal --home /srv/wuxin
      wuxin journal --home /srv/wuxin --discard-before 90000 --policy "raw data: five years"
    """
    from wuxin.stores.segments import listing

    folder = home / checked_tenant(tenant) / "journal"
    if not folder.is_dir():
        raise click.UsageError(f"{home} holds no journal of {tenant}")
    if discard_before is not None:
        if not policy.strip():
            raise click.UsageError("--discard-before asks for the --policy under which it is done")
        from wuxin.home import Home

        with Home(home, tenant=checked_tenant(tenant)) as house:
            house.journal.discard(discard_before, policy=policy.strip(), at=house.clock())
    for found in listing(folder):
        where = f"{found.first:>12} {found.last:>12} {found.bytes:>14,} bytes"
        click.echo(f"{where}  {found.state:<9} {found.note}".rstrip())


@main.command()
@click.argument("packs", nargs=-1)
def check(packs: tuple[str, ...]) -> None:
    """Check packs against the four standards, and run every rule's examples.

    \b
    Example:
      wuxin check energy logistics
    """
    from wuxin.packs import checks, schema

    faults = []
    for name in packs or tuple(schema.installed()):
        for row in checks.coverage(schema.load(name)):
            faults += [f"{name}: {fault}" for fault in row.missing]
            click.echo(f"{name:15}{row.standard}  {row.file:14}{row.title:22}"
                       f"{row.declares:34}{row.state}")  # fmt: skip
    for fault in faults:
        click.echo(f"wuxin: {fault}", err=True)
    if faults:
        sys.exit(2)


@main.command("new-pack")
@click.argument("name")
@click.option(
    "--folder", type=click.Path(file_okay=False, path_type=Path), default=".", show_default=True
)
def new_pack(name: str, folder: Path) -> None:
    """Start a pack of your own: a folder with everything that has to be filled in.

    \b
    Example:
      wuxin new-pack fishery && pip install -e wuxin-fishery && wuxin check fishery
    """
    from wuxin.packs import new

    for path in new.new_pack(name, folder):
        click.echo(path)


@main.command()
@click.argument("what", type=click.Choice(["findings", "acts", "receipts", "readings", "state"]))
@HOME
@TENANT
@click.option("--format", "form", type=click.Choice(["jsonl", "csv", "parquet"]), default="jsonl")
@click.option("--thing", default="", help="Only this thing: its id, or kind:id.")
@click.option("--from", "start", default="", help="From this event time on (ISO 8601).")
@click.option("--to", "end", default="", help="Before this event time (ISO 8601).")
@click.option(
    "--as-of", default="", help="As known at this arrival time (ISO 8601) or batch number."
)
@click.option("--at", default="", help="For state: what was true at this event time (ISO 8601).")
@click.option(
    "--out", type=click.File("wb"), default="-", help="Where to; standard output if none."
)
def export(what: str, home: Path, **options: Any) -> None:
    """Write findings, acts, receipts, readings or the state of all things, as known now or then.

    \b
    Examples:
      wuxin export state --home /tmp/demo --at 2008-12-31 --as-of 2009-01-15
      wuxin export findings --home /tmp/demo --format csv --from 2008-09-01 --as-of 2008-12-31
    """
    from wuxin.portal.export import Span, rows, write
    from wuxin.stores.book import Book
    from wuxin.stores.history import History

    tenant = checked_tenant(options["tenant"])
    must_be_home(home)
    book = Book.in_folder(home)
    as_of = options["as_of"]
    known = (
        int(as_of) if as_of.isdigit() else book.batch_at(tenant, moment(as_of)) if as_of else None
    )
    span = Span(
        options["thing"],
        moment(options["start"]) if options["start"] else None,
        moment(options["end"]) if options["end"] else None,
        known,
        moment(options["at"]) if options["at"] else None,
    )
    found = rows(what, book, history=History(home / tenant / "history"), tenant=tenant, span=span)
    write(found, options["form"], into=options["out"])


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@HOME
@TENANT
@click.option(
    "--sources", required=True, type=click.Path(path_type=Path), help="The file of sources."
)
@click.option("--source", "name", required=True, help="The source in it whose messages they are.")
def bring(files: tuple[Path, ...], home: Path, *, tenant: str, sources: Path, name: str) -> None:
    """Bring files of messages into a live source, as if its devices had sent them now.

    A file has a message a line, or is one document, as in wuxin decode. Brought twice it changes
    nothing.

    \b
    Example:
      wuxin bring milkings.json --home /srv/wuxin --sources sources.toml --source herd
    """
    from wuxin.home import Home
    from wuxin.listen import read
    from wuxin.portal.brought import bring as brought
    from wuxin.terms.errors import NotFound

    known = {source.name: source for source in read(sources)}
    if name not in known:
        raise NotFound(f"{sources.name} has no source {name!r}; it has {', '.join(known)}")
    with Home(home, tenant=checked_tenant(tenant)) as house:
        for file in files:
            parts = [*brought(house, known[name], file=file)]
            refusals = [refusal for part in parts for refusal in part.refusals]
            click.echo(
                f"{file.name}: {sum(part.messages for part in parts)} messages, "
                f"{sum(part.accepted for part in parts)} readings taken, "
                f"{sum(part.marked for part in parts)} marked, {len(refusals)} refused"
            )
            for refusal in refusals[:10]:
                click.echo(f"  message {refusal.line + 1}: {refusal.reason}", err=True)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option(
    "--lang", type=click.Choice(["zh", "zh-CN", "en"]), help="Of the table; else the setting's."
)
def assess(file: Path, *, as_json: bool, lang: str | None) -> None:
    """Assess a company's financial statements: figures, flags with thresholds, what is missing.

    \b
    Examples:
      wuxin assess examples/statements/maker.json --lang en
      wuxin assess examples/statements/maker.json --json
    """
    from wuxin.portal import assess as shown
    from wuxin.risk.statement_flags import assess as assessed
    from wuxin.risk.statements import read
    from wuxin.settings import load

    found = assessed(read(file.read_bytes(), file.name))
    if as_json:
        click.echo(json.dumps(shown.as_json(found), ensure_ascii=False, indent=2))
    else:
        chosen = lang or load().language
        shown.show(found, Console(), language="en" if chosen == "en" else "zh")


@main.command()
@click.argument("protocol", required=False)
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--lang", type=click.Choice(["zh", "zh-CN", "en"]), help="Write it for people.")
@click.option("--text", "for_people", is_flag=True, help="The same, in the setting's language.")
@click.option("--said", default="", help="What the carrier says of each message: a JSON object.")
@click.option("--whole", is_flag=True, help="The file is one message, whatever it looks like.")
def decode(protocol: str | None, file: Any, **options: Any) -> None:
    """Decode frames, one per line in hexadecimal or text; one JSON line out per frame.

    A file of XML, of JSON over several lines, or of bytes is one frame. For people each field has
    a line, with --lang zh under the standard's Chinese name too. Without a protocol, list them.

    \b
    Examples:
      echo '{"device":"inverter:A1","boot":"b1","seq":1,"time":"2022-01-02T12:00:00Z",
             "readings":{"ac_power":1200}}' | wuxin decode wuxin
      echo 7e0002000001234567890100008a7e | wuxin decode jt808 --lang zh
      wuxin decode mtconnect current.xml --lang en
      wuxin decode sparkplug data.bin --said '{"topic":"spBv1.0/plant/NDATA/edge-1"}'
    """
    from wuxin.portal import decoded
    from wuxin.protocols.decoders import find, installed

    if protocol is None:
        click.echo("\n".join(installed()))
        return
    decoder, language = find(protocol), options["lang"]
    if language is None and options["for_people"]:
        from wuxin.settings import load

        language = load().language
    number = -1
    for number, frame in enumerate(decoded.frames(file, whole=options["whole"])):
        answer = decoder(decoded.behind(options["said"], frame) if options["said"] else frame)
        if language is None:
            click.echo(json.dumps(answer, ensure_ascii=False))
        else:
            shown = decoded.text(answer, protocol, chinese=language != "en")
            click.echo(f"\n{shown}" if number else shown)
    if number < 0:
        raise click.UsageError("the input is empty: there is no frame in it")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("name", required=False)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def bench(name: str | None, options: tuple[str, ...]) -> None:
    """Run a benchmark of the source tree, which prints JSON; without a name, list them.

    \b
    Examples:
      wuxin bench
      wuxin bench hot_path --messages 100000
    """
    import subprocess

    folder = Path(__file__).parents[2] / "benchmarks"
    known = {
        path.stem: path
        for path in sorted(folder.glob("*.py"))
        if 'if __name__ == "__main__":' in path.read_text("utf-8")
    }
    if not known:
        raise click.UsageError("benchmarks come with the source tree, and this is not one")
    if name is None:
        for stem, path in known.items():
            said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
            click.echo(f"{stem:14}{said.splitlines()[0]}")
        return
    if name not in known:
        raise click.UsageError(f"there is no benchmark {name!r}; there are {', '.join(known)}")
    done = subprocess.run([sys.executable, known[name], *options], check=False)  # noqa: S603
    sys.exit(done.returncode)


@main.command()
def settings() -> None:
    """Print every setting with its value, default, source and reason.

    \b
    Example:
      WUXIN_PORT=9000 wuxin settings
    """
    from wuxin.settings import describe

    click.echo(describe())


def _run(house: Any, opened: Any, *, batch_rows: int, quiet: bool) -> None:
    """Replay with a progress bar on standard error."""
    from wuxin.portal.bar import bar
    from wuxin.terms.compiled import is_cold

    if is_cold():
        click.echo("compiling the hot path, once: some ten seconds", err=True)
    with bar(quiet=quiet and not sys.stderr.isatty()) as show:
        for progress, _ in house.replay(opened, batch_rows=batch_rows):
            show(opened, progress)


def _summary(house: Any) -> None:
    from wuxin.portal.summary import table

    Console().print(table(house))
