"""Recordings: every form of file, SI units, line numbers, refusals that name the place."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import parquet

from tests.homes import brought_in, findings, still
from wuxin.cli import main
from wuxin.home import Home
from wuxin.portal.export import Span, rows
from wuxin.terms.errors import BadInput
from wuxin.terms.names import ThingKey
from wuxin.wire.recording import open_recording

STREAM = """pack = "energy"
[[stream]]
file = "FILE"
time = { column = "DATE_TIME", format = "%d-%m-%Y %H:%M", timezone = "Asia/Kolkata" }
thing = { kind = "inverter", id = "SOURCE_KEY", parent = { kind = "plant", id = "PLANT_ID" } }
[stream.readings]
ac_power   = { column = "AC_POWER", unit = "kW" }
energy_day = { column = "DAILY_YIELD", unit = "kWh" }
"""
HEADER = "DATE_TIME,PLANT_ID,SOURCE_KEY,AC_POWER,DAILY_YIELD"
LINES = ["15-05-2020 09:00,P,A,12.5,3.25", "15-05-2020 09:15,P,A,13,6.5", "15-05-2020 09:15,P,B,,0"]


def manifest(folder: Path, file: str = "generation.csv", *, text: str = STREAM) -> Path:
    (folder / "recording.toml").write_text(text.replace("FILE", file))
    return folder / "recording.toml"


def written(folder: Path, name: str, *, lines: list[str]) -> None:
    """Write a table in the form that its name says."""
    text = "\n".join([HEADER, *lines]) + "\n"
    columns = HEADER.split(",")
    split = [dict(zip(columns, line.split(","), strict=False)) for line in lines]
    if name.endswith(".gz"):
        (folder / name).write_bytes(gzip.compress(text.encode()))
    elif name.endswith(".zip"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("generation.csv", text)
    elif name.endswith(".jsonl"):
        (folder / name).write_text("\n".join(json.dumps(row) for row in split) + "\n")
    elif name.endswith(".parquet"):
        parquet.write_table(pa.Table.from_pylist(split), folder / name)
    else:
        (folder / name).write_text(text)


def readings(folder: Path, recording: Path) -> list[dict[str, Any]]:
    with brought_in(recording, folder / "home") as home:
        return list(rows("readings", home.book, history=home.history, tenant=home.tenant,
                         span=Span()))  # fmt: skip


@pytest.mark.parametrize("name", ["g.csv", "g.csv.gz", "g.zip", "g.jsonl", "g.parquet"])
def test_every_form_of_file_gives_the_same_readings(tmp_path: Path, name: str) -> None:
    written(tmp_path, name, lines=LINES)
    found = readings(tmp_path, manifest(tmp_path, name))
    measured = [
        (r["thing"], r["indicator"], r["time"], r["value"], r["unit"])
        for r in found if r["indicator"] in {"ac_power", "energy_day"}
    ]  # fmt: skip
    assert measured == [
        ("A", "ac_power", "2020-05-15T03:30:00Z", 12.5, "kW"),
        ("A", "ac_power", "2020-05-15T03:45:00Z", 13.0, "kW"),
        ("A", "energy_day", "2020-05-15T03:30:00Z", 3.25, "kWh"),
        ("A", "energy_day", "2020-05-15T03:45:00Z", 6.5, "kWh"),
        ("B", "energy_day", "2020-05-15T03:45:00Z", 0.0, "kWh"),
    ]


def test_what_cannot_be_meant_is_refused_with_file_line_and_column(tmp_path: Path) -> None:
    bad = ["30-02-2020 09:00,P,A,1,1", "15-05-2020 09:30,P,A,n.v.,7", "15-05-2020 09:45,P,A"]
    written(tmp_path, "g.csv", lines=[*LINES, *bad])
    with brought_in(manifest(tmp_path, "g.csv"), tmp_path / "home") as home:
        refused = home.history.query("SELECT * FROM refused ORDER BY line").to_pylist()
        counts = home.book.counts(home.tenant)
    assert [(r["source"], r["line"], r["column"], r["text"]) for r in refused] == [
        ("g.csv", 5, "DATE_TIME", "30-02-2020 09:00"),
        ("g.csv", 6, "AC_POWER", "n.v."),
        ("g.csv", 7, "", "15-05-2020 09:45,P,A"),
    ]
    assert counts["refused"] == 3


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "ac_power  ",
            "ac_pwr    ",
            "recording.toml:7:1: g.csv column 'AC_POWER': unknown indicator",
        ),
        (
            'unit = "kW" ',
            'unit = "kWatt" ',
            "recording.toml:7:1: g.csv column 'AC_POWER': unknown unit",
        ),
        (
            'unit = "kWh"',
            'unit = "kW"',
            "recording.toml:8:1: g.csv column 'DAILY_YIELD': unit 'kW'",
        ),
        ('"AC_POWER"', '"AC"', "recording.toml:7:26: g.csv has no column 'AC'"),
        ('"inverter"', '"invertor"', "kind 'invertor' is not declared"),
        ("Asia/Kolkata", "Asia/Nowhere", "there is no time zone 'Asia/Nowhere'"),
        ("g.csv", "h.csv", "h.csv cannot be read"),
        ("%d-%m-%Y", "%Y-%m-%d", "g.csv line 2 column 'DATE_TIME': '15-05-2020 09:00' is no date"),
        ('pack = "energy"', 'pack = "nothing"', "there is no pack 'nothing'"),
        ("[[stream]]", "[[stream", "recording.toml"),
    ],
)
def test_a_wrong_manifest_is_one_clear_line_and_status_2(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    written(tmp_path, "g.csv", lines=LINES)
    text = STREAM.replace("FILE", "g.csv")
    assert old in text
    recording = manifest(tmp_path, text=text.replace(old, new))
    result = CliRunner().invoke(main, ["replay", str(recording), "--home", str(tmp_path / "h")])
    assert result.exit_code == 2, result.output
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_rows_come_in_order_of_event_time_whatever_the_order_of_lines(tmp_path: Path) -> None:
    written(tmp_path, "g.csv", lines=LINES[::-1])
    with brought_in(manifest(tmp_path, "g.csv"), tmp_path / "home") as home:
        assert home.book.counts(home.tenant)["marked"] == 0


def test_a_value_twice_is_marked_duplicate_and_another_value_a_conflict(tmp_path: Path) -> None:
    again = ["15-05-2020 09:00,P,A,12.5,3.25", "15-05-2020 09:00,P,A,99,3.25"]
    written(tmp_path, "g.csv", lines=[LINES[0], *again])
    found = readings(tmp_path, manifest(tmp_path, "g.csv"))
    power = [(r["value"], r["quality"]) for r in found if r["indicator"] == "ac_power"]
    assert sorted(power) == [(12.5, 0), (12.5, 4), (99.0, 8)]


def test_findings_as_json_lines_carry_line_numbers(tmp_path: Path) -> None:
    hours = [f"15-05-2020 {h:02d}:00,P,A,{1 if h != 9 else -1e9},1" for h in range(8, 12)]
    text = STREAM + '\ninverter_temperature = { column = "DAILY_YIELD", unit = "degC" }\n'
    hot = [h.rsplit(",", 1)[0] + ",120" for h in hours]
    written(tmp_path, "g.csv", lines=hot)
    energy = 'energy_day = { column = "DAILY_YIELD", unit = "kWh" }\n'
    recording = manifest(tmp_path, "g.csv", text=text.replace(energy, ""))
    result = CliRunner().invoke(
        main, ["replay", str(recording), "--home", str(tmp_path / "h"), "--json"]
    )
    assert result.exit_code == 0, result.output
    said = [json.loads(line) for line in result.stdout.splitlines()]
    hot_ones = [s for s in said if s["rule"] == "inverter_over_temperature"]
    assert hot_ones, said
    keys = {"finding", "thing", "kind", "level", "rule", "from", "to", "value", "limit", "unit",
            "reasons", "because"}  # fmt: skip
    assert keys <= set(hot_ones[0])
    assert hot_ones[0]["because"][0]["file"] == "g.csv"
    assert hot_ones[0]["because"][0]["line"] == 2


def test_a_name_is_found_by_its_alias(tmp_path: Path) -> None:
    written(tmp_path, "g.csv", lines=LINES)
    text = STREAM.replace("ac_power  ", "AC_POWER  ").replace("FILE", "g.csv")
    assert any(
        r["indicator"] == "ac_power" for r in readings(tmp_path, manifest(tmp_path, text=text))
    )


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text('pack = "energy"\n')
    with pytest.raises(BadInput, match="no \\[\\[stream\\]\\]"):
        open_recording(tmp_path / "r.toml")


def test_silence_is_found_and_ends(tmp_path: Path) -> None:
    written(tmp_path, "g.csv", lines=[
        *(f"15-05-2020 {h:02d}:{m:02d},P,A,1,1" for h in (8, 9) for m in (0, 15, 30, 45)),
        "16-05-2020 16:00,P,A,1,1",
        "16-05-2020 16:15,P,A,1,1",
    ])  # fmt: skip
    with brought_in(manifest(tmp_path, "g.csv"), tmp_path / "home") as home:
        found = findings(home, rule="silence", thing="A")
    assert len(found) == 1
    assert found[0]["to"] == "2020-05-16T10:30:00Z"


def test_an_empty_line_does_not_move_the_others(tmp_path: Path) -> None:
    written(tmp_path, "g.csv", lines=[LINES[0], "", LINES[1], "16-05-2020 09:00,P,A,bad,1"])
    with brought_in(manifest(tmp_path, "g.csv"), tmp_path / "home") as home:
        refused = home.history.query("SELECT line, text FROM refused").to_pylist()
        assert home.book.counts(home.tenant)["accepted"] > 0
    assert refused == [{"line": 5, "text": "bad"}]


def test_a_chinese_export_is_read_in_its_own_encoding(tmp_path: Path) -> None:
    lines = [HEADER, LINES[0].replace(",A,", ",逆变器一号,")]
    (tmp_path / "g.csv").write_bytes("\n".join(lines).encode("gb18030"))
    recording = manifest(tmp_path, "g.csv")
    with pytest.raises(BadInput, match=r"g.csv line 2: not utf-8"):
        open_recording(recording)
    text = STREAM.replace('"FILE"', '"g.csv"\nencoding = "gb18030"')
    found = readings(tmp_path, manifest(tmp_path, text=text))
    assert {r["thing"] for r in found if r["indicator"] == "ac_power"} == {"逆变器一号"}


def test_a_parents_parent_is_registered_too(tmp_path: Path) -> None:
    written(tmp_path, "g.csv", lines=LINES)
    plant = 'parent = { kind = "plant", id = "PLANT_ID" }'
    nested = f'parent = {{ kind = "inverter", fixed = "EAST", {plant} }}'
    text = STREAM.replace(plant, nested).replace('kind = "inverter", id', 'kind = "string", id')
    text = text.split("[stream.readings]", maxsplit=1)[0] + (
        '[stream.readings]\ndc_current = { column = "AC_POWER", unit = "A" }\n'
    )
    with brought_in(manifest(tmp_path, "g.csv", text=text), tmp_path / "home") as home:
        registry = home.flow.lines["energy"].registry
        above = registry.above(ThingKey("string", "A"))
    assert above == [ThingKey("inverter", "EAST"), ThingKey("plant", "P")]


def test_what_may_not_stand_there_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    rows = ["time,a,b,w", "2024-01-01T08:00Z,L1,L1,1", "2024-01-02T08:00Z,L2,L2,1"]
    (tmp_path / "s.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "r.toml").write_text(
        'pack = "logistics"\n[[stream]]\nfile = "s.csv"\ntime = { column = "time" }\n'
        'thing = { kind = "lot", id = "a", parent = { kind = "warehouse", id = "b" } }\n'
        '[stream.readings]\nnet_weight = { column = "w", unit = "t" }\n'
    )
    with brought_in(tmp_path / "r.toml", tmp_path / "home") as home:
        assert home.book.counts(home.tenant)["accepted"] > 0
    with Home(tmp_path / "home", clock=still) as home:
        assert home.journal.last > 0
