"""What follows from a score, and the people who see it differently: outcome and review.

A review is a value with who, when, from what to what and why, ready to be journalled; nothing here
writes it down. No score decides alone where a person has to be heard.

Source: Regulation (EU) 2016/679, Art. 22(3) (the right to human intervention, and to contest).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from wuxin.risk.score.reasons import Scored
from wuxin.terms.clock import Nanos
from wuxin.terms.errors import BadInput

Outcome = Literal["grant", "refer", "refuse"]
HARD: Final[tuple[Outcome, ...]] = ("grant", "refer", "refuse")
"""From the friendliest to the hardest."""


class Cutoffs(msgspec.Struct, frozen=True):
    """Below ``grant`` a case is granted, from ``refuse`` on refused, between a person decides."""

    grant: float
    refuse: float


class Review(msgspec.Struct, frozen=True):
    """What a person made of a score: of which case and model, who, when, from what, to what, why.

    ``probability`` is what the person had before them; None where there was no score.
    """

    case: str
    model: str
    probability: float | None
    who: str
    at: Nanos
    was: Outcome
    now: Outcome
    why: str

    @property
    def overridden(self) -> bool:
        """Whether the person saw it differently."""
        return self.was != self.now

    def words(self) -> dict[str, str]:
        """The review as strings, as it goes on record."""
        return {
            "case": self.case,
            "model": self.model,
            "probability": "" if self.probability is None else repr(self.probability),
            "who": self.who,
            "at": str(self.at),
            "was": self.was,
            "now": self.now,
            "why": self.why,
        }


class Overrides(msgspec.Struct, frozen=True):
    """How often people differ from the score; much of either is a reason to look at the model."""

    reviews: int
    confirmed: int
    friendlier: int
    harder: int


def outcome(scored: Scored, cutoffs: Cutoffs) -> Outcome:
    """What follows from a score; where there is none, a person decides.

    Raises:
        BadInput: the cut-offs are not in order, or not probabilities.
    """
    if not 0 <= cutoffs.grant <= cutoffs.refuse <= 1:
        raise BadInput(f"Cut-offs are 0 ≤ {cutoffs.grant} ≤ {cutoffs.refuse} ≤ 1, in this order.")
    p = scored.probability
    if p is None:
        return "refer"
    if p < cutoffs.grant:
        return "grant"
    return "refuse" if p >= cutoffs.refuse else "refer"


def review(
    scored: Scored, *, case: str, was: Outcome, now: Outcome, by: tuple[str, Nanos], why: str
) -> Review:
    """Record what a person decided about a case.

    Args:
        scored: the score that the person had before them.
        case: what is decided on.
        was: what followed from the score.
        now: what the person decided; ``refer`` hands it to somebody else.
        by: who, and when, ns.
        why: the reason, in the person's own words.

    Raises:
        BadInput: there is no case, no person or no reason, or an outcome is unknown.
    """
    who, at = by
    for what, text in (("case", case), ("person", who), ("reason", why)):
        if not text.strip():
            raise BadInput(f"A review needs a {what}.")
    for each in (was, now):
        if each not in HARD:
            raise BadInput(f"An outcome is one of {', '.join(HARD)}, not {each!r}.")
    return Review(case, scored.model, scored.probability, who, at, was, now, why)


def overrides(reviews: Sequence[Review]) -> Overrides:
    """Count in which direction people differ from the score."""
    moves = Counter(
        (HARD.index(one.now) > HARD.index(one.was)) - (HARD.index(one.now) < HARD.index(one.was))
        for one in reviews
    )
    return Overrides(len(reviews), moves[0], moves[-1], moves[1])
