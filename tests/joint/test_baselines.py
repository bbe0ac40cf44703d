"""The baselines train one model by the same steps, and their leaks and privacy are measured."""

import numpy as np
import pytest

from wuxin.joint.baselines import federated, noisy
from wuxin.joint.baselines.compare import agreed, compare
from wuxin.joint.baselines.steps import How, trained
from wuxin.joint.split import Split, auc, halves, read
from wuxin.terms.errors import BadInput

HOW = How()


@pytest.fixture(scope="module")
def parts() -> tuple[Split, Split]:
    return halves(read())


def test_auc_is_the_share_of_pairs_with_ties_as_halves() -> None:
    score, label = np.array([0.1, 0.5, 0.5, 0.9]), np.array([0.0, 0.0, 1.0, 1.0])
    assert auc(score, label) == pytest.approx(3.5 / 4)
    assert np.isnan(auc(score, np.ones(4)))


def test_vertical_learning_gives_the_plain_model_and_the_labels(
    parts: tuple[Split, Split],
) -> None:
    train = parts[0]
    found = federated.vertical(train, HOW)
    assert agreed(found.weights, trained(train.joined, train.y, how=HOW)) < 1e-12
    assert federated.labels_learned(train, found, how=HOW) == 1
    sent = sum(len(one) for kind in found.wire.seen.values() for one in kind)
    assert found.wire.bytes == 8 * sent + 16 * 2 * HOW.rounds


def test_horizontal_learning_averages_models(parts: tuple[Split, Split]) -> None:
    found = federated.horizontal(parts[0], HOW)
    assert len(found.wire.seen["model"]) == 2 * HOW.rounds
    assert auc(parts[1].joined @ found.weights[1:], parts[1].y) > 0.95


def test_noisy_columns_spend_the_epsilon_asked_for_and_hide_a_row(
    parts: tuple[Split, Split],
) -> None:
    noised, used = noisy.noisy_columns(parts[0], 2.0)
    assert used == pytest.approx(2.0)
    spread = np.abs(noised.partner - np.clip(parts[0].partner, -noisy.CLIP, noisy.CLIP)).mean()
    width = 2 * noisy.CLIP * parts[0].partner.shape[1] / 2.0
    assert spread == pytest.approx(width, rel=0.1)  # the mean of |Laplace| is its scale


@pytest.mark.parametrize("epsilon", [0.5, 4.0])
def test_noisy_training_does_not_exceed_the_epsilon_asked_for(
    parts: tuple[Split, Split], epsilon: float
) -> None:
    found = noisy.noisy_training(parts[0], HOW, epsilon=epsilon, delta=1e-5)
    assert 0.99 * epsilon < found.epsilon <= epsilon


def test_the_table_says_of_every_way_how_well_how_long_how_many_bytes_and_what_leaks(
    parts: tuple[Split, Split],
) -> None:
    lines = compare(*parts, epsilon=4.0)
    assert len(lines) == 5
    plain, narrow = lines[0], lines[1]
    assert abs(plain.auc - narrow.auc) < 1e-9
    assert narrow.leaked["labels_learned"] == 1
    assert [one.epsilon is not None for one in lines] == [False, False, False, True, True]
    assert all(one.bytes > 0 and one.leaks.zh and one.leaks.en for one in lines)
    assert lines[3].auc < plain.auc  # noise on every value costs much


def test_a_table_without_common_customers_is_refused(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "bank.csv").write_text("id,y,x0\n1,1,2\n3,0,2\n")
    (folder / "partner.csv").write_text("id,x0\n2,2\n")
    with pytest.raises(BadInput, match="no customer in common"):
        read(folder)
    (folder / "partner.csv").write_text("id,x0\n1,abc\n")
    with pytest.raises(BadInput, match=r"partner\.csv"):
        read(folder)
