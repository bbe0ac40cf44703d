"""What is written in an RFID tag: EPC codes of GS1 keys, from bits to names and back.

    header 8 | filter 3 | partition 3 | company prefix | reference | serial

The partition says how many digits the company prefix has, 12 to 6, and with them how many bits; the
reference has what is left of them.

The longer forms that came with the standard's version 2.0 (SGTIN+ and others) are not read.

Source: GS1 EPC Tag Data Standard 2.3 §14.6 (binary coding tables; in 1.13 §14.5), §14.2 (headers),
§6.3 (URIs), §7 (GS1 keys and element strings), Annex E.3 (examples); GS1 General Specifications
§7.9.1 (check digit).
"""

import re
from typing import Any, Final, NamedTuple

from wuxin.protocols.octets import BadFrame
from wuxin.terms.errors import BadInput

_COMPANY_BITS: Final = (40, 37, 34, 30, 27, 24, 20)
_TEXT: Final = re.compile(r"[!\"%&'()*+,\-./0-9:;<=>?A-Z_a-z]+")
_ESCAPED: Final = {sign: f"%{ord(sign):02X}" for sign in '"%&/<>?'}


class _Scheme(NamedTuple):
    """One form: bits of prefix and reference, digits of both, bits of the serial, if text."""

    name: str
    bits: int
    key_bits: int
    digits: int
    serial_bits: int
    is_text: bool = False


_SCHEMES: Final = {
    0x2C: _Scheme("gdti-96", 96, 41, 12, 41),
    0x2D: _Scheme("gsrn-96", 96, 58, 17, 0),
    0x30: _Scheme("sgtin-96", 96, 44, 13, 38),
    0x31: _Scheme("sscc-96", 96, 58, 17, 0),
    0x32: _Scheme("sgln-96", 96, 41, 12, 41),
    0x33: _Scheme("grai-96", 96, 44, 12, 38),
    0x34: _Scheme("giai-96", 96, 82, 0, 0),
    0x36: _Scheme("sgtin-198", 198, 44, 13, 140, is_text=True),
    0x37: _Scheme("grai-170", 170, 44, 12, 112, is_text=True),
    0x38: _Scheme("giai-202", 202, 188, 0, 0, is_text=True),
    0x39: _Scheme("sgln-195", 195, 41, 12, 140, is_text=True),
}
_HEADERS: Final = {scheme.name: header for header, scheme in _SCHEMES.items()}
_DEEP: Final = 14
"""Bits of header, filter and partition."""


def check_digit(digits: str) -> str:
    """The last digit of a GS1 key: three times every second digit from the right, to a ten."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def read(data: bytes) -> dict[str, Any]:
    """What the EPC memory of a tag says.

    Args:
        data: the code; bits after its own must be zero.

    Returns:
        ``scheme``, ``filter``, ``company``, ``reference``, ``serial`` (where it has one), ``uri``
        (pure identity), ``tag_uri``, and the GS1 key under its name (``gtin``, ``sscc`` …).

    Raises:
        BadFrame: the form is not known, or the bits are no code of it.
    """
    scheme = _SCHEMES.get(data[0]) if data else None
    if scheme is None:
        raise BadFrame("the header is that of no EPC form that is known here", "bit 0")
    if len(data) * 8 < scheme.bits:
        raise BadFrame(f"{scheme.name} has {scheme.bits} bits, not {len(data) * 8}", "bit 0")
    number, size = int.from_bytes(data, "big"), len(data) * 8

    def bits(start: int, count: int) -> int:
        return number >> size - start - count & (1 << count) - 1

    partition = bits(11, 3)
    if partition > 6:
        raise BadFrame("partition 7 is reserved", "bit 11")
    width = _COMPANY_BITS[partition]
    company = _decimal(bits(_DEEP, width), 12 - partition, what="the company prefix", at=_DEEP)
    at = _DEEP + width
    rest = scheme.key_bits - width
    if scheme.digits:
        digits = scheme.digits - len(company)
        reference = _decimal(bits(at, rest), digits, what="the reference", at=at)
        serial_at = _DEEP + scheme.key_bits
        serial = _serial(bits(serial_at, scheme.serial_bits), scheme, at=serial_at)
        end = serial_at + scheme.serial_bits
    else:
        reference, serial, end = (
            _serial_of(bits(at, rest), scheme, width=rest, at=at),
            "",
            at + rest,
        )
    if bits(end, size - end):
        raise BadFrame("bits after the code are not zero", f"bit {end}")
    return _named(scheme, bits(8, 3), company=company, reference=reference, serial=serial)


def _decimal(value: int, digits: int, *, what: str, at: int) -> str:
    if value >= 10**digits and (digits or value):
        raise BadFrame(f"{what} has more than {digits} digits", f"bit {at}")
    return str(value).zfill(digits) if digits else ""


def _serial(value: int, scheme: _Scheme, *, at: int) -> str:
    if not scheme.serial_bits:
        return ""
    return _serial_of(value, scheme, width=scheme.serial_bits, at=at)


def _serial_of(value: int, scheme: _Scheme, *, width: int, at: int) -> str:
    """A number, or a text of 7 bits a character that ends with the first zero."""
    if not scheme.is_text:
        return str(value)
    value >>= width % 7
    signs = [value >> 7 * i & 127 for i in reversed(range(width // 7))]
    text = "".join(map(chr, signs)).rstrip("\0")
    if not _TEXT.fullmatch(text):
        raise BadFrame("the serial has a character that GS1 does not allow, or none", f"bit {at}")
    return text


def _escape(text: str) -> str:
    return "".join(_ESCAPED.get(sign, sign) for sign in text)


def _named(
    scheme: _Scheme, filter_value: int, *, company: str, reference: str, serial: str
) -> dict[str, Any]:
    kind = scheme.name.partition("-")[0]
    parts = [company, reference if scheme.digits else _escape(reference)]
    if scheme.serial_bits:
        parts.append(_escape(serial))
    dotted = ".".join(parts)
    found: dict[str, Any] = {
        "scheme": scheme.name, "filter": filter_value, "company": company, "reference": reference,
        "uri": f"urn:epc:id:{kind}:{dotted}",
        "tag_uri": f"urn:epc:tag:{scheme.name}:{filter_value}.{dotted}",
    }  # fmt: skip
    if scheme.serial_bits:
        found["serial"] = serial
    return found | _key(kind, company=company, reference=reference)


def _key(kind: str, *, company: str, reference: str) -> dict[str, str]:
    """The GS1 key: the first digit of some references stands before the company prefix."""
    if kind == "giai":
        return {"giai": company + reference}
    if kind in ("sgtin", "sscc"):
        digits = reference[:1] + company + reference[1:]
        return {"gtin" if kind == "sgtin" else "sscc": digits + check_digit(digits)}
    digits = company + reference
    return {"gln" if kind == "sgln" else kind: digits + check_digit(digits)}


def write(tag_uri: str) -> bytes:
    """The bits of a tag, for simulators and tests.

    Args:
        tag_uri: such as ``urn:epc:tag:sgtin-96:3.0614141.812345.6789``; texts not escaped.

    Raises:
        BadInput: the name is of no form, or does not fit into it.
    """
    name, _, dotted = tag_uri.removeprefix("urn:epc:tag:").partition(":")
    scheme = _SCHEMES[_HEADERS[name]] if name in _HEADERS else None
    parts = dotted.split(".", 3)
    if scheme is None or len(parts) != (4 if scheme.serial_bits else 3):
        raise BadInput(f"{tag_uri!r} is the name of no tag")
    filter_value, company, reference, *serial = parts
    partition = 12 - len(company)
    if not 0 <= partition <= 6 or not company.isdecimal():
        raise BadInput(f"{company!r} is no company prefix of 6 to 12 digits")
    width = _COMPANY_BITS[partition]
    rest = scheme.key_bits - width
    out = _HEADERS[name] << 6 | int(filter_value) << 3 | partition
    out = out << width | int(company)
    out = out << rest | (
        int(reference or 0) if scheme.digits else _packed(reference, rest, is_text=scheme.is_text)
    )
    if serial:
        packed = _packed(serial[0], scheme.serial_bits, is_text=scheme.is_text)
        out = out << scheme.serial_bits | packed
    used = _DEEP + scheme.key_bits + scheme.serial_bits
    whole = -(-scheme.bits // 16) * 16
    try:
        data = (out << whole - used).to_bytes(whole // 8, "big")
        if read(data)["tag_uri"] == tag_uri.replace(dotted, _escape(dotted)):
            return data
    except (OverflowError, BadFrame):
        pass
    raise BadInput(f"{tag_uri!r} does not fit into its form")


def _packed(text: str, width: int, *, is_text: bool) -> int:
    if not is_text:
        return int(text) if text.isdecimal() else 1 << width
    value = 0
    for sign in text.ljust(width // 7, "\0"):
        value = value << 7 | ord(sign)
    return value << width % 7
