"""Identifiers that two banks write differently give one key; different goods give two."""

import math

import pytest

from tests.joint.members import claim
from wuxin.joint.algorithms.keys import geometry, hashed
from wuxin.joint.registry.hidden import flagged, identifiers
from wuxin.joint.registry.numbers import issuer, keys, number_key
from wuxin.joint.registry.place import METRES, WEIGHT, Lot, near, shifted, spot
from wuxin.terms.errors import BadInput
from wuxin.terms.pledging import GoodsNumber
from wuxin.terms.written import is_credit_code, luhn_checks, vin_checks

CODE = "91350100M000100Y43"  # its check character holds
SAME = [
    (
        ("receipt", "CR-2024 0017", "中储发展股份有限公司"),
        ("receipt", "仓单号：ＣＲ—２０２４００１７", "中储发展"),
    ),
    (
        ("receipt", "cr20240017", "Acme Storage Co., Ltd."),
        ("receipt", "No. CR2O24OOI7", "ACME STORAGE"),
    ),
    (("receipt", "17/A", CODE), ("receipt", "17-a", CODE.lower())),
    (("serial", "1M8GDM9AXKP042788", "MCI"), ("serial", "vin 1m8gdm9axkp042788", "MOTOR COACH")),
    (("serial", "S/N 00-12.7", "Haas"), ("serial", "0012 7", "HAAS LTD")),
    (("box", "490154203237518", "A"), ("box", "IMEI: 49-015420-323751-8", "another")),
    (("lot", "L-9", "x"), ("lot", "批号：l 9", "X")),
    (("receipt", "第17号", "x"), ("receipt", "第17号", "X")),
    (("tag", "E200 3412 0123", ""), ("tag", "e20034120123", "")),
]
OTHER = [
    (("receipt", "沪储字第17号", "x"), ("receipt", "京储字第17号", "x")),
    (("receipt", "0017", "中储"), ("receipt", "17", "中储")),
    (("receipt", "17", "中储"), ("receipt", "17", "中远海运")),
    (("receipt", "17", "中储"), ("serial", "17", "中储")),
    (("lot", "L17", "x"), ("lot", "L18", "x")),
    (("serial", "NOVA17", "x"), ("serial", "VA17", "x")),
]


def key(number: tuple[str, str, str]) -> str:
    return number_key(GoodsNumber(number[0], number[1], number[2]), {})[0].text


@pytest.mark.parametrize(("one", "other"), SAME)
def test_one_number_written_in_two_ways_gives_one_key(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    assert key(one) == key(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_two_numbers_give_two_keys(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert key(one) != key(other)


def test_a_warehouse_is_one_by_code_and_by_the_name_agreed_on() -> None:
    assert issuer("中储发展股份有限公司", {"中储发展": CODE}) == issuer(CODE, {})


@pytest.mark.parametrize(
    ("checks", "good", "bad"),
    [
        (vin_checks, "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),
        (luhn_checks, "490154203237518", "490154203237519"),
        (is_credit_code, CODE, "91350100M000100Y44"),
    ],
)
def test_a_check_digit_that_is_wrong_is_seen(checks: object, good: str, bad: str) -> None:
    assert callable(checks)
    assert checks(good)
    assert not checks(bad)


def test_a_doubtful_number_still_has_a_key_and_says_so() -> None:
    found = keys(claim("p", GoodsNumber("serial", "1M8GDM9A1KP042788", "MCI")))
    assert len(found.own) == 1
    assert "1M8GDM9A1KP042788" in found.doubts[0].en


def test_nothing_to_be_known_by_is_refused() -> None:
    with pytest.raises(BadInput, match="no receipt number"):
        keys(claim("p", GoodsNumber("receipt", "--", "x")))


@pytest.mark.parametrize("latitude", [0.0, 22.5, 31.2345, -35.0, 53.5])
@pytest.mark.parametrize("step", range(12))
def test_a_lot_within_the_tolerance_is_never_missed(latitude: float, step: int) -> None:
    metre = math.degrees(1 / 6_371_008.8)
    base = Lot(latitude + step * 0.00037, 121.4 + step * 0.00113, 25e6 * (1 + step / 97))
    angle = step * math.tau / 12
    reach = METRES * 0.99
    there = Lot(
        base.latitude_deg + reach * math.sin(angle) * metre,
        base.longitude_deg
        + reach * math.cos(angle) * metre / math.cos(math.radians(base.latitude_deg)),
        base.weight_g * (1 + WEIGHT * 0.99 * (-1) ** step),
    )
    assert spot(base) in near(there)
    assert spot(there) in near(base)
    assert set(shifted(base)) & set(shifted(there))
    assert len(near(base)) <= 8


def test_a_lot_far_off_or_of_another_weight_is_not_near() -> None:
    base = Lot(31.2, 121.4, 25e6)
    assert spot(Lot(31.201, 121.4, 25e6)) not in near(base)
    assert spot(Lot(31.2, 121.401, 25e6)) not in near(base)
    assert spot(Lot(31.2, 121.4, 25.6e6)) not in near(base)


def test_the_hidden_check_gets_each_identifier_once_and_flags_find_their_claims() -> None:
    place = {"latitude_deg": 31.2, "longitude_deg": 121.4, "weight_g": 25_000_000}
    book = [claim("a"), claim("b", GoodsNumber("lot", "L1", "x"), **place), claim("c")]
    found = identifiers(book)
    assert [len(rows) for rows in found.values()] == [2, *[1] * 9]
    salt, bins = b"salt of this contract", geometry(64, 64)
    mine = hashed([*found], salt=salt, bins=bins)
    wide = claim("z", GoodsNumber("receipt", "ＣＲ２０２４-0017", "中储发展"))
    other = hashed([*identifiers([wide])],
                   salt=salt, bins=bins)  # fmt: skip
    flags = [int(key in other.key) for key in mine.key]
    assert {*flagged(flags, found)} == {0, 2}
