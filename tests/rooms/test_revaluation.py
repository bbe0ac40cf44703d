"""Lending value: columns against plain numbers, evidence, eligibility, concentration."""

from decimal import Decimal

import numpy as np

from wuxin.finance.eligibility import Limit, Line, concentrate, judge, read_criterion
from wuxin.finance.evidence_haircut import Sensor, evidence_haircut
from wuxin.finance.revaluation import Holdings, Prices, Problem, revalue
from wuxin.terms.ports import Trust


def test_no_price_is_a_problem_and_a_negative_price_is_a_value() -> None:
    held = Holdings(
        np.array([0, 0, 1, 2], np.int32), np.array([0, 1, 2, -1], np.int32),
        np.array([1000, 1500, 1000, 1000]), np.array([300_000] * 4),
    )  # fmt: skip
    prices = Prices(
        np.array([100, -3763_00, 500]), np.zeros(3, np.int64), np.array([9, 9, 5]), np.ones(3, bool)
    )
    done = revalue(held, prices, facilities=3, at=5)
    assert done.values == (1 - 5644, None, None)  # 5644.5 goes to the even neighbour
    assert done.lendables == (0, None, None)
    assert done.problem.tolist() == [0, 0, Problem.EXPIRED, Problem.NO_PRICE]


def test_large_values_are_exact_or_a_problem() -> None:
    one = np.array([0], np.int32)
    for quantity, price in ((10**14 + 1, 8 * 10**8 + 7), (10**18, 10**13)):
        prices = Prices(np.array([price]), np.array([0]), np.array([9]), np.array([True]))
        held = Holdings(one, one, np.array([quantity]), np.array([1]))
        done = revalue(held, prices, facilities=1, at=5)
        exact = round(Decimal(quantity * price) / 100_000)
        assert done.values == ((exact,) if exact < 9 * 10**18 else (None,))


def test_weak_evidence_raises_the_haircut_with_reasons() -> None:
    good = Sensor("s1", Trust.SIGNED, 1, 10)
    weak = Sensor("s2", Trust.UNPROVEN, 31, 10)
    assert evidence_haircut(Decimal("0.2"), [good, weak]).haircut == Decimal("0.2")
    cut = evidence_haircut(Decimal("0.2"), [weak], dynamic=Decimal("0.6"))
    assert [one.code for one in cut.added] == ["unproven", "silent"]
    assert (cut.haircut, cut.base, cut.capped) == (1, Decimal("0.6"), True)


def test_an_unknown_fact_makes_nothing_eligible_and_the_failure_has_its_figures() -> None:
    rule = read_criterion(
        {"all": [{"fact": "age", "at_most": "365"}, {"not": {"fact": "place", "is": "9"}}]}
    )
    assert judge(rule, {"age": 365, "place": "1"}).eligible
    assert [one.fact for one in judge(rule, {"age": 1}).failed] == ["place"]
    [failed] = judge(rule, {"age": 366, "place": "1"}).failed
    assert failed.words.en == "age must be at most 365, and is 366"


def test_what_exceeds_a_limit_is_cut_off_the_last_line_and_said() -> None:
    lines = [Line(str(k), 100, {"place": "a" if k < 3 else "b"}) for k in range(4)]
    done = concentrate(lines, [Limit("place", Decimal("0.4"))])
    assert done.lendable == (100, 60, 0, 100)
    assert [(one.thing, one.cut) for one in done.cuts] == [("1", 40), ("2", 100)]
