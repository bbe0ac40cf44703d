"""Batches of Wuxin's frames read quickly are what the exact decoder reads one by one."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wuxin.protocols import native
from wuxin.protocols.native_batch import Decoder, Messages
from wuxin.terms.clock import moment
from wuxin.terms.errors import BadInput
from wuxin.terms.interned import hashed
from wuxin.terms.units import conversion

UNITS = {"ac_power": "W", "energy_day": "J", "temperature": "K", "price": ""}


def frame(**changed: Any) -> bytes:
    said = {
        "device": "inverter:A1", "boot": "b1", "seq": 1, "time": "2022-01-02T12:00:00Z",
        "readings": {"ac_power": 1200, "energy_day": 3.25},
    }  # fmt: skip
    return json.dumps({**said, **changed}, separators=(",", ":")).encode()


def read(frames: list[bytes], decoder: Decoder | None = None) -> tuple[Decoder, Messages]:
    decoder = decoder or Decoder(UNITS)
    ends = np.cumsum([len(f) for f in frames]).astype(np.int32)
    return decoder, decoder.decode(b"".join(frames), ends)


def told(decoder: Decoder, found: Messages) -> list[Any]:
    rows = []
    for k, head in enumerate(found.head.tolist()):
        span = slice(found.start[k], found.start[k + 1])
        values = [
            (decoder.names[m], np.float64(v).tobytes())
            for m, v in zip(found.indicator[span], found.value[span], strict=True)
        ]
        rows.append(
            (int(found.line[k]), decoder.devices.name(int(head[0])).decode(), *head[1:4], values)
        )
    return rows


def exactly(frames: list[bytes]) -> list[Any]:
    """What the exact decoder says of the same messages."""
    rows = []
    for k, one in enumerate(frames):
        answer = native.decode(one)
        if not answer["ok"]:
            continue
        values = []
        for r in answer["readings"]:
            inside = UNITS.get(r["indicator"])
            if inside is None:
                continue
            value = float(r["value"])
            if r["unit"] and inside:
                try:
                    rule = conversion(r["unit"], inside)
                except BadInput:
                    continue
                value = r["value"] * rule.factor + rule.offset
            values.append((r["indicator"], np.float64(value).tobytes()))
        if values:
            boot = int(
                np.uint64(hashed(np.frombuffer(answer["boot"].encode(), np.uint8))).astype(np.int64)
            )
            rows.append((k, answer["device"], moment(answer["time"]), boot, answer["seq"], values))
    return rows


def same(frames: list[bytes]) -> None:
    decoder, found = read(frames)
    assert told(decoder, found) == exactly(frames)
    answers = [native.decode(f) for f in frames]
    refused = {k for k, _ in found.refused}
    assert {k for k, a in enumerate(answers) if not a["ok"]} <= refused


def test_plain_and_odd_messages_come_in_their_order() -> None:
    same([
        frame(), frame(seq=2, time="2022-01-02T12:00:01.5Z"), frame(device="inverter:B", seq=0),
        frame(readings={"energy_day": {"value": 3.2, "unit": "kWh"}}), b"{", frame(device="nobody"),
        frame(readings={"unheard_of": 1, "ac_power": 2}), frame(readings={"unheard_of": 1}),
        frame(readings={"ac_power": {"value": 3, "unit": "kg"}}), frame(readings={"price": -0.0}),
        frame(time="2022-02-29T00:00:00Z"), frame(time="2024-02-29T23:59:59+08:00"), frame(seq=3),
    ])  # fmt: skip


def test_plain_messages_are_read_without_the_exact_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [frame(device=f"inverter:{k % 40}", seq=k, readings={"price": k}) for k in range(99)]
    wanted = exactly(frames)
    monkeypatch.setattr(native, "decode", None)
    decoder, found = read(frames)
    assert told(decoder, found) == wanted


def test_names_in_another_order_than_before_are_not_mistaken_for_those() -> None:
    same([
        frame(readings={"price": 1, "ac_power": 2}), frame(readings={"ac_power": 3, "price": 4}),
        frame(readings={"price": 5}), frame(readings={"pric": 6, "price": 7}), frame(readings={}),
        frame(readings={"temperature": 1, "price": 2, "energy_day": 3, "ac_power": 4}),
        frame(readings={"temperature": 5, "temperature ": 6, "price": 7}), frame(readings={"": 8}),
        frame(readings={"temperature": 9, "price2": 10}), frame(readings={"temperature": 1})[:-9],
    ])  # fmt: skip


def test_the_shortest_readings_have_room() -> None:
    names = [chr(c) for c in range(97, 123)] + [chr(c) for c in range(65, 91)]
    said = b",".join(b'"%c":0' % ord(name) for name in names)
    one = (
        b'{"device":"a:b","boot":"b","seq":1,"time":"2022-01-02T12:00:00Z","readings":{%s}}' % said
    )
    _, found = read([one, one[:-2]] * 50, Decoder(dict.fromkeys(names, "")))
    assert found.indicator.tolist() == list(range(52)) * 50
    assert not found.value.any()


def test_many_things_met_over_many_batches_keep_their_numbers() -> None:
    decoder, dice, seen = Decoder(UNITS), random.Random(3), list[str]()  # noqa: S311 - repeatable
    for _ in range(30):
        ids = [f"inverter:{dice.randrange(4000):x}" for _ in range(300)]
        seen += [d for d in dict.fromkeys(ids) if d not in seen]
        _, found = read([frame(device=d) for d in ids], decoder)
        assert [decoder.devices.name(int(k)).decode() for k in found.thing] == ids
        assert [decoder.devices.name(k).decode() for k in range(len(decoder.devices))] == seen


def test_what_is_refused_is_named_with_its_reason() -> None:
    _, found = read([frame(), b"nonsense", frame(readings={"unheard_of": 1})])
    assert [k for k, _ in found.refused] == [1, 2]
    assert "unheard_of" in found.refused[1][1]


NUMBER = st.one_of(
    st.integers(-(10**17), 10**17),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-9999, 9999, places=3, allow_nan=False).map(float),
)
FRAMES = st.lists(
    st.builds(
        frame,
        device=st.sampled_from(["inverter:A1", "inverter:B2", "x:y z", " x:y", "plant", "车:1"]),
        boot=st.sampled_from(["b1", "b 2", "启", " b", ""]),
        seq=st.integers(-1, 2**63),
        time=st.datetimes().map(lambda t: t.isoformat() + "Z"),
        readings=st.dictionaries(st.sampled_from([*UNITS, "other"]), NUMBER, min_size=1),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=200)
@given(FRAMES)
def test_any_messages_are_read_as_the_exact_decoder_reads_them(frames: list[bytes]) -> None:
    same(frames)


def test_random_numbers_are_read_to_the_last_bit() -> None:
    dice = random.Random(5)  # noqa: S311 - repeatable, nothing secret
    texts = [
        f"{dice.choice(['', '-'])}{dice.randrange(10 ** dice.randrange(1, 17))}"
        f"{dice.choice(['', '.' + str(dice.randrange(10 ** dice.randrange(1, 9)))])}"
        for _ in range(60_000)
    ]
    frames = [
        b'{"device":"a:b","boot":"b","seq":%d,"time":"2022-01-02T12:00:00Z",'
        b'"readings":{"price":%s}}' % (k, text.encode())
        for k, text in enumerate(texts)
    ]
    _, found = read(frames)
    wanted = [float(t) if "." in t else float(int(t)) for t in texts]
    assert found.value.tobytes() == np.array(wanted).tobytes()


def test_mutants_are_read_as_the_exact_decoder_reads_them_or_refused() -> None:
    dice = random.Random(11)  # noqa: S311 - repeatable, nothing secret
    base = frame(readings={"ac_power": 1200.5, "temperature": 281.15})
    frames = []
    for _ in range(100_000):
        mutant = bytearray(base)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(mutant))
            mutant[at : at + dice.randrange(2)] = bytes(
                [dice.choice(b'0123456789",:{}.-Ze \\\x00\xff')]
            )
        frames.append(bytes(mutant))
    decoder, found = read(frames)
    wanted = {row[0]: row for row in exactly(frames)}
    rows = {row[0]: row for row in told(decoder, found)}
    assert 10_000 < len(rows) < 90_000
    for k, one in enumerate(frames):
        assert rows.get(k) == wanted.get(k), one


def test_parts_at_the_same_time_give_what_one_gives() -> None:
    frames = [frame(device=f"inverter:{k % 700}", seq=k) for k in range(5000)]
    frames[17], frames[4000] = b"?", frame(device="inverter:new", seq=9)
    one, alone = read(frames)
    with ThreadPoolExecutor(2) as threads:
        many, found = read(frames, Decoder(UNITS, threads=threads, parts=2))
    assert told(many, found) == told(one, alone)
    assert [*map(many.devices.name, range(3))] == [*map(one.devices.name, range(3))]


@pytest.mark.parametrize("ends", [[], [-5], [40], [90, 40], [10**9], [2**31 - 1, 90], [200, 90]])
def test_ends_that_do_not_divide_the_payload_refuse_it_whole(ends: list[int]) -> None:
    payload = frame(device="a:b").ljust(90)
    found = Decoder(UNITS).decode(payload, np.array(ends, np.int32))
    assert len(found.head) == len(found.value) == 0
    assert [k for k, _ in found.refused] == [0]


def test_nothing_behind_the_payload_is_read() -> None:
    whole = frame()
    cut = memoryview(whole)[:-6]
    assert len(Decoder(UNITS).decode(cut, np.array([len(whole)], np.int32)).head) == 0
