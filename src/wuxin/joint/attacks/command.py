"""``wuxin joint attacks`` and ``wuxin joint baselines``: what the narrow way leaks, in figures."""

import json
from pathlib import Path
from typing import Any

import click

TABLE = click.option(
    "--table", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder with bank.csv and partner.csv; examples/joint of the source tree if none.",
)  # fmt: skip
BAD = click.option(
    "--bad", default="1", show_default=True,
    help="The value of the bank's column y that is bad; all others are good.",
)  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.command()
@TABLE
@BAD
@JSON
@click.option("--wing/--no-wing", default=True, show_default=True,
              help="Run the same tasks on shares, too (needs wuxin[joint]).")  # fmt: skip
def attacks(table: Path | None, *, bad: str, as_json: bool, wing: bool) -> None:
    """Attack narrow federated learning on a real split table, then do the same on shares.

    \b
    Examples:
      wuxin joint attacks
      wuxin joint attacks --no-wing --json
    """
    from wuxin.joint.attacks.run import run
    from wuxin.joint.split import read

    result = run(read(table, bad=bad), wing=wing)
    if as_json:
        import msgspec

        click.echo(json.dumps(msgspec.to_builtins(result), ensure_ascii=False, indent=2))
        return
    through = {one.task: one for one in result.wing}
    for number, shown in enumerate(result.attacks, start=1):
        click.echo(f"{number}. {shown.name.zh} · {shown.name.en}")
        _two("看到 sees", shown.sees)
        _two("得到 gets", shown.gets)
        _two("界限 limit", shown.limit)
        if (same := through.get(shown.task)) is not None:
            click.echo(f"   联合计算 the wing opens: {', '.join(same.opens) or 'nothing'}")
            _two("结果 result", same.words)
        click.echo(f"   来源 source: {shown.source}")


@click.command()
@TABLE
@BAD
@JSON
@click.option("--epsilon", default=2.0, show_default=True, help="Privacy loss of the noisy ones.")
def baselines(table: Path | None, *, bad: str, as_json: bool, epsilon: float) -> None:
    """Train one default model plain, narrow federated and noisy: accuracy, time, bytes, leaks.

    \b
    Example:
      wuxin joint baselines --epsilon 8
    """
    from wuxin.joint.baselines.compare import compare
    from wuxin.joint.split import halves, read

    lines = compare(*halves(read(table, bad=bad)), epsilon=epsilon)
    if as_json:
        import msgspec

        click.echo(json.dumps(msgspec.to_builtins(lines), ensure_ascii=False, indent=2))
        return
    for one in lines:
        private = "" if one.epsilon is None else f"  ε {one.epsilon:.2f}, δ {one.delta:g}"
        click.echo(f"{one.name.zh} · {one.name.en}\n   AUC {one.auc:.4f}  {one.seconds:.2f} s  "
                   f"{one.bytes:,} bytes{private}")  # fmt: skip
        _two("泄露 leaks", one.leaks)


def _two(what: str, words: Any) -> None:
    click.echo(f"   {what}: {words.zh}\n   {' ' * len(what)}  {words.en}")
