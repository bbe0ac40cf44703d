"""What makes goods identifiable: serial, lot, tag, ear number, receipt number, GPS box, GS1 keys.

One number written in two ways must be one identity, or the same goods can be pledged twice. So
text is brought to one form: NFKC (full-width digits become plain), capitals, one kind of dash, no
blanks and no invisible characters. A number counts within its issuer (the maker of a serial, the
warehouse of a receipt); the tag and the GS1 keys are unique in the world and have none.

Source: Unicode Standard Annex 15 (NFKC); GS1 General Specifications, sections 3 (application
identifiers) and 7.9 (check digit); GS1 Digital Link URI syntax; EPC Tag Data Standard, section 6.
"""

import re
from typing import Final, Literal, get_args

import msgspec

from wuxin.terms.errors import BadInput
from wuxin.terms.written import canonical_text, check_digit

Scheme = Literal["serial", "lot", "tag", "ear", "receipt", "box", "gs1"]
"""What kind of number it is; ``box`` is the GPS box that travels with the goods."""

SCHEMES: Final = get_args(Scheme)
LONGEST: Final = 200
WORLDWIDE: Final = ("tag", "gs1")

_PAIRS: Final = re.compile(r"\((\d{2,4})\)([^()]+)")
_LINK: Final = re.compile(r"HTTPS?://[^/?#]+((?:/[^?#]*)?)(?:[?#].*)?")
_URN: Final = re.compile(r"URN:EPC:ID:(SGTIN|SSCC):(\d+)\.(\d+)(?:\.(.+))?")
_KEYS: Final = {"00": 18, "01": 14, "8004": 0, "10": 0, "21": 0}
_LOOKS: Final = str.maketrans("OIL", "011")


class Identity(msgspec.Struct, frozen=True, order=True):
    """A number that goods carry, in its one form; equal identities are the same goods."""

    scheme: Scheme
    issuer: str
    value: str

    def __str__(self) -> str:
        return f"{self.scheme} {self.value}" + (f" of {self.issuer}" if self.issuer else "")

    @property
    def loose(self) -> str:
        """Letters and digits only, with O as 0 and I, L as 1: what a copyist would not see."""
        return "".join(c for c in self.value if c.isalnum()).translate(_LOOKS)


def identity(scheme: str, text: str, *, issuer: str = "") -> Identity:
    """Bring a number to its one form.

    Capitals are taken everywhere, also in GS1 serials, which tell small letters apart: two
    serials that differ in case only count as the same goods, and the second is refused.

    Args:
        scheme: one of ``SCHEMES``.
        text: the number; a GS1 key as ``(01)…(21)…``, ``https://…/01/…/21/…`` or ``urn:epc:id:…``.
        issuer: who gave the number; needed unless it is unique in the world.

    Raises:
        BadInput: unknown scheme, no number, no issuer, or a GS1 key that names no single goods.
    """
    if scheme not in SCHEMES:
        raise BadInput(f"{scheme!r} is no kind of number; there are {', '.join(SCHEMES)}")
    value = canonical_text(text)
    if not any(c.isalnum() for c in value) or len(value) > LONGEST:
        raise BadInput(f"{text[:50]!r} is no {scheme} number of 1 to {LONGEST} characters")
    if scheme == "gs1":
        return Identity("gs1", "", _gs1(value))
    by = "" if scheme in WORLDWIDE else canonical_text(issuer)
    if scheme not in WORLDWIDE and not by:
        raise BadInput(f"{scheme} number {text!r} needs its issuer: numbers repeat between issuers")
    return msgspec.convert({"scheme": scheme, "issuer": by, "value": value}, Identity)


def _gs1(value: str) -> str:
    keys = dict(_elements(value))
    for key, width in _KEYS.items():
        if width and key in keys:
            keys[key] = _checked(keys[key].zfill(14) if key == "01" else keys[key], width)
    if "00" in keys:
        return f"(00){keys['00']}"
    if "8004" in keys:
        return f"(8004){keys['8004']}"
    if "01" in keys and "21" in keys:
        return f"(01){keys['01']}(21){keys['21']}"
    if "01" in keys and "10" in keys:
        return f"(01){keys['01']}(10){keys['10']}"
    raise BadInput(f"GS1 key {value!r} names no single goods; it needs (00), (8004), (21) or (10)")


def _elements(value: str) -> list[tuple[str, str]]:
    if urn := _URN.fullmatch(value):
        kind, company, rest, serial = urn.groups()
        body = rest[:1] + company + rest[1:]
        whole = body + check_digit(body)
        if kind == "SSCC":
            return [("00", whole)]
        return [("01", whole), ("21", serial or "")] if serial else [("01", whole)]
    if link := _LINK.fullmatch(value):
        steps = link[1].strip("/").split("/")
        first = next((k for k, step in enumerate(steps) if step in {"00", "01", "8004"}), 0)
        return list(zip(steps[first::2], steps[first + 1 :: 2], strict=False))
    pairs = _PAIRS.findall(value)
    if "".join(f"({key}){body}" for key, body in pairs) != value:
        raise BadInput(f"{value!r} is no GS1 key; write for example (01)09521141111111(21)ABC")
    return [(key, body) for key, body in pairs]


def _checked(digits: str, width: int) -> str:
    if not (digits.isascii() and digits.isdigit() and len(digits) == width):
        raise BadInput(f"GS1 key {digits!r} has not {width} digits")
    if check_digit(digits[:-1]) != digits[-1]:
        raise BadInput(f"GS1 key {digits!r} has a wrong check digit")
    return digits
