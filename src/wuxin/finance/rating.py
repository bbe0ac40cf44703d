"""The rating of obligors: found again at every tick and finding, and said where it changes.

    what the house knows ──► the bank's table ──► another grade? ──► credit_rerated, rating_fell

:mod:`wuxin.finance.hearing` adds what people tell, :mod:`wuxin.finance.credit` applications.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from wuxin.finance import credit_inputs as inputs
from wuxin.finance.account import Account
from wuxin.finance.credit_inputs import Asked, Input, Measured, Open
from wuxin.finance.credit_ports import Ports
from wuxin.finance.marking import Marking
from wuxin.finance.standing import Application, Standing, acts, joined
from wuxin.terms.counter import Now, Said, Silent, warn
from wuxin.terms.decisions import Row
from wuxin.terms.names import Digest, Tenant, ThingKey
from wuxin.terms.records import Act, Cause, Cleared, Finding, Level, Words

FELL: Final = "rating_fell"
CONTRADICT: Final = "claims_contradict"
"""Rules whose findings come from this counter; they are no news to it."""

OBLIGOR: Final = "obligor"
"""The kind of thing that an obligor is, in findings."""

_OWN: Final = frozenset({FELL, CONTRADICT})
_BY: Final = "rating"
_STEEP: Final = 2
"""By how many grades a rating must fall at once to be a finding."""


class Rating(Silent):
    """What is known of obligors, and their grades.

    Args:
        tenant: whose they are.
        desk: the facilities of the bank.
        ports: the decision table, the assessment and the cross-check.
    """

    name = "credit"

    def __init__(self, tenant: Tenant, desk: Marking, *, ports: Ports) -> None:
        self.tenant, self.desk, self.ports = tenant, desk, ports
        self.standings: dict[str, Standing] = {}
        self.applications: dict[str, Application] = {}
        self.said = 0
        self._machines: dict[str, dict[str, Measured]] = {}
        self._open: dict[Digest, Open] = {}
        self._against: dict[str, dict[Digest, Open]] = {}
        """The same by obligor."""

    def tick(self, now: Now) -> list[Said]:
        """Rate again whoever has a facility on this clock."""
        here = [a for a in self.desk.accounts.values()
                if a.source == now.source and now.at >= a.terms.opened]  # fmt: skip
        for account in here:
            found = inputs.measure(account.terms, now)
            if found:
                self._machines[account.terms.id] = found
        for key, one in self._open.items():
            if one.pack == now.pack.name and not one.stood:
                self._put(key, replace(one, stood=True))
        owed: dict[str, list[Account]] = {}
        for account in self.desk.accounts.values():
            owed.setdefault(account.terms.obligor, []).append(account)
        names = dict.fromkeys(account.terms.obligor for account in here)
        return [said for name in names for said in self.rate(name, now, accounts=owed[name])]

    def hear(self, said: Said, now: Now) -> list[Said]:
        """A finding on what an obligor has pledged, or its end, rates the obligor again."""
        if isinstance(said, Finding):
            if said.rule in _OWN or said.level == "info":
                return []
            names = self._obligors(said.thing, now)
            found = Open(now.pack.name, said.thing, said.level, obligors=names, stood=False)
            self._put(said.id, found)
            return [more for name in names for more in self.rate(name, now)]
        if isinstance(said, Cleared):
            names = self._drop(said.finding)
            because = (Cause("finding", said.finding),)
            return [more for n in names for more in self.rate(n, now, because=because)]
        if said.kind == "facility_opened":
            self._look_again(now)
            return self.rate(said.figures["obligor"], now, because=acts(said.id))
        return []

    def _look_again(self, now: Now) -> None:
        """Whose are the findings that are open: a facility has just been opened on some things."""
        for key, one in [*self._open.items()]:
            if one.pack == now.pack.name:
                names = self._obligors(one.thing, now)
                if names != one.obligors:
                    self._drop(key)
                    self._put(key, replace(one, obligors=names))

    def _put(self, key: Digest, one: Open) -> None:
        self._open[key] = one
        for name in one.obligors:
            self._against.setdefault(name, {})[key] = one

    def _drop(self, key: Digest) -> tuple[str, ...]:
        """Forget a finding; whose it was."""
        one = self._open.pop(key, None)
        for name in one.obligors if one else ():
            mine = self._against[name]
            del mine[key]
            if not mine:
                del self._against[name]
        return one.obligors if one else ()

    def rate(
        self, obligor: str, now: Now, *, because: tuple[Cause, ...] = (),
        accounts: Sequence[Account] | None = None,
    ) -> list[Said]:  # fmt: skip
        """Find an obligor's grade again; what is said where it is another one.

        Args:
            obligor: who.
            now: the occasion.
            because: what the occasion came from, beside what the inputs came from.
            accounts: its facilities, where they are at hand.
        """
        standing = self.standings.setdefault(obligor, Standing(obligor))
        found = self.gather(standing, accounts=accounts)
        seen = {name: one.text for name, one in found.items()}
        if standing.grade and seen == standing.seen:
            return []
        standing.seen = seen
        if self.ports.engine.grade({n: one.value for n, one in found.items()}) == standing.grade:
            return []
        return self._rerated(standing, found, now=now, because=because)

    def gather(
        self, standing: Standing, *, accounts: Sequence[Account] | None = None,
        asked: Asked | None = None,
    ) -> dict[str, Input]:  # fmt: skip
        """All inputs of an obligor, as they are now."""
        owed = self.accounts_of(standing.obligor) if accounts is None else accounts
        against = self._against.get(standing.obligor, {})
        return inputs.gather(standing, owed, machines=self._machines, findings=against, asked=asked)

    def known(self, obligor: str) -> Standing:
        """What is remembered of an obligor, which may be nothing yet."""
        return self.standings.get(obligor) or Standing(obligor)

    def accounts_of(self, obligor: str) -> list[Account]:
        """The facilities of an obligor, in order of opening."""
        return [a for a in self.desk.accounts.values() if a.terms.obligor == obligor]

    def act(
        self, kind: str, now: Now, *, by: str, because: Iterable[Cause], figures: dict[str, str]
    ) -> Act:
        """Something that was done about an obligor; each has a number, so that none is twice."""
        self.said += 1
        told = {"number": str(self.said), **figures}
        return Act(self.tenant, kind, "", now.at, by, told, tuple(because))

    def freeze(self) -> Any:
        """All that is remembered, as plain values."""
        kept = {
            "standings": [*self.standings.values()],
            "applications": [*self.applications.values()],
            "said": self.said,
            "machines": self._machines,
            "open": self._open,
        }
        return msgspec.to_builtins(kept, str_keys=True)

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        standings = msgspec.convert(kept["standings"], list[Standing])
        applications = msgspec.convert(kept["applications"], list[Application])
        self.standings = {one.obligor: one for one in standings}
        self.applications = {one.id: one for one in applications}
        self.said = kept["said"]
        self._machines = msgspec.convert(kept["machines"], dict[str, dict[str, Measured]])
        self._open, self._against = {}, {}
        for key, one in msgspec.convert(kept["open"], dict[Digest, Open]).items():
            self._put(key, one)

    def _obligors(self, thing: ThingKey, now: Now) -> tuple[str, ...]:
        facilities = self.desk.facilities_of(thing, now)
        names = (self.desk.accounts[name].terms.obligor for name in facilities)
        return tuple(dict.fromkeys(names))

    def _rerated(
        self, standing: Standing, found: dict[str, Input], *, now: Now, because: tuple[Cause, ...]
    ) -> list[Said]:
        graded = self.ports.engine.decide({n: one.value for n, one in found.items()})
        changed = [n for n, one in found.items() if one.text != standing.rated.get(n, "")]
        causes = (*because, *acts(standing.rating), *(c for n in changed for c in found[n].because))
        was, standing.grade = standing.grade, graded.grade
        figures = {"obligor": standing.obligor, "from": was, "to": graded.grade,
                   "table": self.ports.engine.digest}  # fmt: skip
        for name in changed:
            figures[f"was_{name}"] = standing.rated.get(name, "")
            figures[f"now_{name}"] = found[name].text
        act = self.act("credit_rerated", now, by=_BY, because=joined(causes),
                       figures={**figures, **told_rows(graded.rows)})  # fmt: skip
        words = self._changes(standing, found, changed=changed)
        standing.rated, standing.rating = dict(standing.seen), act.id
        said: list[Said] = [act]
        return said + self._fall(standing, was, words=words, now=now)

    def _changes(
        self, standing: Standing, found: dict[str, Input], *, changed: list[str]
    ) -> list[Words]:
        names, none = self.ports.engine.names, Words("未知", "not known")
        told = []
        for name in changed:
            was = standing.rated.get(name, "")
            now, called = found[name].text, names.get(name, Words(name, name))
            told.append(
                Words(
                    f"{called.zh}：{was or none.zh} → {now or none.zh}",
                    f"{called.en}: {was or none.en} → {now or none.en}",
                )
            )
        return told

    def _fall(self, standing: Standing, was: str, *, words: list[Words], now: Now) -> list[Said]:
        """The finding that a rating fell steeply or to the worst grade, and the end of it."""
        grades = [*self.ports.engine.grades]
        place, worst, said = grades.index(standing.grade), len(grades) - 1, list[Said]()
        before = standing.fell
        if before is not None:
            again = place < worst and place - grades.index(standing.fell_from) < _STEEP
            if again or (place == worst and before.level != "red"):
                said.append(Cleared(self.tenant, before.id, now.at, None, acts(standing.rating)))
                standing.fell = None
        steep = bool(was) and place - grades.index(was) >= _STEEP
        if standing.fell is None and (steep or (place == worst and was != standing.grade)):
            origin = standing.fell_from if before is not None and not steep else was
            standing.fell_from = origin or standing.grade
            level: Level = "red" if place == worst else "amber"
            head = Words(
                f"评级由{was or '无'}降至{standing.grade}",
                f"the rating went from {was or 'none'} to {standing.grade}",
            )
            standing.fell = warn(
                now, self.tenant, rule=FELL, thing=ThingKey(OBLIGOR, standing.obligor),
                level=level, reasons=[head, *words[:_LISTED]], because=acts(standing.rating),
                since=now.at + self.said,
            )  # fmt: skip
            said.append(standing.fell)
        return said


def told_rows(rows: Iterable[Row]) -> dict[str, str]:
    """Rows of a decision as figures of an act: what each is for, what it read, what it gave."""
    told: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        told |= {
            f"row_{number}": row.id,
            f"row_{number}_zh": row.about.zh,
            f"row_{number}_en": row.about.en,
            f"row_{number}_read_zh": "；".join(words.zh for words in row.reads),
            f"row_{number}_read_en": "; ".join(words.en for words in row.reads),
            f"row_{number}_gives": ", ".join(f"{k} {v}" for k, v in row.gives.items()),
        }
    return told


def number(value: Decimal | None) -> str:
    """A number as acts write it; empty where there is none."""
    return "" if value is None else f"{value:f}"


_LISTED: Final = 8
