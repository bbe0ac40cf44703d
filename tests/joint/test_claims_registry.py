"""A test for each claim of `claims/registry.md`, by its name."""

import re
from pathlib import Path

import pytest

import wuxin.joint.claims
from tests.joint import test_oprf as oprf
from tests.joint import test_registry as one
from tests.joint.members import Members

FOLDER = Path(wuxin.joint.claims.__path__[0])


@pytest.fixture
def members(tmp_path: Path) -> Members:
    return Members(tmp_path)


def claims(name: str) -> set[str]:
    text = (FOLDER / name).read_text("utf-8")
    return set(re.findall(r"^\| `(\w+)`", text, flags=re.MULTILINE))


def untested(name: str) -> set[str]:
    """Return the claims of a file that have no test of their name in the module for it."""
    text = (Path(__file__).parent / f"test_claims_{name}.py").read_text("utf-8")
    found = claims(f"{name}.md")
    assert len(found) == 10
    return found - set(re.findall(r"^def test_(\w+)\(", text, flags=re.MULTILINE))


def test_claim_registry() -> None:
    assert not untested("registry")


def test_same_goods_same_tag(members: Members) -> None:
    one.test_the_same_receipt_gives_the_same_tag_at_two_banks(members)
    one.test_the_second_bank_is_told_and_the_first_is_not_named(members)


def test_no_node_learns_a_number(members: Members) -> None:
    one.test_no_node_sees_the_same_element_twice(members)
    assert not any("中储".encode() in data for _, data, _ in members.carried)


def test_two_nodes_make_no_tag(members: Members) -> None:
    one.test_no_two_nodes_can_make_a_tag(members)
    oprf.test_two_parts_of_three_give_another_output()


def test_a_lying_node_is_named(members: Members) -> None:
    one.test_a_node_that_uses_another_key_is_named(members)


def test_a_refresh_changes_no_tag(members: Members) -> None:
    one.test_a_refresh_changes_every_part_and_no_tag(members)


def test_no_tag_without_all_three(members: Members, tmp_path: Path) -> None:
    one.test_without_one_node_there_is_no_tag(members)
    other = Members(tmp_path / "other")
    one.test_an_unreachable_registry_is_said_and_handled_as_the_bank_has_set(other, "refuse")


def test_the_registry_says_only_elsewhere(members: Members, tmp_path: Path) -> None:
    one.test_the_second_bank_is_told_and_the_first_is_not_named(members)
    one.test_whom_to_call_is_told_only_where_the_policy_says_so(tmp_path / "other")
    one.test_who_looks_up_a_number_of_its_own_is_told_of_others_alone(Members(tmp_path / "third"))


def test_a_stolen_table_tells_nothing(members: Members) -> None:
    one.test_a_stolen_table_names_neither_goods_nor_banks_but_the_supervisor_can(members)
    one.test_what_is_looked_up_shows_the_registry_no_more_than_an_entry_and_is_not_kept(members)


def test_only_the_holder_releases(members: Members) -> None:
    one.test_what_is_released_is_free_and_only_its_holder_can_release_it(members)


def test_guessing_is_slow_and_seen(tmp_path: Path) -> None:
    one.test_a_bank_cannot_guess_a_series_of_receipts(tmp_path)
