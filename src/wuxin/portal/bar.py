"""The progress bar of a replay, on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from wuxin.terms.clock import iso


@contextmanager
def bar(*, quiet: bool = False) -> Iterator[Callable[[Any, Any], None]]:
    """A function to call with (recording, progress); one line per recording."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True, quiet=quiet)) as shown:
        tasks: dict[str, Any] = {}

        def show(recording: Any, progress: Any) -> None:
            name = recording.source
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=max(recording.rows, 1))
            words = f"{recording.pack} {iso(progress.event_time)[:10]}"
            shown.update(tasks[name], completed=progress.rows, description=words)

        yield show
