"""What an attack shows."""

import msgspec

from wuxin.terms.records import Words


class Shown(msgspec.Struct, frozen=True):
    """One attack: what is seen by the protocol, what is worked out, and with which success.

    ``figures`` are the measured successes; ``limit`` says where the attack ends, honestly.
    ``task`` names the program of the wing that does the same (see :mod:`.through`).
    """

    name: Words
    sees: Words
    gets: Words
    figures: dict[str, float]
    limit: Words
    task: str
    source: str


class Through(msgspec.Struct, frozen=True):
    """A task in the wing: all that it opens, as ``name type (where)``, and how well it does it."""

    task: str
    opens: tuple[str, ...]
    figures: dict[str, float]
    words: Words
