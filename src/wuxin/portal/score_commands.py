"""``wuxin score``: score cases with a model's text, and tell the bank what came of one.

The bank keeps what the model said, with its digest, and never runs the model itself: so its journal
gives the same again on any machine.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from wuxin.portal.options import HOME, TENANT
from wuxin.terms.errors import BadInput
from wuxin.terms.names import tenant as checked_tenant
from wuxin.terms.records import Command, Words

_FEWEST: Final = 2
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_TOLD: Final = ("obligor", "by")


@click.command()
@click.argument("model", type=_FILE)
@click.argument("cases", type=_FILE)
@click.option("--digest", help="The model's digest on record; another model is refused.")
@click.option("--beside", type=_FILE, help="Cases of today: how they differ from the making's.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line per case.")
@click.option("--lang", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--obligor", default="", help="Tell the bank: the one case is of this obligor.")
@click.option("--by", default="", help="Who tells it.")
@HOME
@TENANT
def score(model: Path, cases: Path, **told: Any) -> None:
    """Score cases: probability of default, its reasons, what is missing (评分).

    CASES is a JSON object of features, or a list of them. With several, or with --beside, it says
    how stable the model's inputs are (PSI).

    \b
    Examples:
      wuxin score model.txt case.json --lang en
      wuxin score model.txt case.json --obligor "A maker" --by chen --home /srv/wuxin
    """
    from wuxin.risk.score.features import table
    from wuxin.risk.score.model import load
    from wuxin.risk.score.reasons import explain

    known = load(model.read_text("utf-8"), digest=told["digest"])
    given = _cases(cases)
    x = table(known.features, given)
    found = explain(known, x)
    today = table(known.features, _cases(told["beside"])) if told["beside"] else x
    words = {each.name: each.words for each in known.features}
    moved = [one.words(words.get(one.name)) for one in known.stability(today)] \
        if len(today) >= _FEWEST else []  # fmt: skip
    for scored in found:
        _show(scored, told["lang"], as_json=told["as_json"])
    if not told["as_json"]:
        for sentence in moved:
            click.echo(getattr(sentence, told["lang"]))
    if told["obligor"] or told["by"]:
        _tell(found, moved, told=told)


def _cases(file: Path) -> list[dict[str, float | None]]:
    """The cases of a file.

    Raises:
        BadInput: it is neither an object of numbers nor a list of such.
    """
    try:
        read = json.loads(file.read_text("utf-8"))
    except ValueError as wrong:
        raise BadInput(f"{file.name}: it is not JSON: {wrong}") from None
    cases = read if isinstance(read, list) else [read]
    for place, case in enumerate(cases):
        if not isinstance(case, dict):
            raise BadInput(f"{file.name}: case {place} is not an object of features")
        for name, value in case.items():
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, int | float)
            ):
                raise BadInput(f"{file.name}: case {place}: {name} is {value!r}, not a number")
    if not cases:
        raise BadInput(f"{file.name} has no case")
    return cases


def _show(scored: Any, language: str, *, as_json: bool) -> None:
    if as_json:
        import msgspec

        click.echo(json.dumps(msgspec.to_builtins(scored), ensure_ascii=False))
        return
    chance = "—" if scored.probability is None else f"{scored.probability:.2%}"
    click.echo(f"{chance}  {scored.model}")
    for reason in scored.reasons:
        click.echo(f"  {getattr(reason.words, language)}  [{reason.effect:+.3f}]")
    for sentence in scored.missing:
        click.echo(f"  {getattr(sentence, language)}")


def _tell(found: Sequence[Any], moved: Sequence[Any], *, told: dict[str, Any]) -> None:
    from wuxin.home import Home

    if len(found) != 1 or not all(told[name].strip() for name in _TOLD):
        raise click.UsageError("to tell the bank takes one case, --obligor and --by")
    [scored] = found
    body = {
        "obligor": told["obligor"],
        "model": scored.model,
        "probability": None if scored.probability is None else f"{scored.probability:.6f}",
        "reasons": [_both(reason.words) for reason in scored.reasons],
        "missing": [_both(sentence) for sentence in scored.missing],
        "stability": [_both(sentence) for sentence in moved],
    }
    with Home(told["home"], tenant=checked_tenant(told["tenant"])) as house:
        command = Command("tell_score", house.clock(), told["by"], "", body, "core_system")
        house.order(command)
        standing = house.flow.bank.credit.standings[told["obligor"]]
        click.echo(f"{told['obligor']}: {standing.grade}", err=True)


def _both(words: Words) -> dict[str, str]:
    return {"zh": words.zh, "en": words.en}
