"""What two banks write differently and mean alike, brought to one text before it is hashed.

Full and half width, case, separators, labels such as 仓单号, O for 0 and I or L for 1 are folded.
A warehouse is known by its unified social credit code; where only a name is given, by the name
without its legal form, or by the code that the registry's members have agreed on for that name.

Folding can make two numbers of one issuer alike that differ in such a character alone; that is a
false alarm which a call settles, where the other way round is a loan lost. Leading zeros count:
they are part of a receipt's number.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from wuxin.joint.registry.place import Lot, near, spot
from wuxin.terms.errors import BadInput
from wuxin.terms.pledging import Claim, GoodsNumber
from wuxin.terms.records import Words
from wuxin.terms.written import (
    canonical_text,
    is_credit_code,
    is_vin,
    luhn_checks,
    vin_checks,
)

WORLDWIDE: Final = ("tag", "gs1")
"""Schemes whose numbers are unique without an issuer."""

_LABEL: Final = re.compile(
    r"^(?:[\u4e00-\u9fff]{0,6}?(?:编号|号码|代码|号))?[.:#-]*"
    r"(?:(?:WAREHOUSERECEIPT|RECEIPT|SERIAL|LOT|VIN|IMEI|S/N|SN|W/R)(?=[^A-Z]))?"
    r"(?:(?:NUMBER|NO)(?=[^A-Z])|№)?[.:#№-]*"
)
_LOOKS: Final = str.maketrans("OIL", "011")
_VIN_LOOKS: Final = str.maketrans("OIQ", "010")
_FORM: Final = re.compile(
    r"(?:股份)?有限(?:责任)?公司$|集团公司$|公司$"
    r"|(?:CO|COMPANY)\.?,?(?:LTD|LIMITED)\.?$|(?:LTD|LIMITED|INC|LLC|GMBH|PLC|CORP)\.?$"
)


class Key(msgspec.Struct, frozen=True):
    """One text that a tag is made of, and the number it comes from.

    ``exact`` is false for place and weight, which two different lots may share.
    """

    text: str
    of: str
    exact: bool = True


class Keys(msgspec.Struct, frozen=True):
    """The keys of a claim.

    ``own`` are entered in the registry; ``near`` are looked up as well, since a lot that is
    weighed twice may fall into a neighbouring cell. ``doubts`` are said to whoever entered the
    number: a check digit that is wrong.
    """

    own: tuple[Key, ...]
    near: tuple[Key, ...] = ()
    doubts: tuple[Words, ...] = ()


def keys(claim: Claim, issuers: Mapping[str, str] | None = None) -> Keys:
    """All keys of a claim, each once.

    Args:
        claim: the goods.
        issuers: credit codes by the folded names of issuers, as the members have agreed on.

    Raises:
        BadInput: a number is empty, or the claim has nothing another bank could know it by.
    """
    own: list[Key] = []
    doubts: list[Words] = []
    for number in claim.numbers:
        key, doubt = number_key(number, issuers or {})
        own.append(key)
        doubts += doubt
    own += [Key(f"document|{one}", f"document {one[:12]}") for one in claim.documents]
    place, close = lot(claim), tuple[Key, ...]()
    if place is not None:
        said = "place and weight"
        own.append(Key(spot(place), said, exact=False))
        others = (Key(text, said, exact=False) for text in near(place))
        close = tuple(key for key in others if key not in own)
    if not own:
        raise BadInput(f"pledge {claim.pledge!r} has no number another bank could know it by")
    return Keys(tuple(dict.fromkeys(own)), close, tuple(doubts))


def lot(claim: Claim) -> Lot | None:
    """Place and weight of a claim, where it has both."""
    if claim.latitude_deg is None or claim.longitude_deg is None or not claim.weight_g:
        return None
    return Lot(claim.latitude_deg, claim.longitude_deg, claim.weight_g)


def number_key(number: GoodsNumber, issuers: Mapping[str, str]) -> tuple[Key, Iterable[Words]]:
    """The key of one number, and what is doubtful about it.

    Raises:
        BadInput: nothing of it is left.
    """
    said = str(number)
    bare = _LABEL.sub("", canonical_text(number.value))
    letters = "".join(c for c in bare if c.isalnum())
    if not letters:
        raise BadInput(f"{number.value[:50]!r} is no {number.scheme} number")
    vin = letters.translate(_VIN_LOOKS)
    if number.scheme == "serial" and is_vin(vin):
        return Key(f"vin|{vin}", said), _vin_doubt(vin)
    if number.scheme == "box" and letters.isdigit() and len(letters) == 15:
        return Key(f"imei|{letters}", said), _imei_doubt(letters)
    folded = letters.translate(_LOOKS)
    if number.scheme in WORLDWIDE:
        return Key(f"{number.scheme}|{folded}", said), ()
    return Key(f"{number.scheme}|{issuer(number.issuer, issuers)}|{folded}", said), ()


def issuer(text: str, issuers: Mapping[str, str]) -> str:
    """Who gave a number: the credit code where it is there or agreed on, else the folded name."""
    folded = canonical_text(text)
    letters = "".join(c for c in folded if c.isalnum())
    if is_credit_code(letters):
        return letters
    shorter = _FORM.sub("", folded)
    while shorter not in {"", folded}:
        folded, shorter = shorter, _FORM.sub("", shorter)
    name = "".join(c for c in folded if c.isalnum())
    return issuers.get(name, name)


def _vin_doubt(vin: str) -> Iterable[Words]:
    if vin_checks(vin):
        return ()
    zh = f"车架号 {vin} 的校验位不符（欧洲车可以没有校验位）：请对照实车"
    en = f"VIN {vin} has no valid check digit (European ones may have none): compare the vehicle"
    return (Words(zh, en),)


def _imei_doubt(digits: str) -> Iterable[Words]:
    if luhn_checks(digits):
        return ()
    zh = f"定位盒 IMEI {digits} 的校验位不符：请对照设备"
    return (Words(zh, f"IMEI {digits} has a wrong check digit: compare the box"),)
