"""Faults of photovoltaic data and slow losses, on real series: for packs_energy.py."""

import csv
import gzip
import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wuxin.packs.energy import ageing, clock, sun, traps
from wuxin.risk import anomaly
from wuxin.terms.clock import DAY, HOUR, MINUTE, moment, to_datetime, zone

GOLDEN: Final = sun.Plane(39.742, -105.1727, 1829.0, 45.0, 158.0)
"""NREL's SERF East, systems 50 and 51 of PVDAQ: place, tilt and azimuth as its source says."""


Floats = NDArray[np.float64]
Times = NDArray[np.int64]


class Figure(NamedTuple):
    """One figure of the table."""

    what: str
    ours: str
    aim: str
    reference: str
    holds: bool
    data: str


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a table, plain or compressed."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as packed, packed.open(packed.namelist()[0]) as raw:
            return list(csv.DictReader(io.TextIOWrapper(raw, "utf-8")))
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else ""
    return list(csv.DictReader(io.StringIO(text or path.read_text("utf-8"))))


# ---- faults of the data, labelled and planted --------------------------------------------------

KINDS: Final = {
    "stale": ("ac_power_inv_2173_stale_data.csv", "value_normalized", "stale_data_mask"),
    "interpolated": (
        "ac_power_inv_2173_interpolated_data.csv", "value_normalized", "interpolated_data_mask",
    ),
    "outliers": ("ac_power_inv_7539_outliers.csv", "value_normalized", "outlier"),
    "clipped": ("ac_power_inv_7539.csv", "value_normalized", "label"),
    "level shift": ("pvlib_data_shift.csv", "value", "label"),
}  # fmt: skip


class Labelled(NamedTuple):
    """A series with the truth: times (n, ns), values (n) and whether each is at fault (n)."""

    t: Times
    v: Floats
    truth: NDArray[np.bool_]


def labelled(data: Path) -> list[Figure]:
    """PVAnalytics' labels; level shifts count per change point within 14 days."""
    figures = []
    for kind, (name, value, label) in KINDS.items():
        rows = [r for r in rows_of(data / "pvanalytics" / name) if r[value]]
        form = traps.date_order([r["timestamp"] for r in rows]).form
        t = np.array([at(r["timestamp"], form) for r in rows], np.int64)
        truth = np.array([r[label].upper() in {"TRUE", "1"} for r in rows])
        case = Labelled(t, np.array([float(r[value]) for r in rows]), truth)
        figures.append(_scored(kind, [case], least=(0.9, 0.9), data=f"pvanalytics/{name}"))
    return figures


def planted(data: Path) -> list[Figure]:
    """The same faults put into another plant's real series, twenty times each, seed fixed."""
    rows = rows_of(data / "pvanalytics/serf_east_15min_ac_power.csv")
    rows = [r for r in rows[:8640] if r["ac_power"]]
    t = np.array([moment(r["measured_on"]) for r in rows], np.int64)
    v = np.array([float(r["ac_power"]) for r in rows])
    chance = np.random.default_rng(20160701)
    figures = []
    for kind in KINDS:
        cases = [_plant(t, v, kind=kind, chance=chance) for _ in range(20)]
        least = (0.6, 0.8) if kind == "outliers" else (0.9, 0.8)  # its own oddities count as wrong
        figures.append(_scored(f"{kind}, planted", cases, least=least, data="serf_east"))
    return figures


def at(text: str, form: str) -> int:
    """A time (ns) as written in a form, UTC unless it states an offset."""
    if "+" in text[10:]:
        return int(moment(text))
    return int(moment(datetime.strptime(text, form).isoformat() + "Z"))  # noqa: DTZ007


def _scored(kind: str, cases: list[Labelled], *, least: tuple[float, float], data: str) -> Figure:
    marked = right = hits = truth = 0
    for case in cases:
        mark = _detected(case, kind.partition(",")[0])
        if kind.startswith("level shift"):
            near = np.abs(case.t[mark][:, None] - case.t[case.truth][None, :]) <= 14 * DAY
            hits, right = hits + int(near.any(axis=0).sum()), right + int(near.any(axis=1).sum())
        else:
            both = int(np.count_nonzero(mark & case.truth))
            hits, right = hits + both, right + both
        marked, truth = marked + int(mark.sum()), truth + int(case.truth.sum())
    precision, recall = right / marked if marked else 1.0, hits / truth
    return Figure(
        kind, f"precision {precision:.3f}, recall {recall:.3f} ({truth} labelled, {marked} found)",
        f"precision at least {least[0]}, recall {least[1]} (own)", "none published",
        precision >= least[0] and recall >= least[1], data,
    )  # fmt: skip


def _plant(t: Times, v: Floats, *, kind: str, chance: np.random.Generator) -> Labelled:
    truth = np.zeros(len(v), np.bool_)
    if kind == "level shift":
        days = v[: len(v) // 96 * 96].reshape(-1, 96).sum(axis=1)
        at = int(chance.integers(25, len(days) - 25))
        days[at:] *= float(chance.choice([0.35, 0.5, 2.0, 3.0]))
        return Labelled(t[: len(days) * 96 : 96], days, np.arange(len(days)) == at)
    bright = np.flatnonzero(v > 0.2 * v.max())
    at, length = int(chance.choice(bright[50:-50])), int(chance.integers(5, 40))
    v, span = v.copy(), slice(at, at + length)
    truth[span] = True
    if kind == "stale":
        v[span] = v[at]
    elif kind == "interpolated":
        ends = [at - 1, at + length]
        v[span] = np.interp(np.arange(at, at + length), ends, v[ends])
    elif kind == "outliers":
        where = chance.choice(bright[50:-50], 20, replace=False)
        v[where] = chance.choice([-0.4, 1.6, 2.0], 20) * v.max()
        truth[:] = False
        truth[where] = True
    else:
        limit = float(chance.uniform(0.6, 0.8)) * v.max()
        truth = v > limit
        v = np.minimum(v, limit * (1 + 5e-4 * chance.standard_normal(len(v))))
    return Labelled(t, v, truth)


def _detected(case: Labelled, kind: str) -> NDArray[np.bool_]:
    t, v = case.t, case.v
    held = float(np.minimum(np.minimum(v[2:], v[1:-1]), v[:-2]).max())
    if kind == "stale":
        return anomaly.stale(t, v, floor=0.005 * held)
    if kind == "interpolated":
        return anomaly.interpolated(t, v)
    if kind == "outliers":
        return anomaly.spikes(t, v, scale=held) > 0
    if kind == "clipped":
        return anomaly.clipped(t, v, ceiling=held)
    mark = np.zeros(len(t), np.bool_)
    mark[anomaly.shifts(t, v)[0]] = True
    return mark


# ---- clocks, ageing and soiling ----------------------------------------------------------------


def _serf_years(data: Path) -> tuple[Times, Floats, dict[str, Floats]]:
    """AC power (n, W) of SERF East 2011 to 2013 as its clock tells, and satellite weather."""
    import duckdb  # noqa: PLC0415 - only this part reads Parquet

    file = data / "pvanalytics/system_50_ac_power_2_full_DST.parquet"
    took = duckdb.read_parquet(str(file)).project("epoch_ns(measured_on) t, ac_power_2 v")
    power = took.order("t").fetchnumpy()
    near = duckdb.read_parquet(str(file.with_name(f"{file.stem}_psm3.parquet")))
    sky = near.project('epoch_ns("index") t, ghi, temp_air').order("t").fetchnumpy()
    weather = {k: np.ma.filled(np.ma.asarray(x).astype(np.float64), np.nan) for k, x in sky.items()}
    weather["t"] = np.asarray(sky["t"])
    v = np.ma.filled(np.ma.asarray(power["v"]).astype(np.float64), np.nan)
    return np.asarray(power["t"], np.int64), v, weather


def clocks(data: Path) -> list[Figure]:
    """A logger that keeps summer time, in a file that says it does not: when it steps."""
    t, v, _ = _serf_years(data)
    denver = zone("America/Denver")
    noon = [int(one) for one in np.arange(t[0], t[-1], DAY)]
    kept = [bool(to_datetime(at, denver).dst() or 0) for at in noon]
    truth = [at for at, a, b in zip(noon[1:], kept, kept[1:], strict=False) if a != b]
    told = clock.steps(clock.noons(t, v, longitude=GOLDEN.longitude))
    hit = [s for s in told if any(abs(s.at - at) <= 1.5 * DAY for at in truth)]
    right = sum(abs(s.seconds) == HOUR / 1e9 for s in hit)
    # Every other season on time: a series whose clock is right has no step.
    summer = _serf_summer(data)
    quiet = clock.steps(clock.noons(*summer, longitude=GOLDEN.longitude))
    return [
        Figure(
            "time shifts: precision, recall",
            f"{len(hit)} of {len(told)} told are changes of summer time, {len(hit)} of "
            f"{len(truth)} changes told to the day; {right} as one hour; {len(quiet)} in a series "
            "that keeps standard time",
            "every change, no others (own)", "none published",
            len(hit) == len(told) == len(truth) and not quiet,
            "pvanalytics/system_50_ac_power_2_full_DST, serf_east_15min",
        )
    ]  # fmt: skip


def _serf_summer(data: Path) -> tuple[Times, Floats]:
    rows = rows_of(data / "pvanalytics/serf_east_15min_ac_power.csv")
    good = [(moment(r["measured_on"]), float(r["ac_power"])) for r in rows if r["ac_power"]]
    t, v = zip(*good, strict=True)
    return np.array(t, np.int64), np.array(v)


def _serf_days(data: Path) -> tuple[Times, Floats, Floats]:
    """Days (n), measured and expected energy (n), the clock set right by its own steps."""
    from pvlib import pvsystem  # noqa: PLC0415 - pvlib takes a second to import

    t, v, weather = _serf_years(data)
    ahead = np.full(len(t), HOUR)  # it begins in April, in summer time
    for step in clock.steps(clock.noons(t, v, longitude=GOLDEN.longitude)):
        ahead[t >= step.at - 12 * HOUR] += int(np.sign(step.seconds)) * HOUR
    middle = weather["t"].astype(np.int64) + 15 * MINUTE
    poa = sun.tilted(middle, weather["ghi"], plane=GOLDEN)
    cell = weather["temp_air"] + poa / (25.0 + 6.84)
    power = pvsystem.pvwatts_dc(poa, cell, 6000 * 0.86, -0.0037) * 0.96
    own, others = (t - ahead - 7 * HOUR) // DAY, (middle - 7 * HOUR) // DAY
    days = np.arange(own.min(), own.max() + 1)
    seen = np.bincount(own[np.isfinite(v)] - days[0], minlength=len(days))
    measured = np.bincount(own - days[0], np.nan_to_num(v), len(days)) * 900.0
    inside = (others >= days[0]) & (others <= days[-1])
    expected = np.bincount(others[inside] - days[0], power[inside], len(days)) * 1800.0
    return days, np.where(seen >= 90, measured, np.nan), expected


def ages(data: Path) -> list[Figure]:
    """Ageing of a real roof, and by how much planted ageing moves it."""
    days, measured, expected = _serf_days(data)
    plain = ageing.year_on_year(days, measured, expected=expected)
    if plain is None:
        raise ValueError("there are no pairs of days a year apart")
    worst, told = 0.0, []
    for rate in (-0.005, -0.01, -0.02, -0.04):
        aged = measured * (1 + rate * (days - days[0]) / 365.25)
        found = ageing.year_on_year(days, aged, expected=expected)
        moved = found.rate - plain.rate if found is not None else np.nan
        told.append(f"{rate:.1%} → {moved:.2%}")
        worst = max(worst, abs(moved - rate))
    return [
        Figure(
            "ageing, year on year",
            f"{plain.rate:+.1%} a year ({plain.low:+.1%} to {plain.high:+.1%}, {plain.pairs} "
            f"pairs); planted: {', '.join(told)}",
            "planted rates found within 0.3 points (own)", "none published for this roof",
            worst <= 0.003, "system 50, 2011 to 2013, satellite irradiance",
        )
    ]  # fmt: skip


def dust(data: Path) -> list[Figure]:
    """Soiling planted into a year of two real plants: mean loss found, and without planting."""
    rows = rows_of(data / "pvops/example_prod_with_covariates.csv")
    told, good = [], True
    for plant in sorted({r["randid"] for r in rows}):
        own = [r for r in rows if r["randid"] == plant and r["generated_kW"] and r["expected_kW"]]
        day = np.array([moment(r["date"][:10]) // DAY for r in own])
        days = np.unique(day)
        made, due = (
            np.bincount(day - days[0], [float(r[k]) for r in own])[days - days[0]]
            for k in ("generated_kW", "expected_kW")
        )
        plain = ageing.soiling(days, made, expected=due)
        for rate, every in ((0.003, 45), (0.0015, 75)):
            loss = (np.arange(len(days)) % every) * rate
            found = ageing.soiling(days, made * (1 - loss), expected=due)
            if found is None or plain is None:
                raise ValueError(f"plant {plant} has too few bright days")
            told.append(f"{plant}: {loss.mean():.1%} planted, {found.mean:.1%} found")
            good &= plain.mean <= 0.02 < found.mean + 0.01 <= loss.mean() + 0.03
        told.append(f"unplanted {plain.mean:.1%}" if plain else "")
    return [
        Figure("soiling, mean loss", "; ".join(told),
               "unplanted at most 2 %; planted seen and not over-stated by 2 points (own)",
               "none published", good, "pvops/example_prod_with_covariates, 2 plants, a year")
    ]  # fmt: skip
