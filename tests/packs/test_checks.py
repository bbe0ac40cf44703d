"""The conformance suite finds each kind of fault in a pack, and nothing in a sound one."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from wuxin.packs import checks, schema
from wuxin.terms.clock import DAY, HOUR
from wuxin.terms.names import Digest
from wuxin.terms.records import Words
from wuxin.terms.standards import (
    Device,
    Example,
    Indicator,
    Kind,
    Model,
    Pack,
    ReportFigure,
    Rule,
    Step,
    worthless,
)

W = Words("字", "word")
NONE = Words("", " ")


def indicator(name: str, of: str, *, derived: bool = False, aliases: tuple[str, ...] = ()) -> Any:
    return Indicator(
        name=name, words=W, of=(of,), unit="W", show="kW", low=0, high=1e6, purpose=W,
        interface="i", permission="p", derived=derived, aliases=aliases,
    )  # fmt: skip


def device(name: str, of: str, *feeds: str) -> Device:
    return Device(
        name=name, words=W, of=of, feeds=feeds, protocol="p", accuracy="a", resolution="r",
        period=HOUR, allowed_silence=DAY, synchrony="s", health=W, remote=W, emergency=W,
    )  # fmt: skip


def example(*rows: Mapping[str, Any], fires: bool) -> Example:
    return Example("an example", fires, rows)


RULE = Rule(
    name="hot", kind="oven", level="amber", when="heat > :limit", clear="", lasting=HOUR,
    value="heat", limit=100.0, clear_limit=None,
    words=Words("{value}，{limit}", "{value}, {limit}"),
    bank=W, enterprise=W, runbook=W,
    examples=(
        example({"at": "0 h", "heat": 101}, {"at": "1 h", "heat": 102}, fires=True),
        example({"at": "0 h", "heat": 101}, {"at": "1 h", "heat": 99}, fires=False),
    ),
)  # fmt: skip
MODEL = Model("m", W, ("heat",), ("worn",), W, "s", "v", "v", lambda _: [])
SOUND = Pack(
    name="baking", words=W,
    kinds={"bakery": Kind("bakery", W), "oven": Kind("oven", W, ("bakery",))},
    indicators={
        "heat": indicator("heat", "oven", aliases=("hitze",)),
        "worn": indicator("worn", "oven", derived=True),
        "silence": indicator("silence", "*", derived=True),
    },
    devices={"probe": device("probe", "oven", "heat")},
    rules={"hot": RULE},
    models={"m": MODEL},
    steps=(
        Step("apply", W, "borrower", ()), Step("approve", W, "approver", ("apply", "documented")),
        *(Step(stage, W, "approver", ("apply",)) for stage in checks.STAGES),
    ),
    process=b"", value=lambda *_: None, digest=Digest(""),  # type: ignore[arg-type, return-value]
    report=(ReportFigure("oven", "worn", "mean"),),
)  # fmt: skip


def with_kind(**changes: Any) -> Pack:
    return replace(SOUND, kinds={**SOUND.kinds, "oven": replace(SOUND.kinds["oven"], **changes)})


def with_heat(**changes: Any) -> Pack:
    heat = replace(SOUND.indicators["heat"], **changes)
    return replace(SOUND, indicators={**SOUND.indicators, "heat": heat})


def with_device(**changes: Any) -> Pack:
    return replace(SOUND, devices={"probe": replace(SOUND.devices["probe"], **changes)})


def with_rule(**changes: Any) -> Pack:
    return replace(SOUND, rules={"hot": replace(RULE, **changes)})


def with_rows(*rows: Mapping[str, Any], fires: bool = True) -> Pack:
    return with_rule(examples=(*RULE.examples, example(*rows, fires=fires)))


def with_figure(kind: str) -> Pack:
    return replace(SOUND, report=(ReportFigure(kind, "heat", "mean"),))


def with_model(**changes: Any) -> Pack:
    return replace(SOUND, models={"m": replace(MODEL, **changes)})


def with_step(**changes: Any) -> Pack:
    first, second, *others = SOUND.steps
    return replace(SOUND, steps=(first, replace(second, **changes), *others))


def test_a_sound_pack_has_no_fault() -> None:
    assert checks.check(SOUND) == []
    assert all(row.done for row in checks.coverage(SOUND))


OB, D, P, R, M = "objects.toml", "devices.toml", "process.bpmn", "rules.toml", "models.py"
OVEN, HEAT, PROBE = f"{OB} [kind.oven]: ", f"{OB} [indicator.heat]: ", f"{D} [device.probe]: "
HOT, STEP, CARD, TRIAL = (
    f"{R} [rule.hot]: ", f"{P} step approve: ", f"{M} model m: ",
    f"{R} [rule.hot]: example 'an example': ",
)  # fmt: skip
FAULTS: list[tuple[Callable[[], Pack], str]] = [
    (lambda: replace(SOUND, words=NONE), f"{OB} [pack]: has no name in en"),
    (lambda: with_kind(words=NONE), f"{OVEN}has no name in zh"),
    (lambda: replace(SOUND, report=()), f"{OB} [report]: the enterprise's own report has no"),
    (lambda: with_figure("ship"), f"{OB} [report]: 'ship' is no declared kind"),
    (lambda: with_figure("bakery"), f"{OB} [report]: 'heat' is no declared indicator of kind"),
    (lambda: with_kind(within=("castle",)), f"{OVEN}stands within 'castle', which is no declared"),
    (lambda: with_kind(names="loaf"), f"{OVEN}names 'loaf', which is no declared kind"),
    (lambda: with_kind(names="oven"), f"{OVEN}names 'oven' but may not stand within it"),
    (lambda: with_heat(unit=""), f"{HEAT}has no unit"),
    (lambda: with_heat(show="kg"), f"{HEAT}unit 'kg' cannot be converted to 'W'"),
    (lambda: with_heat(low=5, high=5), f"{HEAT}its range has low 5, which is not below high 5"),
    (lambda: with_heat(high=float("nan")), f"{HEAT}its range"),
    (lambda: with_heat(words=NONE), f"{HEAT}has no name in zh"),
    (lambda: with_heat(purpose=NONE), f"{HEAT}has no purpose in zh"),
    (lambda: with_heat(interface=" "), f"{HEAT}has no interface"),
    (lambda: with_heat(permission=""), f"{HEAT}has no permission"),
    (lambda: with_heat(of=()), f"{HEAT}belongs to no kind"),
    (lambda: with_heat(of=("oven", "kiln")), f"{HEAT}belongs to 'kiln', which is no declared kind"),
    (lambda: with_heat(aliases=("Worn",)), f"{HEAT}alias 'Worn' already stands for 'worn'"),
    (lambda: with_device(words=NONE), f"{PROBE}has no name in zh"),
    (lambda: with_device(accuracy=""), f"{PROBE}has no accuracy"),
    (lambda: with_device(emergency=NONE), f"{PROBE}has no emergency in zh"),
    (lambda: with_device(of="kiln"), f"{PROBE}is of 'kiln', which is no declared kind"),
    (lambda: with_device(feeds=("cold",)), f"{PROBE}feeds 'cold', which is no declared indicator"),
    (lambda: with_device(feeds=("worn",)), f"{PROBE}feeds 'worn', which is derived, not measured"),
    (lambda: with_device(of="bakery"), f"{PROBE}feeds 'heat', which does not belong to kind"),
    (lambda: with_device(period=2 * DAY), f"{PROBE}its allowed_silence is shorter than its period"),
    (lambda: with_device(feeds=()), f"{D}: no device of kind 'oven' feeds indicator 'heat'"),
    (lambda: replace(SOUND, steps=()), f"{P}: has no step"),
    (lambda: replace(SOUND, steps=SOUND.steps[:-1]), f"{P} extension: there is no such step"),
    (lambda: replace(SOUND, value=worthless), f"{M} value: there is no valuation"),
    (lambda: with_step(id="apply"), f"{P} step apply: 2 steps have this id"),
    (lambda: with_step(words=NONE), f"{STEP}has no name in zh"),
    (lambda: with_step(owner=""), f"{STEP}has no owner"),
    (lambda: with_step(needs=()), f"{STEP}needs nothing; only the first step may begin by itself"),
    (lambda: with_step(needs=("a word!",)), f"{STEP}needs 'a word!', which is neither a step nor"),
    (lambda: with_step(needs=("apply", "full_moon")), f"{STEP}needs 'full_moon', which is neither"),
    (lambda: with_rule(words=Words("", "x")), f"{HOT}has no sentence in zh"),
    (lambda: with_rule(bank=NONE), f"{HOT}has no bank action in zh"),
    (lambda: with_rule(enterprise=NONE), f"{HOT}has no enterprise action in zh"),
    (lambda: with_rule(kind="kiln"), f"{HOT}is for kind 'kiln', which is no declared kind"),
    (lambda: with_rule(kind="bakery"), f"{HOT}reads 'heat', which is no declared indicator of"),
    (lambda: with_rule(when="cold < 1"), f"{HOT}reads 'cold', which is no declared indicator"),
    (lambda: with_rule(limit_of="cold"), f"{HOT}reads 'cold', which is no declared indicator"),
    (lambda: with_rule(when="heat >"), f"{HOT}condition 'heat >' is not SQL"),
    (lambda: with_rule(when="1 > 0"), f"{HOT}its condition reads no indicator"),
    (lambda: with_rule(limit=None), f"{HOT}parameter :limit has no value"),
    (lambda: with_rule(words=Words("{x}", "y")), f"{HOT}its sentence in zh has {{x}}"),
    (lambda: with_rule(words=Words("{", "y")), f"{HOT}its sentence in zh cannot be filled in"),
    (lambda: with_rule(words=Words("{value:.2f}", "y")), f"{HOT}its sentence in zh cannot be"),
    (lambda: with_rule(value=""), f"{HOT}its sentence in zh has {{value}}, but the rule names no"),
    (lambda: with_rule(examples=RULE.examples[1:]), f"{HOT}has no example that must fire"),
    (lambda: with_rule(examples=RULE.examples[:1]), f"{HOT}has no example that must stay silent"),
    (lambda: with_rule(lasting=DAY), f"{TRIAL}must fire, but does not"),
    (lambda: with_rule(limit=98.0), f"{TRIAL}must stay silent, but fires"),
    (lambda: with_rows({"at": "0 h", "heat": 2e6}), f"{TRIAL}heat = 2e+06 is outside of the ind"),
    (lambda: with_rows({"at": "0 h", "cold": 1}), f"{TRIAL}row 1: 'cold' is no declared indicator"),
    (lambda: with_rows({"at": "0 h", "heat": "x"}), f"{TRIAL}row 1: heat = 'x' is no number"),
    (lambda: with_rows({"heat": 1}), f"{TRIAL}row 1: at is wrong"),
    (lambda: with_rows({"at": "1 h", "heat": 1}, {"at": "1 h"}), f"{TRIAL}row 2: its time is not"),
    (lambda: with_rows({"at": "0 h", "worn": 1}, fires=False), f"{TRIAL}gives none of what the"),
    (with_rows, f"{TRIAL}has no rows"),
    (lambda: with_model(method=NONE), f"{CARD}has no method in zh"),
    (lambda: with_model(validated=""), f"{CARD}has no validated"),
    (lambda: with_model(reads=("cold",)), f"{CARD}reads 'cold', which is no declared indicator"),
    (lambda: with_model(derives=("heat",)), f"{CARD}derives 'heat', which is declared as measured"),
    (lambda: with_model(derives=("silence",)), f"{CARD}derives 'silence', which the house derives"),
    (lambda: replace(SOUND, models={}), f"{M}: no model derives indicator 'worn'"),
]


@pytest.mark.parametrize(("pack", "begins"), FAULTS, ids=[begins for _, begins in FAULTS])
def test_a_fault_is_one_sentence_with_file_and_place(pack: Callable[[], Pack], begins: str) -> None:
    found = checks.check(pack())
    assert any(fault.startswith(begins) for fault in found), found
    assert all("\n" not in fault for fault in found)
    assert begins.split(" ", maxsplit=1)[0].rstrip(":") in {
        row.file for row in checks.coverage(pack()) if not row.done
    }


def test_a_rule_for_any_kind_is_tried_on_a_kind_that_has_what_it_reads() -> None:
    assert checks.check(with_rule(kind="*")) == []
    apart = indicator("cold", "bakery")
    pack = replace(
        with_rule(kind="*", when="heat > cold"),
        indicators={**SOUND.indicators, "cold": apart},
        devices={**SOUND.devices, "fridge": device("fridge", "bakery", "cold")},
    )
    assert checks.check(pack) == [f"{HOT}no kind has all that it reads: cold, heat"]


def test_a_part_may_be_left_out_with_its_reason_and_no_more_than_that() -> None:
    short = replace(SOUND, steps=SOUND.steps[:-2], value=worthless)
    lacking = [f"{P} early_warning: there is no such step", f"{P} extension: there is no such step"]
    assert checks.check(short) == [*lacking, f"{M} value: there is no valuation"]
    why = {f"{P} early_warning": "by post", f"{M} value": "nothing is lent"}
    assert checks.check(replace(short, exempt=why)) == lacking[1:]
    states = {row.file: row.state for row in checks.coverage(replace(short, exempt=why))}
    assert states[P] == "1 faults"
    assert states[M] == "exempt: value: nothing is lent"


def test_an_excuse_that_has_outlived_its_reason_is_a_fault() -> None:
    kept = replace(SOUND, exempt={f"{M} value": "nothing is lent"})
    assert checks.check(kept) == [f"{OB} [exempt]: '{M} value' excuses nothing"]


@pytest.mark.parametrize("name", sorted(schema.installed()))
def test_every_installed_pack_is_complete(name: str) -> None:
    assert checks.check(schema.load(name)) == []


def test_coverage_shares_out_the_faults_among_the_standards() -> None:
    pack = replace(with_rule(bank=NONE), steps=(), words=NONE)
    rows = checks.coverage(pack)
    assert sorted(f for row in rows for f in row.missing) == sorted(checks.check(pack))
    assert {row.file: row.done for row in rows} == {OB: False, D: True, P: False, R: False, M: True}
    assert [row.declares for row in rows][3] == "1 rules, 2 examples"
