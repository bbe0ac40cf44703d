"""Every pack's figures beside the reference ones: what was asked, what we reach, on which data.

Runs the modules ``packs_*.py`` beside this one, each in a process of its own, and prints one table;
with ``--json`` one JSON object. A pack whose data is not here says so.

    wuxin bench packs [--json] [PACK …]
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


def main() -> None:
    """Run them all, and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("packs", nargs="*", help="only these")
    options.add_argument("--json", action="store_true", help="one JSON object")
    asked = options.parse_args()
    found = [
        measured(path)
        for path in sorted(Path(__file__).parent.glob("packs_*.py"))
        if not asked.packs or path.stem.removeprefix("packs_") in asked.packs
    ]
    if asked.json:
        print(json.dumps({"packs": found}, ensure_ascii=False))
        return
    table = Table("pack", "what", "ours", "aim", "reference", "holds", "data")
    for one in found:
        for row in one["figures"]:
            cells = (row.get(k, "") for k in ("what", "ours", "aim", "reference", "holds", "data"))
            table.add_row(one["pack"], *(str(cell) for cell in cells))
        if one.get("error"):
            table.add_row(one["pack"], one["error"])
    Console(width=180).print(table)


def measured(path: Path) -> dict[str, Any]:
    """What one module prints; or that it failed, and how."""
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except json.JSONDecodeError:
        last = (done.stderr.strip().splitlines() or ["it printed no figures"])[-1]
        return {"pack": path.stem.removeprefix("packs_"), "figures": [], "error": last}
    return found


if __name__ == "__main__":
    main()
