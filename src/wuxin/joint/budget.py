"""What noisy results over each owner's tables have cost so far, and what they may.

A node counts the epsilon of every contract it starts against the tables that the contract names.
Losses add up (Dwork and Roth, The Algorithmic Foundations of Differential Privacy, 2014, §3.5).
Contracts with other nodes are not known here: an owner that sets a budget stays with one triple.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from wuxin.joint.contract import Contract, Input, from_plain
from wuxin.terms.errors import Forbidden

_ROUNDING: Final = 1e-9


class Budgets:
    """Epsilon spent by owner's key and table, from a node's own records.

    Args:
        records: of the node, in order, as :class:`wuxin.terms.ports.Evidence` gives them.
    """

    def __init__(self, records: Iterable[tuple[str, Mapping[str, Any]]] = ()) -> None:
        self._spent: dict[tuple[str, str], float] = {}
        known: dict[str, Contract] = {}
        for kind, said in records:
            if kind == "joint-contract":
                known[said["contract"]] = from_plain(said["signed"]).contract
            elif kind == "joint-start":
                self.spend(known[said["contract"]])

    def spend(self, contract: Contract) -> None:
        """Count a contract that has started; what fails afterwards may have shown something."""
        for table in contract.inputs:
            key = _key(contract, table)
            self._spent[key] = self._spent.get(key, 0.0) + contract.epsilon

    def check(self, contract: Contract) -> None:
        """Refuse a contract that costs more than is left.

        Raises:
            Forbidden: the sentence names the table, what was spent and what is asked.
        """
        for table in contract.inputs:
            if not table.budget:
                continue
            if not contract.epsilon:
                raise Forbidden(
                    f"{table.party} has set a privacy budget on {table.table}, and the contract "
                    "asks for results without noise"
                )
            spent = self._spent.get(_key(contract, table), 0.0)
            if spent + contract.epsilon > table.budget + _ROUNDING:
                raise Forbidden(
                    f"of the privacy budget {table.budget:g} on {table.table} of {table.party} "
                    f"{spent:g} is spent, and the contract asks for {contract.epsilon:g}"
                )


def _key(contract: Contract, table: Input) -> tuple[str, str]:
    return contract.party(table.party).key, table.table
