"""What the house itself knows about a facility: the facts at which the gates of a process look.

Nobody tells a fact. It is read off the contract, the books, the register of pledges, the twin and
what was said before; for how long the things of a pool have been heard is watched over time.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from wuxin.finance import pools
from wuxin.finance.account import Account
from wuxin.finance.desk import Desk
from wuxin.terms.clock import DAY
from wuxin.terms.counter import Now, Said
from wuxin.terms.names import Digest, ThingKey, thing_key
from wuxin.terms.records import Cleared, Finding, Words
from wuxin.terms.standards import Witness

FACTS: Final[Mapping[str, Words]] = {
    "agreed": Words("合同已生效", "the contract is agreed"),
    "documented": Words("资料已按摘要存档", "papers are on file by their digest"),
    "valued": Words("押品已估值", "the pool is valued"),
    "covered": Words("可贷价值足以覆盖贷款", "the lendable value covers the loan"),
    "pledged": Words("押品均已登记质押", "every thing of the pool is pledged in the register"),
    "identified": Words("押品均有自身编号", "every thing of the pool has a number of its own"),
    "insured": Words("押品均在保", "every thing of the pool is insured"),
    "no_open_call": Words("没有未了结的追保", "no margin call is open"),
    "call_overdue": Words("追保已逾期", "a margin call is overdue"),
    "no_red_finding": Words("没有红色预警", "no red warning stands"),
    "devices_installed": Words("监管设备已安装", "the devices of supervision are installed"),
    "devices_reporting": Words("监管设备正在上报", "the devices of supervision are reporting"),
    "devices_commissioned": Words("监管设备已调试", "the devices of supervision are commissioned"),
    "data_accepted": Words(
        "约定时长内数据连续有效", "data came without a gap for the agreed time"
    ),
    "disbursed": Words("已放款", "the loan is paid out"),
    "settled": Words("款项结清", "nothing is owed any more"),
}  # fmt: skip
"""Every fact that the house knows, in words: what a process may need, or ask at a gateway."""

_AT_WORK: Final = ("commissioned", "in_service")
_INSTALLED: Final = ("installed", *_AT_WORK)
_GONE: Final = "retired"
_SILENCE: Final = "silence"

More = Callable[[str, Now], Mapping[str, bool]]
"""Facts that another counter knows of a facility, by name."""


class Facts:
    """The facts of facilities, with what must be remembered to know them.

    Args:
        desk: the facilities, with the register of pledges.
    """

    def __init__(self, desk: Desk) -> None:
        self.more: list[More] = []
        self._desk = desk
        self._since: dict[str, dict[ThingKey, int]] = {}
        self._red: dict[Digest, tuple[str, ThingKey]] = {}

    def __call__(self, facility: str, now: Now) -> dict[str, bool]:
        """The facts of a facility at an occasion, by name; nothing is changed by asking.

        Raises:
            NotFound: there is no such facility.
        """
        account = self._desk.account(facility)
        found = {
            **_of_contract(account), **_of_pledges(account, now),
            **self._of_supervision(account, now),
            "no_red_finding": not self._is_red(account, now),
        }  # fmt: skip
        for ask in self.more:
            found |= ask(facility, now)
        return found

    # ---- what is watched -------------------------------------------------------------------

    def watch(self, facility: str, now: Now) -> None:
        """See which things of a pool are heard, and since when; forget those that are not."""
        account = self._desk.account(facility)
        since = self._since.setdefault(facility, {})
        for thing in [*since]:
            if thing not in account.members:
                del since[thing]
        for thing in sorted(account.members):
            self._look(since, thing, now=now)

    def forget(self, facility: str) -> None:
        """Watch a facility no longer."""
        self._since.pop(facility, None)

    def hear(self, said: Said, now: Now) -> None:
        """Silence ends what was continuous, a device's new state begins it; red findings stand."""
        if isinstance(said, Cleared):
            self._red.pop(said.finding, None)
        elif isinstance(said, Finding):
            if said.level == "red":
                self._red[said.id] = (now.pack.name, said.thing)
            if said.rule == _SILENCE:
                for since in self._since_of(said.thing, now):
                    since.pop(said.thing, None)
        elif said.kind == "device" and said.figures.get("thing"):
            thing = thing_key(said.figures["thing"])
            for since in self._since_of(thing, now):
                self._look(since, thing, now=now)

    def freeze(self) -> Any:
        """What is remembered, as plain values."""
        since = {name: sorted([*thing, at] for thing, at in heard.items())
                 for name, heard in self._since.items()}  # fmt: skip
        red = [[finding, pack, *thing] for finding, (pack, thing) in self._red.items()]
        return msgspec.to_builtins({"since": since, "red": red})

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        self._since = {
            name: {ThingKey(kind, ident): at for kind, ident, at in heard}
            for name, heard in kept["since"].items()
        }
        self._red = {
            Digest(finding): (pack, ThingKey(kind, ident))
            for finding, pack, kind, ident in kept["red"]
        }

    def _since_of(self, thing: ThingKey, now: Now) -> Iterator[dict[ThingKey, int]]:
        for name, since in self._since.items():
            account = self._desk.accounts[name]
            if thing in account.members and account.terms.pack in {now.pack.name, ""}:
                yield since

    def _look(self, since: dict[ThingKey, int], thing: ThingKey, *, now: Now) -> None:
        heard = [w for w in now.twin.witnesses(thing) if _counts(w) and _is_fresh(w, now.at)]
        if not heard:
            since.pop(thing, None)
        elif thing not in since:
            since[thing] = min(max(w.heard or 0, w.since) for w in heard)

    # ---- what is asked ---------------------------------------------------------------------

    def _of_supervision(self, account: Account, now: Now) -> dict[str, bool]:
        """What devices are there and have delivered; nothing holds of a pool without things."""
        seen = {thing: now.twin.witnesses(thing) for thing in sorted(account.members)}
        since = self._since.get(account.terms.id, {})
        days = account.terms.supervision_days * DAY

        def every(holds: Callable[[Witness], bool]) -> bool:
            return bool(seen) and all(any(map(holds, found)) for found in seen.values())

        lasted = all(thing in since and now.at - since[thing] >= days for thing in seen)
        return {
            "devices_installed": every(lambda w: w.state in _INSTALLED or _is_recorded(w)),
            "devices_reporting": every(lambda w: w.state != _GONE and _is_fresh(w, now.at)),
            "devices_commissioned": every(lambda w: w.state in _AT_WORK or _is_recorded(w)),
            "data_accepted": lasted and every(lambda w: _counts(w) and _is_fresh(w, now.at)),
        }

    def _is_red(self, account: Account, now: Now) -> bool:
        return any(
            account.terms.id in self._desk.facilities_of(thing, now)
            for pack, thing in self._red.values()
            if thing.kind == "facility" or pack == now.pack.name
        )


def _of_contract(account: Account) -> dict[str, bool]:
    """What contract, valuation and ledger say."""
    figures, owed = account.figures, account.figures.exposure
    owed = owed if account.is_paid_out else account.terms.principal
    return {
        "agreed": bool(account.opening) and not account.disposed and not account.loan.written_off,
        "valued": not figures.missing,
        "covered": figures.lendable is not None and owed <= figures.lendable,
        "no_open_call": not account.calls,
        "call_overdue": account.is_overdue,
        "disbursed": account.is_paid_out,
        "settled": account.is_paid_out and account.loan.owed == 0,
    }


def _of_pledges(account: Account, now: Now) -> dict[str, bool]:
    """What the register of pledges says of the things of the pool."""
    held = pools.held(account, now.at)
    pledges = [held.get(thing) for thing in sorted(account.members)]
    there = [pledge for pledge in pledges if pledge is not None]
    whole = bool(pledges) and len(there) == len(pledges)
    return {
        "pledged": whole,
        "identified": whole and all(
            any(not one.issuer.startswith(pools.AUTOMATIC) for one in pledge.identities)
            for pledge in there
        ),
        "insured": whole and all(
            pledge.insurance is not None and pledge.insurance.ends > now.at for pledge in there
        ),
        "documented": whole and all(pledge.documents for pledge in there),
    }  # fmt: skip


def _is_recorded(witness: Witness) -> bool:
    """Whether a recording speaks for itself: no device is registered, and it has been heard."""
    return not witness.state and not witness.trust and witness.heard is not None


def _is_fresh(witness: Witness, at: int) -> bool:
    return witness.heard is not None and at - witness.heard <= witness.allowed


def _counts(witness: Witness) -> bool:
    """Whether what it says is accepted data: a device counts from its commissioning on."""
    return not witness.state or witness.state in _AT_WORK
