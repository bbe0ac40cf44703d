"""How long a year of 15-minute data for 22 inverters takes to bring in.

Baseline in the same run: reading the same file into Arrow columns, the least that any import does.
Prints JSON: rows, seconds of CPU and wall, rows per CPU second, and the ratio to the baseline.

    python benchmarks/replay_year.py [--days 365] [--inverters 22]
"""

import argparse
import json
import math
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pyarrow import csv

from wuxin.home import Home
from wuxin.wire.recording import open_recording

MANIFEST = """
pack = "energy"
[[stream]]
file = "generation.csv"
time = { column = "DATE_TIME", format = "%d-%m-%Y %H:%M", timezone = "Asia/Kolkata" }
thing = { kind = "inverter", id = "SOURCE_KEY", parent = { kind = "plant", id = "PLANT_ID" } }
[stream.readings]
ac_power   = { column = "AC_POWER", unit = "kW" }
energy_day = { column = "DAILY_YIELD", unit = "kWh" }
"""


def generate(folder: Path, *, days: int, inverters: int) -> Path:
    """A generated year: a sine over the day, cloudiness by day, one inverter 12 % weak."""
    start = datetime(2022, 1, 1, tzinfo=UTC)
    lines = ["DATE_TIME,PLANT_ID,SOURCE_KEY,AC_POWER,DAILY_YIELD"]
    for day in range(days):
        cloud = 0.55 + 0.4 * abs(math.sin(day * 2.399963))
        total = [0.0] * inverters
        for step in range(96):
            moment = (start + timedelta(days=day, minutes=15 * step)).strftime("%d-%m-%Y %H:%M")
            height = max(0.0, math.sin(math.pi * (step - 24) / 48))
            for i in range(inverters):
                flicker = 1 + 0.01 * math.sin(day * 7.1 + step * 1.7 + i * 2.3)
                power = 1000 * cloud * height * flicker * (0.88 if i == 3 else 1.0)
                total[i] += power / 4
                lines.append(f"{moment},P1,INV-{i:02d},{power:.4f},{total[i]:.3f}")
    (folder / "generation.csv").write_text("\n".join(lines) + "\n")
    manifest = folder / "recording.toml"
    manifest.write_text(MANIFEST)
    return manifest


def main() -> None:
    """Generate, read once as the baseline, replay once, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--inverters", type=int, default=22)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = generate(folder, days=asked.days, inverters=asked.inverters)
        begun = time.process_time()
        rows = csv.read_csv(folder / "generation.csv").num_rows
        floor = time.process_time() - begun
        with Home(folder / "home") as home:
            cpu, wall = time.process_time(), time.perf_counter()
            for _ in home.replay(open_recording(manifest)):
                pass
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            counts = home.book.counts(home.tenant)
    print(json.dumps({
        "rows": rows, "readings": counts["accepted"], "findings": counts["findings"],
        "cpu_s": round(cpu, 2), "wall_s": round(wall, 2), "rows_per_cpu_s": round(rows / cpu),
        "times_the_floor_of_reading_the_file": round(cpu / floor, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
