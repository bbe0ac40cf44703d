"""`wuxin score`: cases scored with a model of the home, told to the bank, and rated by it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.homes import acts, still
from tests.rooms.test_score import BAD, FEATURES, QUICK, X
from wuxin.cli import main
from wuxin.home import Home
from wuxin.risk.score.fit import fit
from wuxin.risk.score.model import Model
from wuxin.risk.score.reasons import judge

CASE = {"debt": 2.5, "income": -2.0, "age": 0.1, "trade": 1}


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(FEATURES, X, bad=BAD, settings=QUICK).model


@pytest.fixture
def files(model: Model, tmp_path: Path) -> tuple[str, str]:
    """Write the model and a case down."""
    (tmp_path / "model.txt").write_text(model.text)
    (tmp_path / "case.json").write_text(json.dumps(CASE))
    return str(tmp_path / "model.txt"), str(tmp_path / "case.json")


def run(*asked: str) -> Any:
    return CliRunner().invoke(main, ["score", *asked])


def test_a_case_is_scored_as_the_model_scores_it(model: Model, files: tuple[str, str]) -> None:
    told = json.loads(run(*files, "--json").stdout)
    scored = judge(model, CASE)
    assert told["probability"] == scored.probability
    assert told["reasons"][0]["words"]["zh"] == scored.reasons[0].words.zh
    text = run(*files, "--lang", "en").stdout
    assert scored.reasons[0].words.en in text
    assert model.digest in text


def test_another_model_than_the_one_on_record_is_refused(files: tuple[str, str]) -> None:
    result = run(*files, "--digest", "0" * 64)
    assert result.exit_code == 2
    assert "the one on record" in result.stderr


def test_the_bank_keeps_what_the_model_said_and_rates_by_it(
    model: Model, files: tuple[str, str], tmp_path: Path
) -> None:
    rows = [dict(zip(CASE, row, strict=True)) for row in X[:300].tolist()]
    shifted = [{**row, "debt": row["debt"] + 3} for row in rows]
    text = json.dumps(shifted).replace("NaN", "null")
    (tmp_path / "today.json").write_text(text)
    where = ["--home", str(tmp_path / "home"), "--obligor", "A maker", "--by", "chen"]
    result = run(*files, "--beside", str(tmp_path / "today.json"), *where)
    assert result.exit_code == 0, result.stderr
    with Home(tmp_path / "home", clock=still) as home:
        [scored] = acts(home, kind="credit_scored")
        probability = judge(model, CASE).probability
        assert probability is not None
        assert scored["figures"]["model"] == model.digest
        assert scored["figures"]["probability"] == f"{probability:.6f}"
        assert "has shifted" in scored["figures"]["stability_1_en"]
        assert acts(home, kind="credit_rerated")[-1]["figures"]["to"] == "E"


@pytest.mark.parametrize(
    "text", ["[1]", '{"debt": "high"}', '{"debt": true}', "[]", "{", '{"x":1}']
)
def test_what_is_no_case_is_refused(files: tuple[str, str], text: str) -> None:
    Path(files[1]).write_text(text)
    assert run(*files).exit_code == 2


def test_a_score_is_told_by_somebody_of_one_case(files: tuple[str, str], tmp_path: Path) -> None:
    for missing in (["--obligor", "A maker"], ["--by", "chen"]):
        result = run(*files, "--home", str(tmp_path / "home"), *missing)
        assert result.exit_code == 2
    assert not (tmp_path / "home").exists()
