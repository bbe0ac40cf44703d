"""Metrics for Prometheus: what came in, what is open, how far the log is."""

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from wuxin.home import Home
from wuxin.terms.records import LEVELS
from wuxin.vouching import Vouched


def metrics(home: Home, vouched: Vouched | None = None) -> str:
    """The figures of a home in the Prometheus text format, read from the book at each call."""
    counts = home.book.counts(home.tenant)
    registry = CollectorRegistry()

    def gauge(name: str, words: str, **labelled: float) -> None:
        made = Gauge(f"wuxin_{name}", words, ["of"] if labelled else [], registry=registry)
        for label, value in labelled.items():
            made.labels(label).set(value)

    readings = {w: counts[w] for w in ("accepted", "marked", "refused")}
    gauge("readings", "Readings by what became of them", **readings)
    gauge("findings_open", "Open early warnings by level",
          **{level: counts["open"].get(level, 0) for level in LEVELS})  # fmt: skip
    gauge("records", "Records kept",
          **{w: counts[w] for w in ("things", "acts", "receipts")})  # fmt: skip
    gauge("log", "Evidence log", size=home.log.size)
    if vouched is not None:
        gauge("vouched", "Outsiders on the log", size=vouched.size, witnesses=vouched.witnesses,
              stamped=vouched.stamped, chained=vouched.chained, failed=vouched.failed)  # fmt: skip
    return generate_latest(registry).decode()
