"""A key node: multiplies what banks blinded by its part of the key, and proves that it did.

It learns who asks, when and for how many tags. It cannot see numbers, and cannot make a tag.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from wuxin.joint.registry import group, oprf, shares
from wuxin.joint.registry.chain import Chain
from wuxin.joint.registry.group import Scalar
from wuxin.joint.registry.limits import Limits
from wuxin.joint.registry.roster import Roster
from wuxin.joint.registry.shares import Given, Handed, Part
from wuxin.joint.registry.signed import Desk, Message, Signer, read_answer, sealing_key
from wuxin.terms.clock import Clock
from wuxin.terms.durable import UNFINISHED, settle
from wuxin.terms.errors import BadInput, Forbidden, Refused

MOST: Final = 10_000
"""Elements of one request."""


class KeyNode:
    """A key node at work.

    Args:
        signer: its name and key.
        roster: the members.
        folder: where its part and its log are kept, readable by its own institution alone.
        clock: its clock.
    """

    def __init__(self, signer: Signer, roster: Roster, *, folder: Path, clock: Clock) -> None:
        self._signer, self._roster, self._folder, self._clock = signer, roster, folder, clock
        self.name = signer.name
        roster.node(self.name)
        nodes = {one.name: one.public for one in roster.nodes}
        self._nodes = frozenset(nodes)
        self._desk = Desk(self.name, {**roster.members, **nodes})
        self._limits = Limits(roster.policy.an_hour, roster.policy.burst)
        self._log = Chain(folder / "log.jsonl")
        self._part = load(folder / "part")
        self._given: Given | None = None
        self._does: Mapping[str, Callable[[Message], Any]] = {
            "evaluate": self._evaluate, "part": self._public, "begin": self._begin,
            "take": self._take, "commit": self._commit,
        }  # fmt: skip

    def handle(self, data: bytes) -> bytes:
        """The signed answer to a request, which is a refusal where it cannot be served."""
        now = self._clock()
        sender, do, count = "", "", 0
        try:
            message = self._desk.open(data, now)
            sender, do = message.sender, message.do
            if do not in self._does:
                raise BadInput(f"a key node does {', '.join(self._does)}, not {do!r}")
            count = _count(message)
            said = self._does[do](message)
        except Refused as wrong:
            self._log.add(at=now, who=sender, do=do, count=count, refused=str(wrong))
            return self._signer.refusal(data, wrong, at=now)
        self._log.add(at=now, who=sender, do=do, count=count, request=message.id)
        return self._signer.answer(data, said, at=now)

    def _evaluate(self, message: Message) -> Any:
        if message.sender in self._nodes:
            raise Forbidden("key nodes make no tags; banks do")
        found = message.said.get("elements")
        if not isinstance(found, list) or not 0 < len(found) <= MOST:
            raise BadInput(f"a request has 1 to {MOST} elements")
        self._limits.take(message.sender, len(found), now=self._clock())
        asked = [group.element(one) for one in found]
        key = Scalar(self._part.secret)
        given = oprf.evaluate(key, asked)
        proof = oprf.prove(key, self._part.public, asked=asked, given=given)
        return {"epoch": self._part.epoch, "given": [*given], "proof": [*proof]}

    def _public(self, message: Message) -> Any:
        del message
        return {"epoch": self._part.epoch, "public": self._part.public}

    # ---- refresh, led by one of the nodes --------------------------------------------------

    def _begin(self, message: Message) -> Any:
        self._led(message)
        others = {
            one.name: sealing_key(one.public) for one in self._roster.nodes if one.name != self.name
        }
        self._given, handed = shares.hand_out(self.name, others, epoch=self._part.epoch + 1)
        return msgspec.to_builtins(handed, builtin_types=(bytes,))

    def _take(self, message: Message) -> Any:
        self._led(message)
        if self._given is None:
            raise BadInput(f"{self.name} has not begun a refresh")
        handed = []
        for name, (request, answer) in message.said.items():
            if name != self.name:
                said = read_answer(answer, request, by=name, key=self._roster.node(name).public)
                handed.append(msgspec.convert(said, Handed, builtin_types=(bytes,)))
        pending = shares.refreshed(
            self._part, self._given, me=self.name, handed=handed, key=self._signer.opener
        )
        keep(self._folder / "pending", pending)
        return {"epoch": pending.epoch, "public": pending.public}

    def _commit(self, message: Message) -> Any:
        """Go over to the next epoch; said twice it changes nothing."""
        self._led(message)
        epoch, pending = message.said["epoch"], self._folder / "pending"
        if self._part.epoch != epoch:
            part = load(pending)
            if part.epoch != epoch:
                raise BadInput(f"{self.name} waits for epoch {part.epoch}, not {epoch}")
            keep(self._folder / "part", part)
            pending.unlink()
            self._part, self._given = part, None
        return {"epoch": self._part.epoch, "public": self._part.public}

    def _led(self, message: Message) -> None:
        if message.sender not in self._nodes:
            raise Forbidden("a refresh is led by a key node")


def keep(path: Path, part: Part) -> None:
    """Write a part to its file, whole or not at all, readable by its owner alone."""
    fresh = path.with_name(f"{path.name}{UNFINISHED}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.msgpack.encode(part))
    settle(fresh, path)


def load(path: Path) -> Part:
    """A part from its file.

    Raises:
        BadInput: there is none.
    """
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=Part)
    except (OSError, msgspec.DecodeError) as wrong:
        raise BadInput(f"there is no part of the key in {path}: {wrong}") from None


def _count(message: Message) -> int:
    found = message.said.get("elements", ()) if isinstance(message.said, dict) else ()
    return len(found) if isinstance(found, list) else 0
