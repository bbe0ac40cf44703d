"""How a number that people write is brought to one form: characters first, check digits after."""

import re
import unicodedata
from typing import Final

_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212\ufe58\ufe63\uff0d\u30fc]")
_VIN: Final = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_VALUES: Final = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True)
)
_VIN_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_CREDIT: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def canonical_text(text: str) -> str:
    """NFKC, capitals, one kind of dash, without blanks and invisible characters."""
    folded = _DASHES.sub("-", unicodedata.normalize("NFKC", text).upper())
    kept = (c for c in folded if unicodedata.category(c)[0] not in "CZ")
    return unicodedata.normalize("NFKC", "".join(kept))


def check_digit(body: str) -> str:
    """The check digit of a GS1 key without it; GS1 General Specifications 7.9.1."""
    total = sum(int(c) * (3 if k % 2 == 0 else 1) for k, c in enumerate(reversed(body)))
    return str(-total % 10)


def is_vin(text: str) -> bool:
    """Whether it has the form of a vehicle identification number: 17 characters, no I, O, Q."""
    return _VIN.fullmatch(text) is not None


def vin_checks(vin: str) -> bool:
    """Whether the ninth character of a VIN is its check digit (GB 16735, 49 CFR 565.15(c))."""
    total = sum(
        weight * (int(c) if c.isdigit() else _VIN_VALUES[c])
        for weight, c in zip(_VIN_WEIGHTS, vin, strict=True)
    )
    return vin[8] == "0123456789X"[total % 11]


def luhn_checks(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit; ISO/IEC 7812-1 Annex B, as for an IMEI."""
    doubled = [int(c) * (2 if k % 2 else 1) for k, c in enumerate(reversed(digits))]
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def is_credit_code(text: str) -> bool:
    """Whether it is a unified social credit code with its check character (GB 32100)."""
    if len(text) != 18 or any(c not in _CREDIT for c in text):
        return False
    total = sum(_CREDIT.index(c) * pow(3, k, 31) for k, c in enumerate(text[:17]))
    return _CREDIT[-total % 31] == text[17]
