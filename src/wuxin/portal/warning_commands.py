"""``wuxin warnings``: the figures of the early warnings on the command line."""

import json
from pathlib import Path
from typing import Any

import click

from wuxin.portal.device_commands import opened
from wuxin.portal.options import HOME, TENANT

SHOWN = {
    "rule": "rule", "raised": "raised", "open": "open", "handled": "handled",
    "false_alarm_share": "false alarms", "acknowledge_median_s": "noticed, median",
    "acknowledge_90_s": "noticed, 90 %",
}  # fmt: skip


@click.command()
@HOME
@TENANT
@click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
def warnings(home: Path, *, tenant: str, as_json: bool) -> None:
    """Show, rule by rule, what was raised, handled and false, and how long people took (预警统计).

    \b
    Example:
      wuxin warnings --home /srv/wuxin
    """
    from wuxin.portal import warned

    with opened(home, tenant) as (house, who):
        rows = warned.of_rules(house, who)["rows"]
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
        return
    lines = [[*SHOWN.values()], *([_cell(name, row[name]) for name in SHOWN] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(SHOWN))]
    for line in lines:
        first, *rest = zip(line, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
        click.echo("  ".join(cells).rstrip())


def _cell(name: str, value: Any) -> str:
    """One figure: shares in per cent, times in minutes; a dash where there is none."""
    if value is None:
        return "-"
    if name.endswith("_share"):
        return f"{value:.1%}"
    return f"{value / 60:.1f} min" if name.endswith("_s") else str(value)
