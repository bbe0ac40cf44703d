"""`wuxin decode`: frames out of any file, and answers for programs and for people."""

import io
import json
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.rooms.frames import frame_of, load, protocols
from wuxin.cli import main
from wuxin.portal import decoded
from wuxin.protocols.decoders import find
from wuxin.protocols.gb32960.layouts import ALARMS, FAULTS
from wuxin.protocols.hj212_codes import COMMANDS, FLAGS, KINDS, SYSTEMS, UNITS
from wuxin.protocols.jt808.flags import ALARM, SIGNALS, STATUS, VIDEO_ALARM
from wuxin.protocols.jt808.items import EXTENSIONS, STANDARD
from wuxin.protocols.jt808.parameters import PARAMETERS
from wuxin.protocols.vocabulary import spoken, words
from wuxin.terms.envelope import wrap
from wuxin.terms.errors import BadInput

HEARTBEAT = "7e0002000001234567890100008a7e"
PRETTY = (
    b'{"device":"lot:L1","boot":"b","seq":0,\n"time":"2008-12-01T00:00:00Z","readings":{"a":1}}'
)


def ran(*arguments: str, given: bytes | str = b"") -> Any:
    return CliRunner().invoke(main, ["decode", *arguments], input=given)


def cut(data: bytes, **said: bool) -> list[bytes]:
    return list(decoded.frames(io.BytesIO(data), **said))


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"7e 01\r\n\r\n 7e02 \n7e03", [b"7e 01", b"7e02", b"7e03"]),
        (b'{"a":1}\n{"a":2}\n', [b'{"a":1}', b'{"a":2}']),
        (PRETTY, [PRETTY]),
        (b"<a>\n<b/>\n</a>", [b"<a>\n<b/>\n</a>"]),
        (b"\x7e\x00\x02\x0a\x8a\x7e", [b"\x7e\x00\x02\x0a\x8a\x7e"]),
        (wrap({"topic": "t"}, b"\x08\x0a\x0a"), [wrap({"topic": "t"}, b"\x08\x0a\x0a")]),
        (wrap({"a": 1}, b"\x00").hex().encode(), [wrap({"a": 1}, b"\x00")]),
        ("##0101货;\r\n##".encode("gb18030"), ["##0101货;".encode("gb18030"), b"##"]),
        (b"", []),
        (b"\n \n", []),
    ],
)
def test_a_file_is_cut_into_frames(data: bytes, wanted: list[bytes]) -> None:
    assert cut(data) == wanted


def test_a_long_file_of_lines_is_cut_wherever_it_is_read() -> None:
    lines = [b"%04d" % n * 50 for n in range(2_000)]
    assert cut(b"\n".join(lines)) == lines


def test_what_is_one_message_can_be_said() -> None:
    assert cut(b"7e01\n7e02", whole=True) == [b"7e01\n7e02"]


def test_a_message_that_is_too_long_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoded, "LIMIT", 100_000)
    for data in (b"<" + b"a" * 200_000, b"7" * 200_000):
        with pytest.raises(BadInput, match="is not read"):
            cut(data)


def test_what_the_carrier_says_goes_before_bytes_or_hexadecimal() -> None:
    wanted = wrap({"topic": "t"}, b"\x08\x01")
    assert decoded.behind('{"topic":"t"}', b"08 01") == wanted
    assert decoded.behind('{"topic":"t"}', b"\x08\x01") == wanted
    for said in ("topic", "[]"):
        with pytest.raises(BadInput, match="what the carrier says"):
            decoded.behind(said, b"")


@pytest.mark.parametrize("protocol", sorted(protocols()))
def test_every_vector_is_decoded_for_programs_and_for_people(protocol: str) -> None:
    for kind, vectors in load(protocol).items():
        vector = next(each for each in vectors if frame_of(each))
        answer = find(protocol)(frame_of(vector))
        for language in ("zh", "en"):
            text = ran(protocol, "--whole", "--lang", language, given=frame_of(vector)).stdout
            assert ("refused" in text.splitlines()[0]) == (kind == "refuse"), text
            for reading in answer.get("readings", ()):
                assert reading["indicator"] in text
                assert f"{reading['value']} {reading['unit']}".removesuffix("1").strip() in text
        assert json.loads(ran(protocol, "--whole", given=frame_of(vector)).stdout) == answer


def test_a_frame_is_told_in_chinese_beside_the_names() -> None:
    text = ran("jt808", "--lang", "zh", given=HEARTBEAT).stdout
    assert text.splitlines() == [
        "heartbeat 终端心跳",
        "  id 消息ID: 0x0002",
        "  version 版本: 2013",
        "  phone 终端手机号: 12345678901",
        "  serial 消息流水号: 0",
    ]
    assert "终端" not in ran("jt808", "--lang", "en", given=HEARTBEAT).stdout


def test_the_language_is_the_settings_where_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUXIN_LANGUAGE", "en")
    assert ran("jt808", "--text", given=HEARTBEAT).stdout.startswith("heartbeat\n")
    monkeypatch.setenv("WUXIN_LANGUAGE", "zh-CN")
    assert ran("jt808", "--text", given=HEARTBEAT).stdout.startswith("heartbeat 终端心跳\n")


def test_rows_and_units_and_marks_have_their_lines() -> None:
    answer = {
        "ok": True, "message": "report", "device": "V",
        "fields": {"bodies": [{"name": "engine", "speed": 2000, "list": []}], "line": "a\nb"},
        "readings": [{"indicator": "motor_1_speed", "value": 5.0, "unit": "rpm"},
                     {"indicator": "soc", "value": 80.0, "unit": "1", "thing": "vehicle:V"}],
        "marks": [{"indicator": "unheard", "mark": "out_of_range"}],
    }  # fmt: skip
    assert decoded.text(answer, "gb32960", chinese=True).splitlines() == [
        "report 实时信息上报",
        "  device 设备: V",
        "fields 字段",
        "  bodies 信息体:",
        "    1. name 信息类型: engine 发动机数据",
        "       speed 曲轴转速: 2000",
        "       list: —",
        '  line: "a\\nb"',
        "readings 读数",
        "  motor_1_speed 1号驱动电机转速: 5.0 rpm",
        "  soc SOC: 80.0  thing 标的物 vehicle:V",
        "marks 质量标记",
        "  unheard: out_of_range 超出范围",
    ]


def test_a_pack_has_the_word_that_a_protocol_has_not() -> None:
    frame = (
        b'{"device":"a:b","boot":"b","seq":0,"time":"2008-12-01T00:00:00Z","readings":{"ghi":1}}'
    )
    assert "ghi 水平总辐照度: 1.0" in ran("wuxin", "--lang", "zh", given=frame).stdout


def test_wrong_use_is_one_line() -> None:
    for arguments, given, said in (
        (("jt808",), b"", "the input is empty"),
        (("nope",), b"7e", "there is no protocol 'nope'; installed: epc"),
        (("jt808", "/nowhere/at/all"), b"", "No such file"),
        (("sparkplug", "--said", "x"), b"7e", "no JSON"),
    ):
        result = ran(*arguments, given=given)
        assert result.exit_code == 2
        assert said in result.stderr
        assert result.stderr.count("\n") == 1


def test_without_a_protocol_they_are_listed() -> None:
    assert ran().stdout.split() == sorted(protocols())


@pytest.mark.parametrize("protocol", ["jt808", "gb32960", "hj212"])
def test_what_a_chinese_standard_names_has_its_word(protocol: str) -> None:
    """Every field, coded value, message and reading of the vectors; maker's bytes have none."""
    names = {"gb32960": ("gb32960", "gb32960_2025")}.get(protocol, (protocol,))
    said = words(protocol)
    lacking: set[str] = set()
    vectors = (each for name in names for each in load(name)["accept"] if "key" not in each)
    for vector in vectors:
        answer = find(protocol)(frame_of(vector))
        if answer["message"] not in said.messages:
            lacking.add(answer["message"])
        lacking |= {name for name in keys(answer["fields"]) if not said.field(name)}
        lacking |= {r["indicator"] for r in answer["readings"] if not said.reading(r["indicator"])}
    assert not lacking


def test_every_code_of_the_chinese_standards_has_its_word() -> None:
    said, coded = words("jt808"), (ALARM.bits, STATUS.bits, SIGNALS.bits, VIDEO_ALARM.bits)
    named = {name for table in (STANDARD, EXTENSIONS, PARAMETERS) for name, _ in table.values()}
    assert not {name for name in named.union(*coded) if not said.value(name)}
    said = words("gb32960")
    assert not {name for name in ALARMS if not said.value(name)}
    assert not {name for name in FAULTS if not said.field(name)}
    said = words("hj212")
    assert not set(COMMANDS.values()) - said.messages.keys()
    coded_212 = {*SYSTEMS.values(), *FLAGS.values()}
    assert not {name for name in coded_212 if not said.value(name)}
    factors = {f"{code}_{kind.lower()}" for code in UNITS for kind in KINDS}
    assert not {name for name in factors if not said.reading(name)}


def keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(keys, value.values()))
    return set().union(*map(keys, value)) if isinstance(value, list) else set()


def test_a_reading_without_a_word_keeps_its_name() -> None:
    said = words("ocpp")
    assert said.reading("voltage_l1_n") == "电压（L1-N）"
    assert said.reading("connector_status_2") == "枪状态（#号枪）".replace("#", "2")
    assert said.reading("voltage_of_mine") == ""
    assert said.reading("temperature_" * 100) == ""
    assert words("nobody's").reading("temperature") == "温度"


def test_the_tables_of_words_are_whole() -> None:
    folder = files("wuxin.protocols") / "words"
    tables = {"messages", "fields", "values", "readings", "endings", "marks"}
    assert set(spoken()) <= {"common", *protocols()}
    for name in spoken():
        table = tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))
        assert table.keys() <= tables, name
        for rows in table.values():
            assert all(isinstance(word, str) and word.strip() == word for word in rows.values())


def test_the_words_stand_in_the_glossary() -> None:
    glossary = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text("utf-8")
    assert "| `motors.speed` | 驱动电机转速 |" in glossary
    assert "| `w01018` | 化学需氧量 |" in glossary
