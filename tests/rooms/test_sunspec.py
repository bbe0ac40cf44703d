"""SunSpec and Modbus tables: vectors, another encoder, and that no bytes bring them down."""

import json
import random
from typing import Any

import pytest
import sunspec2.device

from tests.rooms.frames import holds, load, mutated, named, proper, registered
from wuxin.protocols import modbus_map, sunspec
from wuxin.protocols.sunspec_models import KINDS
from wuxin.terms.envelope import wrap
from wuxin.terms.units import checked

DECODERS = {"sunspec": sunspec, "modbus_map": modbus_map}
VECTORS = {name: load(name) for name in DECODERS}


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(name, vector, id=f"{name}: {named(vector)}")
        for name, vectors in VECTORS.items()
        for vector in vectors[kind]
    ]


def framed(vector: dict[str, Any]) -> bytes:
    registers = bytes.fromhex("".join(vector["hex"].split()))
    return wrap(json.loads(vector["said"]), registers) if "said" in vector else registers


@pytest.mark.parametrize(("protocol", "vector"), cases("accept"))
def test_good_registers_become_fields_and_readings(protocol: str, vector: dict[str, Any]) -> None:
    answer = DECODERS[protocol].decode(framed(vector))
    assert holds(answer, {"ok": True, **vector["want"]}), answer


@pytest.mark.parametrize(("protocol", "vector"), cases("refuse"))
def test_bad_registers_are_refused_with_reason_and_place(
    protocol: str, vector: dict[str, Any]
) -> None:
    answer = DECODERS[protocol].decode(framed(vector))
    assert answer["ok"] is False
    assert vector["error"] in answer["error"]
    assert answer["at"] == vector["at"]


def test_every_vector_says_where_it_is_from() -> None:
    for vectors in VECTORS.values():
        assert all(v["name"] and v["source"] for kind in vectors.values() for v in kind)


def filled(group: Any, chance: random.Random) -> None:
    """Give the points of a model of the other library values that they can have."""
    for name, point in group.points.items():
        kind = point.pdef["type"]
        if name in {"ID", "L", "N"} or kind in {"string", "pad", "ipaddr", "ipv6addr", "eui48"}:
            continue
        if kind == "sunssf":
            point.value = chance.randint(-4, 3)
        elif kind.startswith("float"):
            point.value = chance.randint(-9999, 9999) / 8
        else:
            point.value = chance.randint(1, 9999)
    for groups in group.groups.values():
        for each in groups if isinstance(groups, list) else [groups]:
            filled(each, chance)


@pytest.mark.parametrize("number", [1, 120, 121, 122, 123, 124, *KINDS, 701, 714])
def test_another_librarys_registers_mean_what_it_says(number: int) -> None:
    data = {160: {"N": 2, "module": [{}, {}]}, 714: {"NPrt": 2, "Prt": [{}, {}]}}.get(number)
    if number in {302, 303, 304}:
        data = {{302: "repeating", 303: "temp", 304: "incl"}[number]: [{}, {}]}
    if 401 <= number <= 404:
        data = {"N": 2, "string": [{}, {}]}
    model = sunspec2.device.Model(number, data=data)
    filled(model, random.Random(number))  # noqa: S311 - to be repeated, not to be secret
    registers = model.get_mb()
    length = (len(registers) // 2 - 2).to_bytes(2, "big")
    dump = b"SunS" + registers[:2] + length + registers[4:] + b"\xff\xff\0\0"
    answer = sunspec.decode(wrap({"device": "D"}, dump))
    assert answer["ok"], answer
    [found] = answer["fields"]["models"]
    assert answer["fields"]["complete"]
    compared = same(model, found)
    for name, groups in model.groups.items():
        for mine, theirs in zip(found[name], groups, strict=True):
            compared += same(theirs, mine)
    assert compared
    for reading in answer["readings"]:
        checked(reading["unit"])
    if number in KINDS:
        assert len(answer["readings"]) >= 2


def same(theirs: Any, mine: dict[str, Any]) -> int:
    """Compare what both say of numbers; returns how many there were."""
    compared = 0
    for name, point in theirs.points.items():
        value = mine["points"].get(name)
        if isinstance(value, int | float) and name not in {"L", "ID"}:
            wanted = point.cvalue if point.sf_required else point.value
            assert value == pytest.approx(wanted, rel=1e-6), name
            compared += 1
    return compared


def test_a_second_inverter_behind_one_address_is_a_thing_of_its_own() -> None:
    model = sunspec2.device.Model(101)
    model.A.value, model.A_SF.value = 5, 0
    registers = model.get_mb()
    one = registers[:2] + (len(registers) // 2 - 2).to_bytes(2, "big") + registers[4:]
    answer = sunspec.decode(wrap({"device": "D"}, b"SunS" + one + one + b"\xff\xff\0\0"))
    found = [(each.get("thing"), each["value"]) for each in answer["readings"]]
    assert found == [(None, 5.0), ("inverter:D-2", 5.0)]


def test_a_value_without_its_scale_factor_is_marked() -> None:
    model = sunspec2.device.Model(101)
    model.A.value = 5
    registers = model.get_mb()
    one = registers[:2] + (len(registers) // 2 - 2).to_bytes(2, "big") + registers[4:]
    answer = sunspec.decode(wrap({"device": "D"}, b"SunS" + one + b"\xff\xff\0\0"))
    assert not answer["readings"]
    assert {"indicator": "inverter_a", "mark": "no_scale"} in answer["marks"]


@pytest.mark.parametrize("protocol", DECODERS)
def test_no_mutation_of_good_registers_raises(protocol: str) -> None:
    decode, taken = DECODERS[protocol].decode, 0
    for number, vector in enumerate(VECTORS[protocol]["accept"]):
        registers = bytes.fromhex("".join(vector["hex"].split()))
        for data in mutated([registers], 1500, seed=number):
            answer = decode(wrap(json.loads(vector["said"]), data))
            proper(answer, most=100_000)
            taken += answer["ok"]
    assert 20 < taken < 2_900
    for data in mutated([framed(v) for v in VECTORS[protocol]["accept"]], 2_000, seed=103):
        proper(decode(data), most=100_000)


@pytest.mark.parametrize("protocol", DECODERS)
def test_the_decoder_is_registered_under_its_protocols_name(protocol: str) -> None:
    assert registered(protocol) == DECODERS[protocol].__name__
