"""LoRaWAN: uplinks of two network servers, and payloads by the tables of device models."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.rooms.frames import mutated, proper, registered
from wuxin.protocols import lorawan
from wuxin.protocols.lorawan.tables import Field, Table, read, tables
from wuxin.protocols.octets import BadFrame
from wuxin.terms.envelope import wrap


def chirpstack(hexed: str, profile: str = "EM300-TH", *, port: int = 85) -> dict[str, Any]:
    return {
        "time": "2022-07-18T09:34:15.775023242+00:00",
        "deviceInfo": {"deviceProfileName": profile, "devEui": "0101010101010101"},
        "devAddr": "00189440", "fCnt": 4, "fPort": port,
        "data": base64.b64encode(bytes.fromhex(hexed)).decode(),
        "rxInfo": [{"rssi": -101, "snr": 2.5}, {"rssi": -48, "snr": 9}],
    }  # fmt: skip


def things_stack(hexed: str, model: str, *, port: int) -> dict[str, Any]:
    return {
        "end_device_ids": {"dev_eui": "0004A30B001C0530", "dev_addr": "00BCB929"},
        "uplink_message": {
            "f_port": port, "f_cnt": 1, "received_at": "2020-02-12T15:15:45.787Z",
            "frm_payload": base64.b64encode(bytes.fromhex(hexed)).decode(),
            "rx_metadata": [{"rssi": -35, "snr": 5}], "version_ids": {"model_id": model},
        },
    }  # fmt: skip


def said(uplink: Any, **line: Any) -> dict[str, Any]:
    text = json.dumps(uplink).encode()
    return lorawan.decode(wrap(line, text) if line else text)


def values(answer: dict[str, Any]) -> dict[str, float]:
    assert answer["ok"], answer
    return {r["indicator"]: r["value"] for r in answer["readings"]}


RADIO = {"rssi": -48.0, "snr": 9.0}
EM300 = "0175320367c80004683c"  # lorawan-devices (MIT), milesight-iot/em300-th
LHT65 = "cbf60b0d0376010add7fff"  # lorawan-devices (MIT), dragino/lht65


def test_an_uplink_of_chirpstack_is_read_by_the_profiles_table() -> None:
    answer = said(chirpstack(EM300))
    assert values(answer) == {**RADIO, "battery": 50, "temperature": 20.0, "humidity": 30.0}
    assert answer["device"] == "0101010101010101"
    assert (answer["boot"], answer["seq"]) == ("00189440", 4)
    assert answer["time"] == "2022-07-18T09:34:15.775023Z"
    assert answer["fields"]["gateways"] == 2


def test_an_uplink_of_the_things_stack_is_read_by_the_models_table() -> None:
    answer = said(things_stack(LHT65, "lht65", port=2))
    assert values(answer) == {
        "rssi": -35, "snr": 5, "battery_voltage": 3.062, "temperature": 28.29, "humidity": 88.6,
        "probe_temperature": 27.81,
    }  # fmt: skip
    assert answer["device"] == "0004A30B001C0530"
    assert answer["time"] == "2020-02-12T15:15:45.787000Z"


def test_the_line_before_an_uplink_says_the_profile() -> None:
    answer = said(chirpstack(EM300, "mine"), profile="em300-th")
    assert values(answer)["temperature"] == 20.0


def test_without_a_table_the_radio_is_all_there_is() -> None:
    answer = said(chirpstack(EM300, "mine"))
    assert values(answer) == RADIO
    assert answer["marks"] == [{"indicator": "payload", "mark": "no_table"}]
    assert answer["fields"]["data"] == EM300
    assert "marks" not in said(chirpstack("", port=0)), "no payload, nothing missing"


def test_a_record_of_the_past_has_its_own_time_and_is_late() -> None:
    answer = said(chirpstack("20ce9f74466311015e"))  # bytes of our own making
    assert answer["late"] is True
    assert answer["readings"][2:] == [
        {"indicator": "temperature", "value": 27.3, "unit": "degC", "time": "2022-10-12T08:02:39Z"},
        {"indicator": "humidity", "value": 47.0, "unit": "%", "time": "2022-10-12T08:02:39Z"},
    ]


def test_cayenne_names_its_channels() -> None:
    """Cayenne LPP documentation, examples: two temperatures; acceleration; a position."""
    two = values(said(chirpstack("03670110056700ff", "Cayenne LPP", port=1)))
    assert two == {**RADIO, "temperature_3": 27.2, "temperature_5": 25.5}
    moved = values(said(chirpstack("067104d2fb2e0000", "Cayenne LPP", port=1)))
    assert moved["acceleration_x_6"] == pytest.approx(1.234 * 9.80665)
    assert moved["acceleration_y_6"] == pytest.approx(-1.234 * 9.80665)
    placed = values(said(chirpstack("018806765ff2960a0003e8", "Cayenne LPP", port=1)))
    assert placed == {**RADIO, "latitude": 42.3519, "longitude": -87.9094, "altitude": 10.0}


def test_a_value_that_stands_for_none_is_marked() -> None:
    answer = said(things_stack("cbf67fff037601" + "7fff7fff", "LHT65", port=2))
    assert [m["indicator"] for m in answer["marks"]] == ["temperature", "probe_temperature"]
    answer = said(things_stack("cbf60b0d0376000add7fff", "LHT65", port=2))
    assert "probe_temperature" not in values(answer), "another kind of probe"


@pytest.mark.parametrize(
    ("uplink", "error", "at"),
    [
        (chirpstack("01753299"), "99 are not in", "payload byte 3"),
        (chirpstack("01753283ed0100"), "83ed are not in", "payload byte 3"),
        (chirpstack("0175320367c8"), "needs 2 bytes and there are 1", "payload byte 3"),
        (chirpstack(LHT65, "lht65", port=42), "port 42", "port"),
        (chirpstack(LHT65[:-2], "lht65", port=2), "for 11 bytes", "payload byte 10"),
        ({**chirpstack(EM300), "data": "a"}, "not base64", "data"),
        ({**chirpstack(EM300), "data": "AA" * 600}, "longer", "data"),
        ({**chirpstack(EM300), "fCnt": -1}, "frame counter", "counter"),
        ({**chirpstack(EM300), "fPort": 256}, "port", "port"),
        ({**chirpstack(EM300), "time": "2022-07-18T09:34:15"}, "offset", "time"),
        ({**chirpstack(EM300), "deviceInfo": {"devEui": "01"}}, "DevEUI", "dev_eui"),
        ({"deviceInfo": 1}, "no such object", "deviceInfo"),
        ({"join_accept": {}}, "no such object", "uplink_message"),
        ([], "no object", "$"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(uplink: Any, error: str, at: str) -> None:
    answer = said(uplink)
    assert not answer["ok"]
    assert error in answer["error"]
    assert answer["at"] == at


def test_bits_and_floats_of_a_table_are_read() -> None:
    fields = [
        Field("high", 0, "u8", mask=0xF0), Field("low", 0, "u8", mask=0x0F),
        Field("real", 1, "f32le"), Field("back", 5, "i24be", scale=0.5, offset=1),
    ]  # fmt: skip
    table = Table(["x"], size=8, field=fields)
    found = read(bytes.fromhex("a50000c03ffffffe"), table, port=1)
    assert [r["value"] for r in found.readings] == [10, 5, 1.5, 0]
    with pytest.raises(BadFrame):
        read(b"1234567", table, port=1)


def test_no_place_of_a_table_is_outside_of_its_size() -> None:
    assert len(tables()) > 5
    for table in tables().values():
        assert bool(table.field) != bool(table.item)
        whole = [(table.field, size) for size in (table.size, *table.also)]
        for fields, size in [*whole, *((i.fields, i.size) for i in table.item)]:
            for field in (each for each in fields if each.at < size or size == table.size):
                bits = int(field.type[1:].rstrip("lbe"))
                assert field.at + bits // 8 <= size, field
                assert field.when is None or field.when.at < size
        assert all(item.time is None or item.time + 4 <= item.size for item in table.item)


def test_no_mutation_raises() -> None:
    good = [
        json.dumps(u).encode() for u in (chirpstack(EM300), things_stack(LHT65, "LHT65", port=2))
    ]
    taken = 0
    for data in mutated(good, 20_000, seed=868):
        answer = lorawan.decode(data)
        proper(answer, most=20_000)
        taken += answer["ok"]
    assert taken > 500
    for data in mutated([bytes.fromhex(EM300), bytes.fromhex("03670110056700ff")], 10_000, seed=9):
        profile = "EM300-TH" if data[:1] == b"\1" else "Cayenne LPP"
        proper(said(chirpstack(data.hex(), profile)), most=20_000)


@pytest.mark.shared
def test_payloads_of_the_vendors_examples_mean_the_same(shared: Path) -> None:
    checked = 0
    path = shared / "vectors/lorawan/milesight_readme_examples.jsonl"
    for line in path.read_text("utf-8").splitlines():
        case = json.loads(line)
        if case["device"] == "em320-th":
            answer = said(chirpstack(case["hex"], "EM320-TH"))
            wanted = case["expected"].get("history", [case["expected"]])[0]
            found = values(answer)
            assert {k: v for k, v in wanted.items() if k != "timestamp"}.items() <= found.items()
            checked += 1
    assert checked == 2


def test_the_decoder_is_registered() -> None:
    assert registered("lorawan") == lorawan.__name__
