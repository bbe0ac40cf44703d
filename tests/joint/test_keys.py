"""Owners lay out their keys so that what matches meets, and what is empty does not."""

import numpy as np
import pytest

from tests.joint.meeting import SALT, overlapping, side
from wuxin.joint.algorithms import keys
from wuxin.terms.errors import BadInput


def test_every_row_is_placed_once_in_one_of_its_bins() -> None:
    bins, names, _ = overlapping(2000, 0)
    rows = keys.hashed(names, salt=SALT, bins=bins)
    at = keys.place(rows, bins)
    assert at.shape == (2, bins.bins)
    assert sorted(at[at >= 0]) == list(range(2000))
    where = np.nonzero(at >= 0)[1]
    assert (rows.bins[at[at >= 0]] == where[:, None]).any(axis=1).all()
    assert (keys.place(rows, bins) == at).all()


def test_every_row_is_listed_in_both_of_its_bins() -> None:
    bins, names, _ = overlapping(2000, 0)
    rows = keys.hashed(names, salt=SALT, bins=bins)
    at = keys.enlist(rows, bins)
    found = {(int(at[slot, each]), int(each)) for slot, each in np.argwhere(at >= 0)}
    assert found == {(row, int(each)) for row in range(2000) for each in rows.bins[row]}


def test_empty_places_hold_keys_that_match_nothing() -> None:
    bins, one, two = overlapping(500, 200)
    placed, listed = side(one, bins, places=True), side(two, bins, places=False, seed=2)
    equal = placed.key[:, None] == listed.key[None]
    assert equal.sum() == 200
    assert not equal[(placed.at < 0)[:, None] | (listed.at < 0)[None]].any()


def test_values_come_back_to_their_rows() -> None:
    bins, names, _ = overlapping(300, 0)
    placed = side(names, bins, places=True)
    values = np.arange(300) * 1.5
    laid = keys.values_at(values, placed.at)
    assert laid.sum() == values.sum()
    assert (keys.rows_from(laid, placed.at, rows=300) == values).all()


def test_another_salt_gives_other_keys() -> None:
    bins = keys.geometry(10, 10)
    one, two = (keys.hashed(["x"], salt=salt, bins=bins) for salt in (SALT, SALT[::-1]))
    assert one.key[0] != two.key[0]
    assert 0 <= min(one.key[0], two.key[0]) <= max(one.key[0], two.key[0]) < 1 << 62


@pytest.mark.parametrize(
    ("names", "salt", "said"),
    [(["x", "y", "x"], SALT, "'x' occurs twice"), (["x"], b"short", "8 to 64 bytes, not 5")],
)
def test_bad_keys_are_refused(names: list[str], salt: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        keys.hashed(names, salt=salt, bins=keys.geometry(10, 10))


def test_too_many_rows_for_the_bins_are_refused() -> None:
    few = keys.Geometry(4, 4)
    rows = keys.hashed([str(each) for each in range(20)], salt=SALT, bins=few)
    with pytest.raises(BadInput, match="20 rows are placed in 8"):
        keys.place(rows, few)
    with pytest.raises(BadInput, match="take another salt"):
        keys.enlist(rows, few)
    same = keys.Hashed(np.arange(6), np.zeros((6, 2), np.int64))
    with pytest.raises(BadInput, match="no place under this salt"):
        keys.place(same, few)


def test_a_join_without_rows_is_refused() -> None:
    with pytest.raises(BadInput, match="rows on both sides"):
        keys.geometry(0, 5)


def test_bins_overflow_less_often_than_promised() -> None:
    bins = keys.geometry(1000, 1000)
    chance = np.random.default_rng(5)
    fullest = max(
        np.bincount(chance.integers(0, bins.bins, 2000), minlength=bins.bins).max()
        for _ in range(300)
    )
    assert fullest <= bins.listed < 4 * 2 * 1000 / bins.bins + 16
