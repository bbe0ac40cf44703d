"""Three node processes on loopback: what a contract says is done, and all else refused."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from tests.joint.parties import Circle, triple
from tests.joint.programs import product
from wuxin.cli import main
from wuxin.terms.errors import Forbidden

TO = {"total": ["bank-a"], "keys": ["bank-a"], "share": ["bank-a"], "big": ["bank-a", "shop-b"]}


@pytest.fixture(scope="module")
def circle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Circle]:
    with triple(tmp_path_factory.mktemp("nodes")) as nodes:
        yield Circle(nodes)


def verified(folder: Path) -> tuple[int, str]:
    answer = CliRunner().invoke(main, ["verify", str(folder)])
    return answer.exit_code, answer.output


def test_a_run_gives_its_results_to_their_recipients_alone_and_is_proved(circle: Circle) -> None:
    signed = circle.signed(circle.contract(product, to=TO, settings={"scale": 2.0}))
    figures = circle.run(signed)
    found = circle.bank.fetch(signed)
    assert found["total"] == pytest.approx(2.0, abs=1e-3)
    assert found["keys"].tolist() == [-(2**59), 3, 7, 2**60 + 1]
    assert found["share"] == pytest.approx(0.75, abs=1e-3)
    assert found["big"].tolist() == [True, True, False, False]
    assert np.array_equal(circle.shop.fetch(signed, "big")["big"], found["big"])
    with pytest.raises(Forbidden, match="does not give total to shop-b"):
        circle.shop.fetch(signed, "total")
    assert figures["bytes_sent"] > 0
    assert figures["messages_sent"] > 0
    told = circle.watch.ask(signed, "node-b", do="records")["records"]
    assert [each["kind"] for each in told][:5] == [
        "joint-contract", "joint-input", "joint-input", "joint-start", "joint-end",
    ]  # fmt: skip
    code, said = verified(circle.nodes.folder)
    assert code == 0, said
    assert "done; nodes node-a, node-b, node-c; opened big → bank-a" in said
