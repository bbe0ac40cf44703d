"""Early warnings: what a finding means for a loan, and whom it concerns."""

from typing import Final

from wuxin.terms.clock import iso
from wuxin.terms.names import Tenant
from wuxin.terms.records import Act, Cause, Finding

ADDRESSEES: Final = "risk_officer, obligor"
"""Whom an early warning is addressed to: the bank's risk officer and the enterprise."""


def early_warning(finding: Finding, *, tenant: Tenant, facility: str) -> Act:
    """The act that tells risk officer and obligor of a red or amber finding on a pool."""
    told = {
        "to": ADDRESSEES,
        "rule": finding.rule,
        "level": finding.level,
        "thing": str(finding.thing),
        "since": iso(finding.since),
        "raised": iso(finding.raised),
        "unit": finding.unit,
        "zh": "；".join(words.zh for words in finding.reasons),
        "en": "; ".join(words.en for words in finding.reasons),
    }
    measured = {"measured": finding.value, "limit": finding.limit}
    told |= {name: repr(value) for name, value in measured.items() if value is not None}
    return Act(
        tenant=tenant,
        kind="early_warning",
        facility=facility,
        at=finding.raised,
        mandate=f"contract:{facility}",
        figures=told,
        because=(Cause("finding", finding.id),),
    )
