"""GS1 keys in their one canonical form, a GS1 Digital Link URI, whatever they were written in.

``urn:epc:id:sgtin:4012345.011111.9876`` is ``https://id.gs1.org/01/04012345111118/21/9876``.

Source: EPC Tag Data Standard 2.3 §6, §7 (EPC URIs, their digits and check digits); GS1 Digital
Link: URI Syntax 1.2 §4.11 (canonical form); CBV 2.0 §8.9 (which parts an event's hash keeps).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

LINK: Final = "https://id.gs1.org/"

LONGEST: Final = 300
"""No key needs more characters; what is longer is neither read nor remembered."""

_EPC: Final = re.compile(r"urn:epc:(id|class|idpat):([a-z]+):([^/?#\s]+)")
_ESCAPED: Final = {ord(sign): f"%{ord(sign):02X}" for sign in "!()*+,:"}
"""What a Digital Link must escape and an EPC URI need not."""

_WORDS: Final = {
    "gtin": "01", "itip": "8006", "cpid": "8010", "gln": "414", "party": "417", "gsrnp": "8017",
    "gsrn": "8018", "gcn": "255", "sscc": "00", "gdti": "253", "ginc": "401", "gsin": "402",
    "grai": "8003", "giai": "8004", "cpv": "22", "lot": "10", "ser": "21",
}  # fmt: skip
_SERIAL: Final = r"[!-~]{0,90}"
_KEYS: Final = {
    "00": r"\d{18}", "01": r"\d{8}|\d{12,14}", "253": rf"\d{{13}}{_SERIAL}",
    "255": r"\d{13}\d{0,12}", "401": r"\d{4}" + _SERIAL, "402": r"\d{17}", "414": r"\d{13}",
    "417": r"\d{13}", "8003": rf"\d{{14}}{_SERIAL}", "8004": r"\d{4}" + _SERIAL, "8006": r"\d{18}",
    "8010": r"\d{4}" + _SERIAL, "8017": r"\d{18}", "8018": r"\d{18}",
}  # fmt: skip
_FINER: Final = {
    "01": ("21", "235", "10"), "414": ("254",), "8006": ("21", "10"), "8010": ("8011",),
}  # fmt: skip
"""The qualifiers of a key, the finest first; an event's hash keeps that one alone."""

_PASSED_OVER: Final = ("22",)


def canonical(text: str) -> str:
    """A GS1 key as its canonical Digital Link; any other text as it is."""
    return _canonical(text) if len(text) <= LONGEST else text


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    found = _EPC.fullmatch(text)
    if found:
        return _of_epc(found) or text
    if text.startswith(("http://", "https://")):
        return _of_link(text) or text
    return text


def check_digit(digits: str) -> str:
    """The check digit of a GS1 key: weights 3 and 1 from the right.

    Source: GS1 General Specifications §7.9.1.
    """
    total = sum(int(digit) * (3, 1)[i % 2] for i, digit in enumerate(reversed(digits)))
    return str(-total % 10)


def _numbered(parts: list[str], length: int, *, first: bool = False) -> str | None:
    """Company prefix and reference as one number of that length with its check digit.

    Args:
        parts: the company prefix and the reference.
        length: digits of both together.
        first: the reference's first digit goes before the company prefix.
    """
    company, reference = parts
    digits = reference[:1] + company + reference[1:] if first else company + reference
    if not (6 <= len(company) <= 12 and len(digits) == length and digits.isascii()):
        return None
    return digits + check_digit(digits) if digits.isdigit() else None


def _gtin(parts: list[str]) -> str | None:
    return _numbered(parts, 13, first=True)


def _serial(parts: list[str]) -> str:
    return ".".join(parts).translate(_ESCAPED)


Written = Callable[[list[str]], str | None]


def _simple(key: str, length: int, *, first: bool = False) -> Written:
    def write(parts: list[str]) -> str | None:
        number = _numbered(parts, length, first=first) if len(parts) == 2 else None
        return number and f"{key}/{number}"

    return write


def _with_serial(key: str, mark: str, *, gtin: bool, zero: str = "") -> Written:
    """A number and what tells one piece from another; a pattern names the number alone."""

    def write(parts: list[str]) -> str | None:
        if len(parts) < 3 or not (number := (_gtin if gtin else _thirteen)(parts[:2])):
            return None
        rest = parts[2:]
        return f"{key}/{zero}{number}" + ("" if rest == ["*"] else mark + _serial(rest))

    return write


def _thirteen(parts: list[str]) -> str | None:
    return _numbered(parts, 12)


def _free(key: str) -> Written:
    def write(parts: list[str]) -> str | None:
        if len(parts) < 2 or not parts[0].isdigit() or parts[1:] == ["*"]:
            return None
        return f"{key}/{parts[0]}{_serial(parts[1:])}"

    return write


def _sgln(parts: list[str]) -> str | None:
    if len(parts) == 3 and parts[2] == "0" and (number := _thirteen(parts[:2])):
        return f"414/{number}"
    return _with_serial("414", "/254/", gtin=False)(parts)


def _cpi(parts: list[str]) -> str | None:
    if len(parts) < 3 or not parts[0].isdigit():
        return None
    part = parts[0] + _serial(parts[1:-1])
    return f"8010/{part}" + ("" if parts[-1] == "*" else f"/8011/{parts[-1]}")


def _itip(parts: list[str]) -> str | None:
    if len(parts) < 5 or not (number := _gtin(parts[:2])):
        return None
    end = "" if parts[4:] == ["*"] else f"/21/{_serial(parts[4:])}"
    return f"8006/{number}{parts[2]}{parts[3]}{end}"


_SCHEMES: Final[dict[str, Written]] = {
    "sgtin": _with_serial("01", "/21/", gtin=True),
    "lgtin": _with_serial("01", "/10/", gtin=True),
    "upui": _with_serial("01", "/235/", gtin=True),
    "sscc": _simple("00", 17, first=True),
    "sgln": _sgln,
    "pgln": _simple("417", 12),
    "grai": _with_serial("8003", "", gtin=False, zero="0"),
    "gdti": _with_serial("253", "", gtin=False),
    "sgcn": _with_serial("255", "", gtin=False),
    "gsrn": _simple("8018", 17),
    "gsrnp": _simple("8017", 17),
    "gsin": _simple("402", 16),
    "giai": _free("8004"),
    "ginc": _free("401"),
    "cpi": _cpi,
    "itip": _itip,
}


def _of_epc(found: re.Match[str]) -> str | None:
    form, scheme = found[1], found[2]
    parts = found[3].split(".")
    known = scheme in _SCHEMES and (form == "class") == (scheme == "lgtin")
    pattern = form == "idpat"
    if not known or pattern != (parts[-1] == "*"):
        return None
    link = _SCHEMES[scheme](parts)
    return link and LINK + link


def _of_link(text: str) -> str | None:
    path = re.split(r"[?#]", text, maxsplit=1)[0].split("/")[3:]
    for i, segment in enumerate(path[:-1]):
        key = _WORDS.get(segment, segment)
        if key in _KEYS and re.fullmatch(_KEYS[key], path[i + 1]):
            value = path[i + 1].zfill(14) if key == "01" else path[i + 1]
            return _finest(key, value, rest=[part for part in path[i + 2 :] if part])
    return None


def _finest(key: str, value: str, *, rest: list[str]) -> str | None:
    """The key with its finest qualifier; None where something else follows."""
    finer = _FINER.get(key, ())
    if len(rest) % 2:
        return None
    said = {_WORDS.get(name, name): what for name, what in zip(rest[::2], rest[1::2], strict=True)}
    if any(name not in finer and name not in _PASSED_OVER for name in said):
        return None
    for name in finer:
        if name in said:
            return f"{LINK}{key}/{value}/{name}/{said[name]}"
    return f"{LINK}{key}/{value}"
