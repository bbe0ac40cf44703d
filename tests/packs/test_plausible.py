"""A pack may say how fast an indicator can change and how long it may stand still."""

import shutil
import uuid
from math import inf
from pathlib import Path

import pytest

from wuxin.packs import logistics, schema
from wuxin.portal.screens.thing import QUALITY
from wuxin.terms.clock import HOUR
from wuxin.terms.errors import BadInput
from wuxin.terms.records import UNUSABLE, Quality
from wuxin.terms.standards import Indicator

INDICATOR = """
[indicator.core]
zh = "芯温"
en = "Core temperature"
of = ["lot"]
unit = "K"
show = "degC"
low = 0
high = 1e4
interface = "probe"
permission = "borrower"
purpose = {{ zh = "字", en = "word" }}
{more}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pack of its own name, as logistics is."""
    package = tmp_path / f"pack_{uuid.uuid4().hex}"
    shutil.copytree(Path(logistics.__file__).parent, package)
    monkeypatch.syspath_prepend(tmp_path)
    return package


def read(folder: Path, more: str) -> Indicator:
    with (folder / "objects.toml").open("a") as objects:
        objects.write(INDICATOR.format(more=more))
    return schema.read(folder.name, folder.name).indicators["core"]


@pytest.mark.parametrize(
    ("more", "max_rate", "stuck_after"),
    [
        ("", inf, 0),
        ("max_rate = 2", 2.0, 0),
        ('max_rate = { value = 6, unit = "degC", per = "1 min" }', 0.1, 0),
        ('max_rate = { value = 1.5, unit = "K" }', 1.5, 0),
        ('stuck_after = "6 h"', inf, 6 * HOUR),
    ],
)
def test_a_plausible_change_is_read_in_si_per_second(
    folder: Path, more: str, max_rate: float, stuck_after: int
) -> None:
    found = read(folder, more)
    assert found.max_rate == pytest.approx(max_rate)
    assert found.stuck_after == stuck_after


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('max_rate = "5 degC/s"', r"max_rate has the value '5 degC/s'; write a number in SI"),
        ("max_rate = true", "max_rate has the value True"),
        ("max_rate = 0", "max_rate is 0, and must be above zero"),
        ("max_rate = inf", "max_rate is inf, and must be above zero"),
        ("max_rate = { value = 5 }", "max_rate has value; write"),
        ('max_rate = { value = 5, unit = "kg" }', "unit 'kg' cannot be converted to 'K'"),
        ('max_rate = { value = 5, unit = "K", per = "0 s" }', "max_rate per is '0 s', and must be"),
        ('max_rate = { value = 5, unit = "K", in = "1 s" }', "max_rate has value, unit, in; write"),
        ("stuck_after = 6", "stuck_after: '6' is not a duration"),
        ('stuck_after = "0 h"', "stuck_after is '0 h', and must be longer than nothing"),
        ('derived = true\nstuck_after = "6 h"', "stuck_after is for what is measured"),
    ],
)
def test_a_change_that_cannot_be_meant_is_refused_with_its_place(
    folder: Path, more: str, why: str
) -> None:
    with pytest.raises(BadInput, match=rf"objects\.toml \[indicator\.core\]: .*{why}"):
        read(folder, more)


def test_an_implausible_jump_is_unusable_and_a_stuck_value_is_not() -> None:
    assert UNUSABLE & Quality.RATE
    assert not UNUSABLE & Quality.STUCK


def test_every_mark_has_words_on_the_screens() -> None:
    assert [bit for bit, _, _ in QUALITY] == [int(mark) for mark in Quality]
