"""Attacks on narrow federated learning work, end where they say, get nothing of the wing."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from wuxin.joint.attacks import embedding, gradients, labels, sets, through
from wuxin.joint.attacks.command import attacks, baselines
from wuxin.joint.split import Split, read


@pytest.fixture(scope="module")
def split() -> Split:
    return read()


def noise(rows: int = 200, columns: int = 20) -> Split:
    """Return a table whose columns say nothing of its labels."""
    rng = np.random.default_rng(3)
    y = (rng.random(rows) < 0.5).astype(float)
    wide = rng.standard_normal((rows, columns + 10))
    return Split(wide[:, :10], wide[:, 10:], y, tuple(map(str, range(rows))))


def test_one_gradient_gives_the_record_and_its_label(split: Split) -> None:
    found = gradients.one_record(split).figures
    assert found["largest_error"] < 1e-9
    assert found["labels"] == 1


def test_eight_records_come_back_from_a_layer_of_relus(split: Split) -> None:
    assert gradients.eight_records(split).figures["share"] > 0.9


def test_no_record_comes_back_where_no_neuron_is_woken_alone(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gradients, "NEURONS", 4)
    assert gradients.eight_records(split).figures["share"] < 0.1


def test_an_embedding_s_gradient_lists_the_categories(split: Split) -> None:
    assert embedding.categories(split).figures["share"] == 1


def test_cut_layer_gradients_give_labels_even_where_columns_say_nothing(split: Split) -> None:
    assert labels.cut_layer(split).figures["worst_auc"] > 0.99
    assert labels.cut_layer(noise()).figures["worst_auc"] > 0.99


def test_decrypted_gradients_give_labels_up_to_the_number_of_columns_and_no_further(
    split: Split,
) -> None:
    found = labels.encrypted(split).figures
    assert found["columns"] == 20
    assert found["batch_10"] == 1
    assert found["batch_20"] > 0.99
    assert found["shuffled_10"] == 1
    assert found["shuffled_256"] < 0.75
    assert labels.encrypted(noise()._replace(), sizes=(10, 150)).figures["batch_150"] < 0.8


def test_an_intersection_that_is_put_out_names_the_common_customers(split: Split) -> None:
    found = sets.intersection(split).figures
    assert 0 < found["members_learned"] < len(split.ids)


def test_fingerprints_of_a_series_are_all_guessed() -> None:
    found = sets.guessing(numbers=20_000, pledged=50)
    assert found.figures["opened"] == 50
    assert found.figures["hours_at_the_registry"] == 20


def test_the_wing_opens_the_model_alone_and_trains_as_well_as_plain(split: Split) -> None:
    found = through.train(split)
    assert found.opens == ("weights f32[31] (result)",)
    assert abs(found.figures["auc"] - found.figures["plain_auc"]) < 0.002


def test_the_wing_opens_the_count_alone(split: Split) -> None:
    found = through.count(split)
    assert found.opens == ("count i64[] (result)",)
    assert found.figures["count"] == found.figures["true"]


def test_the_commands_print_what_was_found_in_both_languages() -> None:
    said = CliRunner().invoke(attacks, ["--no-wing"])
    assert said.exit_code == 0
    assert "切割层" in said.output
    assert "cut-layer" in said.output
    table = json.loads(CliRunner().invoke(baselines, ["--json", "--epsilon", "4"]).output)
    assert len(table) == 5
    assert all({"zh", "en"} <= set(one["leaks"]) for one in table)
