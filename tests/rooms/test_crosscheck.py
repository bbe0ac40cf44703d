"""Several sources for one fact: agreement, contradiction, and who stands alone."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from wuxin.risk import crosscheck
from wuxin.risk.claims import Claim, Verdict, compare
from wuxin.risk.crosscheck import Source, Tolerance
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey

DAY = 86_400 * 10**9


def source(name: str, share: float = 0.1, *, origin: str = "", reliability: float = 0.8) -> Source:
    return Source(name, Tolerance(share, 1.0, "its class"), reliability, origin)


def said(name: str, value: float | None, *, origin: str = "") -> Claim:
    return Claim(source(name, origin=origin), value, "kg", 0, DAY)


def english(verdict: Verdict) -> list[str]:
    return [words.en for words in verdict.reasons]


def test_agreement_raises_trust_with_each_source() -> None:
    claims = [said("count", 100), said("energy", 104), said("invoice", 97)]
    trusts = [compare(claims[:n]).trust for n in (1, 2, 3)]
    assert trusts == pytest.approx([0.8, 0.9412, 0.9846], abs=1e-4)
    assert compare(claims).state == "agreed"
    assert compare(claims).value == pytest.approx(100.15)


def test_two_that_contradict_are_both_named_with_their_figures() -> None:
    tonnes = Source("energy", Tolerance(0.2, 0.001, "the rate per kWh"))
    verdict = compare([said("count", 150), Claim(tonnes, 0.1, "t", 0, DAY)])
    assert verdict.state == "contested"
    assert (verdict.value, verdict.trust) == (None, 0)
    assert english(verdict) == [
        "the sources contradict each other, and none is borne out by a majority",
        "count: 150 kg, within 10 %, at least 1 kg (its class)",
        "energy: 0.1 t, within 20 %, at least 0.001 t (the rate per kWh)",
    ]


def test_of_three_the_odd_one_is_named() -> None:
    verdict = compare([said("count", 150), said("energy", 101), said("payroll", 98)])
    assert (verdict.state, verdict.odd) == ("odd", ("count",))
    assert english(verdict)[0] == "count contradicts energy and payroll, which agree"
    assert verdict.reasons[0].zh == "count与其余来源（energy、payroll）不符"
    assert verdict.value == pytest.approx(99.35, abs=0.01)
    assert 0.7 < (verdict.trust or 0) < 0.8, "less than one undisputed source"


def test_a_chain_of_overlaps_is_contested_not_decided_by_order() -> None:
    claims = [said("a", 80), said("b", 95), said("c", 112)]
    assert compare(claims).state == compare(claims[::-1]).state == "contested"


def test_sources_of_one_origin_do_not_outvote_another() -> None:
    books = [said("invoice", 150, origin="books"), said("ledger", 151, origin="books")]
    assert compare([*books, said("energy", 100)]).state == "contested"
    assert compare(books).trust == pytest.approx(0.8)


def test_what_is_missing_is_said_and_is_no_zero() -> None:
    late = Claim(source("invoice"), 100.0, "kg", 0, 30 * DAY)
    verdict = compare([said("count", 100), said("energy", None), late])
    assert verdict.state == "alone"
    assert [w.en for w in verdict.missing] == [
        "energy says nothing",
        "invoice covers another time and is not compared",
    ]
    nobody = compare([said("count", None), said("energy", float("nan"))])
    assert (nobody.state, nobody.value, nobody.trust) == ("nothing", None, None)


def test_zero_agrees_with_zero_and_contradicts_a_hundred() -> None:
    assert compare([said("count", 0), said("energy", 0.4)]).state == "agreed"
    assert compare([said("count", 100), said("energy", 0)]).state == "contested"


def test_units_that_do_not_measure_the_same_are_refused() -> None:
    with pytest.raises(BadInput, match="cannot be converted"):
        compare([said("count", 1), Claim(source("energy"), 1.0, "kWh", 0, DAY)])


def test_columns_say_what_single_facts_say() -> None:
    rng = np.random.default_rng(5)
    names = [source("a", 0.1), source("b", 0.2, origin="x"), source("c", 0.05),
             source("d", 0.1, origin="x", reliability=0.9)]  # fmt: skip
    values = rng.choice([np.nan, np.nan, np.nan, 0, 10, 11, 12, 14, 100, -11], size=(4, 600))
    checked = crosscheck.check(values, names)
    for column in range(600):
        claims = [
            Claim(s, float(v), "1", 0, DAY) for s, v in zip(names, values[:, column], strict=True)
        ]
        verdict = compare(claims)
        assert crosscheck.check(values[:, [column]], names).state[0] == checked.state[column]
        states = ("nothing", "alone", "agreed", "odd", "contested")
        assert verdict.state == states[checked.state[column]]
        assert verdict.value == pytest.approx(checked.value[column], nan_ok=True) or (
            verdict.value is None and np.isnan(checked.value[column])
        )
    assert {*checked.state.tolist()} == {0, 1, 2, 3, 4}


def test_a_model_derives_and_nobody_gives_no_value() -> None:
    values = np.array([[100.0, np.nan, 150], [101, np.nan, 100]])
    checked = crosscheck.check(values, [source("count"), source("energy")])
    at = np.array([1, 2, 3]) * DAY
    thing = ThingKey("machine", "M1")
    derived = crosscheck.derive(thing, at, checked=checked, prefix="output")
    found = {d.indicator: (d.t.tolist(), d.v.tolist()) for d in derived}
    assert found["output_state"] == ([DAY, 3 * DAY], [2.0, 4.0])
    assert found["output_gap"][1] == pytest.approx([1 / 101, 1 / 3])
    assert found["output_trust"][1] == pytest.approx([0.9412, 0.0], abs=1e-4)


def test_a_tolerance_is_learnt_from_days_of_which_some_are_false() -> None:
    rng = np.random.default_rng(2)
    energy = rng.uniform(50, 100, 40)
    items = energy * 18 * rng.normal(1, 0.02, 40)
    items[:8] *= 1.5
    rate = crosscheck.learn(energy, items)
    assert rate is not None
    assert rate.rate == pytest.approx(18, rel=0.03)
    assert 0.05 <= rate.tolerance.share < 0.15
    assert crosscheck.learn(energy[:4], items[:4]) is None


def test_wrong_tolerances_and_shapes_are_refused() -> None:
    with pytest.raises(BadInput, match="not negative"):
        crosscheck.check(np.ones((1, 1)), [source("a", -0.1)])
    with pytest.raises(BadInput, match="reliability 1"):
        crosscheck.check(np.ones((1, 1)), [source("a", reliability=1)])
    with pytest.raises(BadInput, match="there are 1 sources"):
        crosscheck.check(np.ones((2, 1)), [source("a")])


def machine_days(path: Path) -> dict[tuple[int, str], list[tuple[int, float, float, float]]]:
    """Per machine and local day: product, items, kWh and minutes in automatic."""
    rows = duckdb.execute(
        "SELECT asset, strftime(ts AT TIME ZONE 'Europe/Berlin', '%Y-%m-%d') AS day, product, "
        "sum(items), sum(power_avg) / 12, 5 * count(*) FILTER (status = 2) "
        "FROM read_csv(?) GROUP BY ALL ORDER BY ALL",
        [str(path)],
    ).fetchall()
    found: dict[tuple[int, str], list[tuple[int, float, float, float]]] = {}
    for asset, day, product, *figures in rows:
        found.setdefault((asset, day), []).append((product, *figures))
    return found


def judged(
    days: dict[tuple[int, str], list[tuple[int, float, float, float]]], *, times: float, by: int
) -> dict[tuple[int, str], tuple[int, bool]]:
    """State of each machine's day and whether the count is the odd one, learnt on its other days.

    Args:
        days: what the machines did.
        times: by how much the count of the day in question is inflated.
        by: 1 compares with energy, 2 with energy and the running time.
    """
    found = {}
    for (asset, day), rows in days.items():
        items = times * sum(row[1] for row in rows)
        others = [r for (a, d), rs in days.items() if a == asset and d != day for r in rs]
        past = np.array([r for r in others if r[1] >= 30])
        if sum(row[1] for row in rows) < 30:
            continue
        sources, values = [source("count", 0.02)], [items]
        for place in (2, 3)[:by]:
            whole = crosscheck.learn(past[:, place], past[:, 1])
            assert whole is not None
            rates = {
                p: float(np.median(past[past[:, 0] == p, 1] / past[past[:, 0] == p, place]))
                for p in {*past[:, 0].tolist()}
                if (past[past[:, 0] == p, place] > 0).all()
            }
            known = np.isin(past[:, 0], [*rates])
            per_product = np.array([rates[p] for p in past[known, 0]]) * past[known, place]
            spread = crosscheck.learn(per_product, past[known, 1], floor=0.25)
            assert spread is not None
            values.append(sum(rates.get(row[0], whole.rate) * row[place] for row in rows))
            sources.append(Source(str(place), spread.tolerance))
        checked = crosscheck.check(np.array([values]).T, sources)
        found[asset, day] = int(checked.state[0]), bool(checked.odd[0, 0])
    return found


@pytest.mark.shared
def test_an_inflated_count_of_real_machines_is_found_and_an_honest_one_is_not(
    shared: Path,
) -> None:
    days = machine_days(
        shared / "data/manufacturing/sme_manufacturing/company_A_labelled_subset.csv"
    )
    honest = judged(days, times=1, by=2)
    assert len(honest) == 36
    assert sum(state >= crosscheck.ODD for state, _ in honest.values()) == 0
    inflated = judged(days, times=1.5, by=2)
    assert all(state >= crosscheck.ODD for state, _ in inflated.values())
    assert sum(odd for _, odd in inflated.values()) >= 32, "mostly the count itself is named"
    against_energy = judged(days, times=1.5, by=1)
    assert sum(state >= crosscheck.ODD for state, _ in against_energy.values()) >= 32
