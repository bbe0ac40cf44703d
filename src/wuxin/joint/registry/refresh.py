"""A refresh of the key's parts, led by one of the key nodes: begin, take, commit at all three.

What nodes hand each other goes through the leader, sealed for the taker and signed by the giver, so
that a leader can neither read nor change it. Committing can be repeated; until all three have done
so, banks are told to try again.
"""

import os
from typing import Any

import msgspec

from wuxin.joint.registry import group, shares
from wuxin.joint.registry.client import Carrier
from wuxin.joint.registry.roster import Node, Roster
from wuxin.joint.registry.shares import Handed
from wuxin.joint.registry.signed import Signer, read_answer
from wuxin.terms.clock import Clock
from wuxin.terms.errors import Tampered


class Leader:
    """A key node that leads a refresh.

    Args:
        signer: its name and key.
        roster: the members.
        carry: how the others, and its own server, are reached.
        clock: its clock.
    """

    def __init__(self, signer: Signer, roster: Roster, *, carry: Carrier, clock: Clock) -> None:
        self._signer, self._roster, self._carry, self._clock = signer, roster, carry, clock

    def refresh(self) -> int:
        """Refresh all parts; returns the epoch that is valid now.

        Raises:
            Conflict: a node does not answer; before the first commit nothing has changed.
            Tampered: what a node shows does not add up; nothing has changed.
        """
        nodes = self._roster.nodes
        before = {one.name: self._ask(one, "part", said={})[2] for one in nodes}
        begun = {one.name: self._ask(one, "begin", said={}) for one in nodes}
        handed = [
            msgspec.convert(said, Handed, builtin_types=(bytes,)) for _, _, said in begun.values()
        ]
        passed = {name: [request, answer] for name, (request, answer, _) in begun.items()}
        taken = {one.name: self._ask(one, "take", said=passed)[2] for one in nodes}
        right = shares.moved({name: said["public"] for name, said in before.items()}, handed)
        for name, said in taken.items():
            if said["public"] != right[name]:
                raise Tampered(f"{name} has not taken what it was handed")
        if group.summed([*right.values()]) != self._roster.public:
            raise Tampered("the parts would no longer add up to the roster's key")
        return self.commit(taken[nodes[0].name]["epoch"])

    def commit(self, epoch: int) -> int:
        """Have all nodes go over to an epoch; to be repeated where one did not answer."""
        for one in self._roster.nodes:
            self._ask(one, "commit", said={"epoch": epoch})
        return epoch

    def _ask(self, node: Node, do: str, *, said: Any) -> tuple[bytes, bytes, Any]:
        request = self._signer.request(
            node.name, do, said=said, at=self._clock(), nonce=os.urandom(16)
        )
        answer = self._carry(node, request)
        return request, answer, read_answer(answer, request, by=node.name, key=node.public)
