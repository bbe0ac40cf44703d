"""A bank's whole book for the nightly hidden check over all banks, as identifiers in one form.

The check itself is :mod:`wuxin.joint.programs.matching`; owners hash these identifiers with
:func:`wuxin.joint.algorithms.keys.hashed`, and each bank receives flags for its own rows alone.
"""

from collections.abc import Iterable, Mapping, Sequence

from wuxin.joint.registry.numbers import keys, lot
from wuxin.joint.registry.place import shifted
from wuxin.terms.pledging import Claim


def identifiers(
    claims: Iterable[Claim], issuers: Mapping[str, str] | None = None
) -> dict[str, list[int]]:
    """What a book is known by, and the claims behind each identifier.

    Args:
        claims: a bank's book.
        issuers: see :func:`wuxin.joint.registry.numbers.keys`.

    Returns:
        Indices of claims by identifier, each identifier once, as the hashing wants them. Place and
        weight give eight a claim, of which near lots share at least one.
    """
    found: dict[str, list[int]] = {}
    for row, claim in enumerate(claims):
        texts = [key.text for key in keys(claim, issuers).own if key.exact]
        place = lot(claim)
        texts += shifted(place) if place is not None else []
        for text in dict.fromkeys(texts):
            found.setdefault(text, []).append(row)
    return found


def flagged(flags: Sequence[int], rows: Mapping[str, Sequence[int]]) -> dict[int, list[str]]:
    """The claims that another bank has too, and by which identifiers.

    Args:
        flags: what the bank received, one for each identifier, in the order of ``rows``.
        rows: of :func:`identifiers`.
    """
    found: dict[int, list[str]] = {}
    for flag, (text, claims) in zip(flags, rows.items(), strict=True):
        for row in claims if flag else ():
            found.setdefault(row, []).append(text)
    return found
