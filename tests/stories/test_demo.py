"""The demo in one go: both recordings, a summary that ends in "verified", exit status 0."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from wuxin.cli import main
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import totals
from wuxin.portal.access import Session


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    result = CliRunner().invoke(main, ["demo", "--once", "--home", str(folder)])
    assert result.exit_code == 0, result.output
    return folder, result.output


def test_the_summary_says_what_came_in_was_found_and_done(played: tuple[Path, str]) -> None:
    _, said = played
    for row in (
        "things",
        "readings accepted",
        "readings marked",
        "readings refused",
        "findings red",
        "findings amber",
        "findings info",
        "acts",
        "receipts",
    ):
        assert re.search(rf"{row} *│ *[\d,]+", said), (row, said)
    assert re.search(r"log root *│ *[0-9a-f]{40}", said)
    assert re.search(r"verified *│ *\d+ journal entries", said)


@pytest.mark.parametrize("what", ["findings", "acts", "receipts", "readings", "state"])
@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_everything_can_be_exported(
    played: tuple[Path, str], tmp_path: Path, what: str, form: str
) -> None:
    out = tmp_path / f"{what}.{form}"
    asked = ["export", what, "--home", str(played[0]), "--format", form, "--out", str(out)]
    if what == "readings":
        asked += ["--thing", "L-11", "--from", "2008-10-18", "--to", "2008-10-21"]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0, result.output
    assert out.stat().st_size > 100


def test_something_happens_in_each_industry(played: tuple[Path, str]) -> None:
    said = CliRunner().invoke(main, ["export", "findings", "--home", str(played[0])]).stdout
    happened = {json.loads(line)["pack"] for line in said.splitlines()}
    assert happened >= {*schema.installed()}


def test_a_trade_that_does_not_agree_and_an_application_are_there_to_look_at(
    played: tuple[Path, str],
) -> None:
    run = CliRunner().invoke
    findings = run(main, ["export", "findings", "--home", str(played[0])]).stdout.splitlines()
    breaks = [each for each in map(json.loads, findings) if each["kind"] == "trade"]
    assert [(each["rule"], each["thing"]) for each in breaks] == [
        ("weight_against_invoice", "NR-SO-18")
    ]
    acts = run(main, ["export", "acts", "--home", str(played[0])]).stdout.splitlines()
    decided = [each for each in map(json.loads, acts) if each["kind"] == "credit_decided"]
    assert float(decided[0]["figures"]["input_machine_stability"]) > 0.9


def test_the_overview_sums_up_what_is_lent_and_not_what_was_given_back(
    played: tuple[Path, str],
) -> None:
    with Home(played[0]) as home:
        name = home.tenant
        session = Session(name, "r", "risk_officer", "", must_change=False, expires=0)
        told = totals.overview(home, session)
    state = {row["id"]: row["state"] for row in told["facilities"]}
    assert state["CU-2008-01"] == "closed"
    assert sum(each["facilities"] for each in told["exposure"]) == sum(
        one != "closed" for one in state.values()
    )
    dollars = next(each for each in told["exposure"] if each["currency"] == "USD")
    assert abs(float(dollars["change"]["value"])) < float(dollars["value"])


def test_an_export_as_of_then_knows_nothing_later(played: tuple[Path, str]) -> None:
    def lines(*more: str) -> list[str]:
        asked = ["export", "findings", "--home", str(played[0]), *more]
        return CliRunner().invoke(main, asked).stdout.splitlines()

    assert lines("--as-of", "2001-01-01") == []
    everything = lines()
    assert len(lines("--as-of", "3")) < len(everything)
    assert lines("--as-of", "2100-01-01") == everything


def test_the_state_of_all_things_is_exported_on_two_clocks(played: tuple[Path, str]) -> None:
    def state(*more: str) -> dict[tuple[str, ...], dict[str, Any]]:
        asked = ["export", "state", "--home", str(played[0]), *more]
        found = [json.loads(line) for line in CliRunner().invoke(main, asked).stdout.splitlines()]
        assert len({(r["kind"], r["thing"], r["indicator"]) for r in found}) == len(found)
        return {(r["kind"], r["thing"], r["indicator"]): r for r in found}

    now, then = state(), state("--at", "2008-10-20")
    assert then
    assert max(r["time"] for r in then.values()) <= "2008-10-20T00:00:00Z"
    assert max(r["time"] for r in now.values()) > "2008-10-20T00:00:00Z"
    known = max(r["batch"] for r in now.values()) // 2
    assert 0 < max(r["batch"] for r in state("--as-of", str(known)).values()) <= known
    assert state("--at", "1990-01-01") == {}


@pytest.mark.parametrize(
    "command",
    ["demo", "serve", "replay", "decode", "check", "verify", "export", "settings", "account"],
)
def test_every_command_has_help_with_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert re.search(r"Examples?:", result.output)
    assert "wuxin " in result.output


def test_settings_print_their_default_and_reason() -> None:
    result = CliRunner().invoke(main, ["settings"])
    assert result.exit_code == 0
    assert "replay_speed" in result.output


def test_decode_answers_one_json_line_per_frame() -> None:
    frame = (
        '{"device":"inverter:A1","boot":"b1","seq":1,"time":"2022-01-02T12:00:00Z",'
        '"readings":{"ac_power":1200}}'
    )
    result = CliRunner().invoke(main, ["decode", "wuxin"], input=f"{frame}\nnonsense\n")
    assert result.exit_code == 0, result.output
    first, second = result.stdout.splitlines()
    assert '"ok": true' in first
    assert '"ok": false' in second


def test_an_unknown_protocol_is_one_line_and_status_2() -> None:
    result = CliRunner().invoke(main, ["decode", "telepathy"], input="00\n")
    assert result.exit_code == 2
    assert "telepathy" in result.output


def test_a_home_is_open_in_one_process_at_a_time(played: tuple[Path, str]) -> None:
    program = (
        "import sys; from pathlib import Path; from wuxin.home import Home; "
        "home = Home(Path(sys.argv[1])); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(played[0])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        result = CliRunner().invoke(main, ["serve", "--home", str(played[0]), "--port", "1"])
        assert result.exit_code == 2
        assert "open in another process" in result.output
        holder.communicate("")
