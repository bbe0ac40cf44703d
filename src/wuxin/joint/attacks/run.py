"""All attacks on one table, and the same tasks through the wing."""

import msgspec

from wuxin.joint.attacks import embedding, gradients, labels, sets
from wuxin.joint.attacks.shown import Shown, Through
from wuxin.joint.extra import need
from wuxin.joint.split import Split


class Result(msgspec.Struct, frozen=True):
    """What the attacks show, and what the wing opens for the same tasks; empty if not asked."""

    attacks: list[Shown]
    wing: list[Through]


def run(split: Split, *, wing: bool = True) -> Result:
    """Run all attacks.

    Args:
        split: a table of two parties.
        wing: whether to run the same tasks on shares as well.

    Raises:
        BadInput: the wing is asked for and the optional extra is not installed.
    """
    if wing:
        need("spu")
    shown = [
        gradients.one_record(split), gradients.eight_records(split), embedding.categories(split),
        labels.cut_layer(split), labels.encrypted(split), sets.intersection(split),
        sets.guessing(),
    ]  # fmt: skip
    return Result(shown, _through(split) if wing else [])


def _through(split: Split) -> list[Through]:
    from wuxin.joint.attacks import through  # noqa: PLC0415 - JAX is of the optional extra

    return [through.train(split), through.count(split), through.tag()]
