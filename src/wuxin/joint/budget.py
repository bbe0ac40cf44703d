"""What noisy results over each owner's tables have cost so far, and what they may.

A node counts the epsilon of every contract it starts against the owners of its tables.
Losses add up (Dwork and Roth, The Algorithmic Foundations of Differential Privacy, 2014, §3.5).
Contracts with other nodes are not known here: an owner that sets a budget stays with one triple.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from wuxin.joint.contract import Contract, from_plain
from wuxin.terms.errors import Forbidden

_ROUNDING: Final = 1e-9


class Budgets:
    """Epsilon spent by owner, from a node's own records, and the shares that were used.

    An owner is its key: what a table is called, or that rows come again in another one, takes
    nothing off. A budget that was set holds until its owner signs another.

    Args:
        records: of the node, in order, as :class:`wuxin.terms.ports.Evidence` gives them.
    """

    def __init__(self, records: Iterable[tuple[str, Mapping[str, Any]]] = ()) -> None:
        self._spent: dict[str, float] = {}
        self._limits: dict[str, float] = {}
        self._used = set[tuple[str, ...]]()
        known: dict[str, Contract] = {}
        for kind, said in records:
            if kind == "joint-contract":
                known[said["contract"]] = from_plain(said["signed"]).contract
            elif kind == "joint-start":
                self.spend(known[said["contract"]])

    def spend(self, contract: Contract) -> None:
        """Count a contract that has started; what fails afterwards may have shown something."""
        for owner in {contract.party(table.party).key for table in contract.inputs}:
            self._spent[owner] = self._spent.get(owner, 0.0) + contract.epsilon
        for table in contract.inputs:
            if table.budget:
                self._limits[contract.party(table.party).key] = table.budget
            self._used.add(table.parts)

    def check(self, contract: Contract) -> None:
        """Refuse a contract that costs more than is left, or that draws noise a second time.

        Raises:
            Forbidden: the sentence names the table, what was spent and what is asked.
        """
        for table in contract.inputs:
            owner = contract.party(table.party).key
            if contract.epsilon and table.parts in self._used:
                raise Forbidden(
                    f"the chance in {table.table} of {table.party} has drawn noise before, which "
                    "would be taken off by comparing: commit to it anew"
                )
            budget = table.budget or self._limits.get(owner, 0.0)
            if not budget:
                continue
            if not contract.epsilon:
                raise Forbidden(
                    f"{table.party} has set a privacy budget on {table.table}, and the contract "
                    "asks for results without noise"
                )
            spent = self._spent.get(owner, 0.0)
            if spent + contract.epsilon > budget + _ROUNDING:
                raise Forbidden(
                    f"of the privacy budget {budget:g} of {table.party} on {table.table} "
                    f"{spent:g} is spent, and the contract asks for {contract.epsilon:g}"
                )
