"""Sparkplug payloads written byte by byte, with field numbers of their own, for its tests."""

import struct
from typing import Any

from wuxin.terms.envelope import wrap

AT = 1_641_124_800_000
"""2022-01-02T12:00:00Z in milliseconds."""


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes((*out, number))


def field(number: int, value: bytes | str | float) -> bytes:
    if isinstance(value, float):
        return varint(number << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def real32(number: int, value: float) -> bytes:
    return varint(number << 3 | 5) + struct.pack("<f", value)


def fields(said: dict[int, Any]) -> bytes:
    return b"".join(field(number, value) for number, value in said.items())


def metric(name: str = "", alias: int | None = None, **said: Any) -> bytes:
    """A metric: ``kind``, ``whole``, ``long``, ``real``, ``truth``, ``text``, ``at``, ``unit``."""
    data = field(1, name) if name else b""
    data += field(2, alias) if alias is not None else b""
    numbers = {"at": 3, "kind": 4, "historical": 5, "null": 7, "whole": 10, "long": 11,
               "real": 13, "truth": 14, "text": 15, "data": 16}  # fmt: skip
    for word, number in numbers.items():
        if word in said:
            data += field(number, said[word])
    props = {"engUnit": field(1, 12) + field(8, said["unit"])} if "unit" in said else {}
    if "quality" in said:
        props["Quality"] = field(1, 3) + field(3, said["quality"])
    if props:
        body = b"".join(field(1, k) for k in props) + b"".join(field(2, v) for v in props.values())
        data += field(9, body)
    return data


def payload(*metrics: bytes, seq: int | None = None, at: int | None = AT) -> bytes:
    data = field(1, at) if at is not None else b""
    data += b"".join(field(2, each) for each in metrics)
    return data + (field(3, seq) if seq is not None else b"")


def framed(topic: str, data: bytes, **said: Any) -> bytes:
    return wrap({"topic": f"spBv1.0/{topic}", **said}, data)
