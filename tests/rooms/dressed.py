"""What is spoilt of each protocol's messages: seeds out of the vectors, and what goes around them.

A check byte, a length or an envelope that is made right again lets a mutant in, so that what lies
behind them is tried as well.
"""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import cbor2

from tests.rooms.frames import frame_of, load, parts_of
from wuxin.protocols import gb32960, hj212, sbd
from wuxin.protocols.decoders import find
from wuxin.protocols.jt808.frame import unwrap, wrap
from wuxin.protocols.sbd_payload import Report, encode_payload
from wuxin.terms import envelope

Dress = Callable[[bytes], bytes]


class Case(NamedTuple):
    """What is spoilt of a protocol's messages, and how a frame is made around it."""

    protocol: str
    seeds: list[bytes]
    dress: Dress = bytes


def vectors(protocol: str) -> list[dict[str, Any]]:
    """Its vectors; what must be refused is a seed too, if it is not long by itself."""
    names = {"gb32960": ("gb32960", "gb32960_2025")}.get(protocol, (protocol,))
    return [
        vector
        for name in names
        for kind in load(name).values()
        for vector in kind
        if len(parts_of(vector)[1]) < 8_000
    ]


def good(protocol: str) -> list[dict[str, Any]]:
    answers = find(protocol)
    return [each for each in vectors(protocol) if answers(frame_of(each))["ok"]]


def terminal(message: bytes) -> bytes:
    """A JT/T 808 frame whose length, escapes and check are right."""
    if len(message) < 12:
        return wrap(message)
    head = 17 if message[2] & 0x40 else 12
    body = max(len(message) - head - (4 if message[2] & 0x20 else 0), 0) & 0x3FF
    length = (message[2] << 8 & 0xFC00 | body).to_bytes(2, "big")
    return wrap(message[:2] + length + message[4:])


def vehicle(data: bytes) -> bytes:
    """A GB/T 32960 frame whose length and check are right."""
    inner = data[2:22] + (max(len(data) - 25, 0) & 0xFFFF).to_bytes(2, "big") + data[24:-1]
    return data[:2] + inner + bytes((gb32960.bcc(inner),))


def segment(data: bytes) -> bytes:
    return b"##%04d%s%s" % (len(data), data, hj212.crc(data).encode())


def satellite(elements: bytes) -> bytes:
    return b"\1" + len(elements[:65535]).to_bytes(2, "big") + elements[:65535]


def satellite_payload(payload: bytes) -> bytes:
    return sbd.encode(payload[:1960], sbd.Session("300000000000001", 7, 1_717_202_850))


def batch(payload: bytes) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps({1: -8, 4: b"k"}), {}, payload, bytes(64)]))


def tag(code: bytes) -> bytes:
    read = {"epc": code[:62].hex(), "time": "2022-01-02T12:00:00Z"}
    return json.dumps({"reader": "r", "reads": [read]}).encode()


def uplink(profile: str, port: int) -> Dress:
    def dressed(payload: bytes) -> bytes:
        said = {
            "time": "2022-07-18T09:34:15Z", "fCnt": 4, "fPort": port,
            "deviceInfo": {"deviceProfileName": profile, "devEui": "0101010101010101"},
            "data": base64.b64encode(payload[:255]).decode(),
        }  # fmt: skip
        return json.dumps(said).encode()

    return dressed


def behind(said: dict[str, Any]) -> Dress:
    return lambda data: envelope.wrap(said, data)


def insides(protocol: str) -> Iterator[Case]:
    """What lies behind the checks of a protocol, which random bytes would not get past."""
    for vector in good(protocol):
        said, data = parts_of(vector)
        if said is not None:
            yield Case(protocol, [data], behind(said))
    yield from _BEHIND.get(protocol, _nothing)([parts_of(each)[1] for each in good(protocol)])


def _nothing(_seeds: list[bytes]) -> Iterator[Case]:
    yield from ()


def _terminals(seeds: list[bytes]) -> Iterator[Case]:
    yield Case("jt808", [unwrap(seed) for seed in seeds], terminal)


def _vehicles(seeds: list[bytes]) -> Iterator[Case]:
    yield Case("gb32960", seeds, vehicle)


def _segments(seeds: list[bytes]) -> Iterator[Case]:
    yield Case("hj212", [seed.strip()[6:-4] for seed in seeds], segment)


def _satellites(seeds: list[bytes]) -> Iterator[Case]:
    yield Case("sbd", [seed[3:] for seed in seeds], satellite)
    reports = Report(7, 1_717_202_840, (19.0, 130.0), 5.0, 90.0, 80), Report(1, 0)
    told = {"temperature": 21.5, "net_weight": 100.0}
    yield Case("sbd", [encode_payload(each, told) for each in reports], satellite_payload)


def _batches(_seeds: list[bytes]) -> Iterator[Case]:
    frames = [parts_of(each)[1] for each in good("wuxin_cbor")]
    yield Case("wuxin_cose", [*frames, b"\x82" + frames[0] + frames[1]], batch)


def _tags(seeds: list[bytes]) -> Iterator[Case]:
    reads = [read for seed in seeds if b'"reads"' in seed for read in json.loads(seed)["reads"]]
    yield Case("epc", [bytes.fromhex(read["epc"]) for read in reads], tag)


def _uplinks(_seeds: list[bytes]) -> Iterator[Case]:
    for payload, profile, port in (
        ("0175320367c80004683c20ce9f74466311015e", "EM300-TH", 85),
        ("cbf60b0d0376010add7fff", "LHT65", 2),
        ("03670110018806765ff2960a0003e8067104d2fb2e0000", "Cayenne LPP", 1),
    ):
        yield Case("lorawan", [bytes.fromhex(payload)], uplink(profile, port))


_BEHIND: Final[dict[str, Callable[[list[bytes]], Iterator[Case]]]] = {
    "jt808": _terminals,
    "gb32960": _vehicles,
    "hj212": _segments,
    "sbd": _satellites,
    "wuxin_cose": _batches,
    "epc": _tags,
    "lorawan": _uplinks,
}
