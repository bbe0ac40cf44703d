"""A test for each claim of `claims/attacks.md`, by its name."""

import pytest

from tests.joint import test_attacks as one
from tests.joint import test_baselines as plain
from tests.joint.test_claims_registry import untested
from wuxin.joint.baselines.compare import compare
from wuxin.joint.split import Split, halves, read


def test_claim_attacks() -> None:
    assert not untested("attacks")


@pytest.fixture(scope="module")
def split() -> Split:
    return read()


def test_one_gradient_is_one_record(split: Split) -> None:
    one.test_one_gradient_gives_the_record_and_its_label(split)


def test_a_wide_layer_gives_a_batch_of_eight(split: Split) -> None:
    one.test_eight_records_come_back_from_a_layer_of_relus(split)


def test_embeddings_list_categories(split: Split) -> None:
    one.test_an_embedding_s_gradient_lists_the_categories(split)


def test_cut_gradients_are_labels(split: Split) -> None:
    one.test_cut_layer_gradients_give_labels_even_where_columns_say_nothing(split)


def test_decrypted_gradients_are_labels_up_to_the_columns(split: Split) -> None:
    one.test_decrypted_gradients_give_labels_up_to_the_number_of_columns_and_no_further(split)


def test_an_intersection_is_a_list_of_customers(split: Split) -> None:
    one.test_an_intersection_that_is_put_out_names_the_common_customers(split)


def test_fingerprints_are_guessed() -> None:
    one.test_fingerprints_of_a_series_are_all_guessed()


def test_the_wing_opens_what_its_contract_lists(split: Split) -> None:
    one.test_the_wing_opens_the_model_alone_and_trains_as_well_as_plain(split)
    one.test_the_wing_opens_the_count_alone(split)


def test_noise_costs_accuracy(split: Split) -> None:
    lines = compare(*halves(split), epsilon=2.0)
    assert lines[3].auc < lines[0].auc - 0.1


def test_residuals_are_labels(split: Split) -> None:
    plain.test_vertical_learning_gives_the_plain_model_and_the_labels(halves(split))
