"""The registry keeps what stands within what, without cycles, and who names whom."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wuxin.terms.clock import HOUR
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.terms.records import Readings, Words
from wuxin.terms.standards import Device, Indicator, Kind
from wuxin.twin.layout import NEVER
from wuxin.twin.registry import Registry

W = Words("字", "word")
KINDS = {
    "store": Kind("store", W),
    "lot": Kind("lot", W, within=("store",)),
    "receipt": Kind("receipt", W, within=("lot",), names="lot"),
    "box": Kind("box", W),
}
INDICATORS = {
    n: Indicator(n, W, ("lot",), "kg", "t", 0, 1e6, W, "i", "p") for n in ("net", "gross")
}  # fmt: skip


def device(name: str, hours: int) -> Device:
    return Device(
        name=name, words=W, of="lot", feeds=("net",), protocol="p", accuracy="a", resolution="r",
        period=HOUR, allowed_silence=hours * HOUR, synchrony="s", health=W, remote=W, emergency=W,
    )  # fmt: skip


DEVICES = {"scale": device("scale", 2), "gate": device("gate", 5)}
STORE, OTHER, LOT, LOT2 = (
    ThingKey("store", "S"), ThingKey("store", "T"), ThingKey("lot", "L"), ThingKey("lot", "M"),
)  # fmt: skip
R1, R2 = ThingKey("receipt", "R1"), ThingKey("receipt", "R2")


@pytest.fixture
def registry() -> Registry:
    return Registry(KINDS, INDICATORS, devices=DEVICES)


def reported(
    registry: Registry, parents: dict[ThingKey, ThingKey], *others: ThingKey
) -> dict[ThingKey, list[ThingKey]]:
    """Let things come in with a batch; returns who newly names, and whose count has changed."""
    things = [*parents, *others]
    n = len(things)
    readings = Readings(
        np.arange(n, dtype=np.int32), np.full(n, 1, np.int32), np.zeros(n, np.int64), np.zeros(n),
        np.zeros(n, np.int32), np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.uint8),
        things, parents, ["gross", "net"],
    )  # fmt: skip
    named = registry.resolve(readings, "s", periods={"lot": HOUR})
    assert [registry.things[slot].key for slot in readings.thing] == things
    assert {registry.names[number] for number in readings.indicator} == {"net"}
    return {registry.things[slot].key: keys for slot, keys in named.items()}


# ---- things and parents ----------------------------------------------------------------------


def test_things_are_numbered_as_they_are_first_seen(registry: Registry) -> None:
    slots = [registry.register(key, source="s") for key in (STORE, LOT, STORE, OTHER)]
    assert slots == [0, 1, 0, 2]
    assert len(registry) == 3
    assert LOT in registry
    assert LOT2 not in registry


def test_a_kind_that_is_not_declared_is_refused(registry: Registry) -> None:
    with pytest.raises(BadInput, match="kind 'ship' is not declared; declared: store, lot"):
        registry.register(ThingKey("ship", "1"), source="s")


def test_what_stands_within_is_found_from_both_sides(registry: Registry) -> None:
    reported(registry, {LOT: STORE, R1: LOT, LOT2: STORE}, OTHER)
    assert registry.above(R1) == [LOT, STORE]
    assert registry.below(STORE) == [STORE, LOT, LOT2, R1]
    assert [*registry.roots("s")] == [STORE, OTHER]
    assert [*registry.roots("another")] == []


def test_a_thing_may_stand_only_within_what_its_kind_declares(registry: Registry) -> None:
    registry.register(R1, source="s")
    with pytest.raises(BadInput, match="a receipt stands within lot, not store:S"):
        registry.register(R1, source="s", parent=STORE)
    with pytest.raises(BadInput, match="a lot stands within store, not receipt:R1"):
        registry.register(LOT, source="s", parent=R1)
    assert LOT not in registry


def test_a_move_leaves_nothing_behind(registry: Registry) -> None:
    reported(registry, {LOT: STORE, R1: LOT})
    del registry.changed[:]
    reported(registry, {LOT: OTHER})
    assert registry.below(STORE) == [STORE]
    assert registry.below(OTHER) == [OTHER, LOT, R1]
    assert registry.thing(LOT).slot in registry.changed


def test_no_thing_stands_within_itself_and_a_refusal_changes_nothing(registry: Registry) -> None:
    a, b, c = (ThingKey("box", x) for x in "abc")
    for child, parent in ((b, a), (c, b)):
        registry.register(parent, source="s")
        registry.register(child, source="s", parent=parent)
    for child, parent in ((a, a), (a, b), (a, c), (b, c)):
        with pytest.raises(BadInput, match=f"{child} cannot stand within itself"):
            registry.register(child, source="s", parent=parent)
    assert registry.below(a) == [a, b, c]
    assert registry.above(c) == [b, a]


MOVES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=25)


@given(MOVES)
def test_after_any_moves_every_thing_is_found_once_below_its_root(
    moves: Sequence[tuple[int, int]],
) -> None:
    registry = Registry(KINDS, INDICATORS, devices=DEVICES)
    boxes = [ThingKey("box", str(n)) for n in range(6)]
    for box in boxes:
        registry.register(box, source="s")
    for child, parent in moves:
        try:
            registry.register(boxes[child], source="s", parent=boxes[parent])
        except BadInput:
            assert child == parent or boxes[child] in registry.above(boxes[parent])
    found = [key for root in registry.roots("s") for key in registry.below(root)]
    assert sorted(found) == sorted(boxes)
    for box in boxes:
        for above in registry.above(box):
            assert box in registry.below(above)


# ---- naming ----------------------------------------------------------------------------------


def test_two_documents_that_name_one_thing_are_counted(registry: Registry) -> None:
    registry.register(STORE, source="s")
    assert reported(registry, {LOT: STORE, R1: LOT}) == {R1: [LOT]}
    assert reported(registry, {R1: LOT}) == {}
    assert reported(registry, {R2: LOT}) == {R2: [LOT]}
    assert registry.thing(LOT).naming == [R1, R2]


def test_a_document_that_names_another_thing_now_counts_there(registry: Registry) -> None:
    reported(registry, {LOT: STORE, LOT2: STORE, R1: LOT, R2: LOT2})
    assert reported(registry, {R1: LOT2}) == {R1: [LOT, LOT2]}
    assert registry.thing(LOT).naming == []
    assert registry.thing(LOT2).naming == [R2, R1]


def test_a_document_that_was_registered_before_it_reported_counts_too(registry: Registry) -> None:
    registry.register(LOT, source="s")
    registry.register(R1, source="s", parent=LOT)
    assert reported(registry, {R2: LOT}) == {R2: [LOT]}
    assert registry.thing(LOT).naming == [R1, R2]


def test_standing_within_is_not_naming(registry: Registry) -> None:
    assert reported(registry, {LOT: STORE, LOT2: STORE}) == {}
    assert registry.thing(STORE).naming == []


# ---- silence ---------------------------------------------------------------------------------


def test_the_most_patient_device_says_how_long_a_thing_may_be_silent(registry: Registry) -> None:
    assert registry.allowed_silence(registry.register(LOT, source="s")) == 5 * HOUR
    assert registry.allowed_silence(registry.register(STORE, source="s")) == NEVER


def test_a_thing_that_reports_seldom_may_be_silent_for_three_periods(registry: Registry) -> None:
    registry.register(LOT, source="s", period=24 * HOUR)
    registry.register(LOT, source="s")
    assert registry.allowed_silence(registry.slot(LOT)) == 72 * HOUR
    assert registry.thing(LOT).period == 24 * HOUR
