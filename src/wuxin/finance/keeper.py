"""The keeper of pledges: what each thing is called, where it lies, and what surveys find of it.

pledge, amend_pledge ─► the register; likeness to what stands there; contest → finding
survey, devices       ─► pledged against found, by count, weight and position, each alone
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from wuxin.finance import pools
from wuxin.finance.account import Account
from wuxin.finance.elsewhere import RULES, Answers, words
from wuxin.finance.keeper_bodies import (
    AmendPledge,
    PledgeThing,
    RegistryAnswer,
    Survey,
    grams,
    identities,
)
from wuxin.finance.likeness import Index
from wuxin.finance.marking import Marking
from wuxin.finance.pledges import Place, Pledge
from wuxin.finance.survey import Found, Gap, compare
from wuxin.terms.counter import Now, Order, Said, Silent, told, warn
from wuxin.terms.errors import BadInput, Conflict, NotFound
from wuxin.terms.names import Digest, Tenant, ThingKey, thing_key
from wuxin.terms.records import Act, Cause, Cleared, Command, Finding, Words

_MEASURES: Final = ("count", "weight", "position")
_LISTED: Final = 12
_SURVEYED: Final = ("supervisor", "risk_officer")


class _Look(NamedTuple):
    """Who looked (people, or devices of themselves), what was measured, and what that rests on."""

    by: str
    measured: frozenset[str]
    because: tuple[Cause, ...]


class Keeper(Silent):
    """The register's counter.

    Args:
        tenant: whose.
        desk: the facilities; what a survey doubts is lent against less there.
    """

    name = "keeper"

    def __init__(self, tenant: Tenant, desk: Marking) -> None:
        self.tenant, self._desk, self._books = tenant, desk, desk.books
        self._open: dict[tuple[str, str], Finding] = {}
        self._doubted: dict[tuple[str, str], tuple[ThingKey, ...]] = {}
        self._uninsured: dict[str, Finding] = {}
        self._alike: dict[str, Finding] = {}
        self._tried: list[Digest] = []
        self._index = Index()
        self.elsewhere = Answers(tenant)
        """What a registry of several banks last said of each pledge."""
        desk.doubts.append(self.doubts)

    @property
    def orders(self) -> Mapping[str, Order]:
        """What can be ordered about pledges."""
        return {
            "pledge": Order(
                PledgeThing, self._pledge, ("relationship_manager", "risk_officer"),
                Words("登记押品", "enter a pledge"),
            ),
            "amend_pledge": Order(
                AmendPledge, self._amend, ("relationship_manager", "risk_officer", "supervisor"),
                Words("变更押品登记", "amend a pledge"),
            ),
            "registry_answer": Order(
                RegistryAnswer, self._answered, ("core_system",),
                Words("记录跨行押品登记的答复", "put on record what the registry of banks says"),
            ),
            "survey": Order(Survey, self._survey, _SURVEYED, Words("核库", "survey a pool")),
        }  # fmt: skip

    def doubts(self, facility: str, thing: ThingKey) -> Sequence[Words]:
        """What surveys say against a thing of a facility."""
        return [
            self._open[key].reasons[0]
            for key, things in self._doubted.items()
            if key[0] == facility and thing in things
        ]

    def tick(self, now: Now) -> list[Said]:
        """A day's end: what the things say of themselves is held against the register."""
        said: list[Said] = []
        for account in self._desk.accounts.values():
            if account.source != now.source or not account.is_marked:
                continue
            held = pools.held(account, now.at)
            found = _reported(held, now)
            if found is not None:
                said += self._compared(account, found, now=now)
            said += self._insured(held, now)
        said += self._ended(now)
        said += [Cleared(self.tenant, id_, now.at, None, ()) for id_ in self._tried]
        self._tried = []
        return said

    def freeze(self) -> Any:
        """All that the keeper remembers, as plain values; the index is made anew."""
        return {
            "open": [[*key, msgspec.to_builtins(found)] for key, found in self._open.items()],
            "doubted": [[*key, [list(t) for t in things]] for key, things in self._doubted.items()],
            "uninsured": msgspec.to_builtins(self._uninsured),
            "alike": msgspec.to_builtins(self._alike),
            "tried": [*self._tried],
            "elsewhere": self.elsewhere.freeze(),
        }

    def thaw(self, kept: Any) -> None:
        """Take over what :meth:`freeze` gave."""
        self._open = {(f, m): msgspec.convert(found, Finding) for f, m, found in kept["open"]}
        self._doubted = {
            (f, m): tuple(ThingKey(*thing) for thing in things) for f, m, things in kept["doubted"]
        }
        self._uninsured = msgspec.convert(kept["uninsured"], dict[str, Finding])
        self._alike = msgspec.convert(kept["alike"], dict[str, Finding])
        self._tried = [Digest(id_) for id_ in kept["tried"]]
        self.elsewhere.thaw(kept.get("elsewhere"))
        for entry in self._books.register.entries():
            self._index.add(entry.pledge)

    # ---- orders ----------------------------------------------------------------------------

    def _pledge(self, command: Command, said: PledgeThing, *, now: Now) -> list[Said]:
        account, register = self._desk.account(command.facility), self._books.register
        thing = thing_key(said.thing)
        before = pools.held(account, now.at).get(thing)
        if before is not None and not pools.is_automatic(before):
            raise Conflict(f"{thing} is entered as {before.id!r}; amend that, or release it first")
        claim = self._claim(account, said, thing=thing, now=now)
        contests = [c for c in register.contests(claim) if before is None or c.earlier != before]
        if contests:
            raise self._refused(command, thing, words=[one.words for one in contests], now=now)
        abroad = said.elsewhere
        if abroad is not None and abroad.then == "refuse":
            raise self._refused(
                command, thing, words=[words(thing, abroad)], now=now, rule=RULES[abroad.state]
            )
        why = "entered with its own numbers"
        if before is not None:
            at = max(now.at, before.begins)
            register.release(before.id, at=at, known=now.known, why=why)
            claim = replace(claim, begins=at)
        register.claim(claim, known=now.known)
        account.members = account.members.union([thing])
        figures = {
            "pledge": claim.id, "thing": str(thing), "owner": claim.owner,
            "custodian": claim.custodian, "place": claim.place.name, "lien": str(claim.lien),
            "registry": claim.registry, "documents": ", ".join(claim.documents),
            "identities": "; ".join(map(str, claim.identities)),
            "elsewhere": abroad.state if abroad is not None else "",
        }  # fmt: skip
        if claim.weight_g is not None:
            figures["weight_g"] = str(claim.weight_g)
        act = self._act("pledge_entered", command, **figures)
        because = (Cause("act", act.id),)
        told = self.elsewhere.take(claim, abroad, because=because, now=now)
        return [act, *told, *self._likened(claim, because=because, now=now)]

    def _answered(self, command: Command, said: RegistryAnswer, *, now: Now) -> list[Said]:
        account, thing = self._desk.account(command.facility), thing_key(said.thing)
        pledge = pools.held(account, now.at).get(thing)
        if pledge is None:
            raise NotFound(f"{thing} is not pledged for facility {command.facility!r}")
        found = said.elsewhere
        act = self._act("registry_answer", command, thing=str(thing), elsewhere=found.state,
                        by="; ".join(found.by), contact=found.contact, why=found.why)  # fmt: skip
        because = (Cause("act", act.id),)
        return [act, *self.elsewhere.take(pledge, found, because=because, now=now)]

    def _claim(self, account: Account, said: PledgeThing, *, thing: ThingKey, now: Now) -> Pledge:
        bare = pools.automatic(account, thing, at=now.at, place=said.place.name)
        return replace(
            bare, identities=identities(said.identities), owner=said.owner,
            custodian=said.custodian, place=said.place.place(), registry=said.registry,
            lien=bare.lien if said.lien is None else said.lien,
            junior=bare.junior if said.junior is None else said.junior,
            weight_g=grams(said.weight, said.unit), documents=said.papers(),
            insurance=said.insurance.insurance() if said.insurance else None,
        )  # fmt: skip

    def _amend(self, command: Command, said: AmendPledge, *, now: Now) -> list[Said]:
        account, thing = self._desk.account(command.facility), thing_key(said.thing)
        before = pools.held(account, now.at).get(thing)
        if before is None:
            raise NotFound(f"{thing} is not pledged for facility {command.facility!r}")
        changed = replace(before, **said.changes())
        if changed == before:
            raise BadInput("nothing is changed: say custodian, place, weight, insurance or papers")
        register = self._books.register
        register.amend(changed, at=now.at, known=now.known, why=said.reason)
        fresh = {
            name: str(getattr(changed, name)) for name in said.changes()
            if getattr(changed, name) != getattr(before, name)
        }  # fmt: skip
        act = self._act("pledge_amended", command, pledge=changed.id, thing=str(thing),
                        reason=said.reason, **fresh)  # fmt: skip
        held = pools.held(account, now.at)
        return [act, *self._likened(changed, because=(Cause("act", act.id),), now=now),
                *self._insured(held, now)]  # fmt: skip

    def _survey(self, command: Command, said: Survey, *, now: Now) -> list[Said]:
        account = self._desk.account(command.facility)
        held = pools.held(account, now.at)
        ids = {thing: pledge.id for thing, pledge in held.items()}
        places = {}
        for one in said.places:
            thing = thing_key(one.thing)
            if thing not in ids:
                raise NotFound(f"{thing} is not pledged for facility {command.facility!r}")
            places[ids[thing]] = Place("survey", one.latitude, one.longitude)
        found = Found(set(identities(said.seen)), grams(said.weight, said.unit), places)
        result = compare([*held.values()], found)
        figures = {
            "pledged": str(len(held)), "seen": str(len(said.seen)), "with": said.device,
            "gaps": ", ".join(gap.measure for gap in result.gaps),
            "unmeasured_zh": "；".join(w.zh for w in result.unmeasured),
            "unmeasured_en": "; ".join(w.en for w in result.unmeasured),
        }  # fmt: skip
        act = self._act("survey", command, **figures)
        measured = {
            "count": bool(said.seen or said.counted),
            "weight": found.weight_g is not None,
            "position": bool(places),
        }
        look = _Look("survey", frozenset(m for m, is_so in measured.items() if is_so),
                     (Cause("act", act.id),))  # fmt: skip
        return [act, *self._gaps(command.facility, held, gaps=result.gaps, look=look, now=now)]

    # ---- what is found ---------------------------------------------------------------------

    def _compared(self, account: Account, found: Found, *, now: Now) -> list[Said]:
        """Hold what devices report against the register: weight and position, never a count."""
        held = pools.held(account, now.at)
        gaps = [g for g in compare([*held.values()], found).gaps if g.measure != "count"]
        measured = {"weight": found.weight_g is not None, "position": bool(found.places)}
        look = _Look("devices", frozenset(m for m, is_so in measured.items() if is_so),
                     (Cause("act", account.opening),))  # fmt: skip
        return self._gaps(account.terms.id, held, gaps=gaps, look=look, now=now)

    def _gaps(
        self, facility: str, held: Mapping[ThingKey, Pledge], *, gaps: Sequence[Gap], look: _Look,
        now: Now,
    ) -> list[Said]:  # fmt: skip
        """What falls short, and what does no longer.

        Only who found a gap can end it: a scale that says that all is well does not end what
        people weighed.
        """
        things = {pledge.id: thing for thing, pledge in held.items()}
        short = {gap.measure: gap for gap in gaps if gap.measure in look.measured}
        said: list[Said] = []
        for measure in _MEASURES:
            key, gap = (facility, f"{look.by}:{measure}"), short.get(measure)
            if gap is not None:
                self._doubted[key] = tuple(things[one] for one in gap.concerned if one in things)
            if gap is not None and key not in self._open:
                found = warn(
                    now, self.tenant, rule=f"{measure}_gap", thing=ThingKey("facility", facility),
                    reasons=(gap.words,), because=look.because, value=float(gap.found),
                    limit=float(gap.pledged),
                )  # fmt: skip
                self._open[key] = found
                said.append(found)
            elif gap is None and measure in look.measured and key in self._open:
                self._doubted.pop(key, None)
                over = self._open.pop(key).id
                said.append(Cleared(self.tenant, over, now.at, None, look.because))
        return said

    def _likened(self, pledge: Pledge, *, because: tuple[Cause, ...], now: Now) -> list[Said]:
        """Likeness of one pledge to those that stand: only those that share a trait are compared.

        The cost is that of a lookup by each number and paper, and by 27 to 45 cells of place and
        weight, whatever the size of the book.
        """
        register = self._books.register
        near = [
            one for one in self._index.near(pledge)
            if one.id != pledge.id and register.stands(one.id, at=now.at)
        ]  # fmt: skip
        self._index.add(pledge)
        alike = self._index.alike(pledge, near)
        if not alike or pledge.id in self._alike:
            return []
        found = warn(
            now, self.tenant, rule="alike_pledge", thing=pledge.thing,
            reasons=[one.words for one in alike[:_LISTED]], because=because,
        )  # fmt: skip
        self._alike[pledge.id] = found
        return [found]

    def _insured(self, held: Mapping[ThingKey, Pledge], now: Now) -> list[Said]:
        said: list[Said] = []
        for thing, pledge in held.items():
            ran_out = pledge.insurance is not None and pledge.insurance.ends <= now.at
            if ran_out and pledge.id not in self._uninsured and pledge.insurance is not None:
                policy = pledge.insurance
                words = Words(
                    f"{thing} 的保单 {policy.policy}（{policy.insurer}）已到期",
                    f"policy {policy.policy} of {policy.insurer} on {thing} has run out",
                )
                entered = (Cause("act", self._desk.account(pledge.facility).opening),)
                self._uninsured[pledge.id] = found = warn(
                    now, self.tenant, rule="uninsured", thing=thing, reasons=(words,),
                    because=entered,
                )  # fmt: skip
                said.append(found)
            elif not ran_out and pledge.id in self._uninsured:
                over = self._uninsured.pop(pledge.id)
                said.append(Cleared(self.tenant, over.id, now.at, None, ()))
        return said

    def _ended(self, now: Now) -> list[Said]:
        """What concerned pledges that stand no more is over."""
        stands = self._books.register.stands
        over = [
            (opened, id_) for opened in (self._alike, self._uninsured) for id_ in opened
            if not stands(id_, at=now.at)
        ]  # fmt: skip
        ended = [Cleared(self.tenant, opened.pop(id_).id, now.at, None, ()) for opened, id_ in over]
        return [*ended, *self.elsewhere.ended(stands, now=now)]

    def _refused(
        self, command: Command, thing: ThingKey, *, words: Sequence[Words], now: Now,
        rule: str = "pledged_twice",
    ) -> Conflict:  # fmt: skip
        """The refusal of goods that are pledged elsewhere, told to the risk officer for a day."""
        wrong = Conflict("; ".join(one.en for one in words))
        found = warn(
            now, self.tenant, rule=rule, thing=thing, reasons=words,
            because=told(command),
        )  # fmt: skip
        self._tried.append(found.id)
        wrong.said = (found,)
        return wrong

    def _act(self, kind: str, command: Command, **figures: str) -> Act:
        return Act(
            self.tenant, kind, command.facility, command.at, command.by,
            {name: value for name, value in figures.items() if value}, told(command),
        )  # fmt: skip


def _reported(held: Mapping[ThingKey, Pledge], now: Now) -> Found | None:
    """What the things say of their own weight and place; None where none of them says anything."""
    places, weight, weighed, all_weighed = {}, 0.0, False, True
    for thing, pledge in held.items():
        if pledge.place.latitude_deg is not None:
            spot = [now.twin.latest(thing, name) for name in ("latitude", "longitude")]
            if spot[0] is not None and spot[1] is not None:
                places[pledge.id] = Place("reported", spot[0].value, spot[1].value)
        if pledge.weight_g is not None:
            net = now.twin.latest(thing, "net_weight")
            all_weighed = all_weighed and net is not None
            weighed = True
            weight += net.value if net is not None else 0.0
    grams_ = round(weight * 1000) if weighed and all_weighed else None
    return Found((), grams_, places) if places or grams_ is not None else None
