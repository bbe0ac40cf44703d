"""Access: who entered a zone beyond the clearance that the staff list gives."""

from wuxin.packs.operations.spans import of_day
from wuxin.terms.names import ThingKey
from wuxin.terms.standards import DayView, Derived


def breaches(view: DayView, person: ThingKey) -> int | None:
    """Passages into zones above an employee's clearance on the day; None where none is known.

    The door's own list may be wrong, so the zone's and the employee's registered clearance are
    compared anew. Attempts that were refused are no passages.
    """
    clearance = view.facts(person).get("clearance")
    if clearance is None:
        return None
    needed = {
        int(facts["number"]): facts["clearance"]
        for facts in map(view.facts, view.of("zone"))
        if "number" in facts and "clearance" in facts
    }
    entered, denied = view.series(person, "zone_entered"), view.series(person, "denied")
    refused = {int(t) for t, v in zip(denied.t, denied.v, strict=True) if v > 0}
    return sum(
        needed.get(int(zone), 0.0) > clearance and int(t) not in refused
        for t, zone in zip(entered.t, entered.v, strict=True)
    )


def access_day(view: DayView) -> list[Derived]:
    """Entries beyond clearance, employee by employee, and the branch's sum."""
    found: list[Derived] = []
    told = []
    for person in view.of("staff"):
        if not len(view.series(person, "zone_entered")):
            continue
        count = breaches(view, person)
        if count is not None:
            told.append(count)
            found.append(of_day(view, person, name="clearance_breaches", value=float(count)))
    if told and view.root.kind == "branch":
        found.append(of_day(view, view.root, name="unauthorised_entries", value=float(sum(told))))
    return found
