"""A shipped example played up to a moment, its loan under a process: what stories are told with."""

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.homes import EXAMPLES, acts, still
from wuxin import __version__
from wuxin.audit import audit
from wuxin.casefile import bundle
from wuxin.evidence import case
from wuxin.home import DEFAULT_TENANT, Home, keys
from wuxin.packs import adopt, schema
from wuxin.stores.journal import Arrived, Opened
from wuxin.terms.clock import moment
from wuxin.terms.errors import Conflict, Forbidden
from wuxin.terms.records import Command
from wuxin.wire.recording import Item, open_recording

PAPER = "5f" * 32
_STOP = "stop"


class Script(NamedTuple):
    """Which example, and how it is played.

    ``opened`` is when the manifest opens the loan; ``days`` how long the devices are watched before
    money; batches are cut at the ``stops``, the moments at which something is ordered, so that no
    reading is known before its time or after it. The manifest is read up to the text ``before``, if
    it is given.
    """

    example: str
    loan: str
    opened: str
    days: int = 3
    stops: Sequence[str] = ()
    before: str = ""


class Tape:
    """The example played up to a moment, with what is ordered there."""

    def __init__(self, folder: Path, script: Script) -> None:
        self.folder, self.loan = folder, script.loan
        self.recording = open_recording(_manifest(folder, script))
        stops = [Command(_STOP, moment(when), "test") for when in script.stops]
        told = sorted([*self.recording.commands, *stops], key=lambda command: command.at)
        cut = dataclasses.replace(self.recording, commands=tuple(told))
        self._items = cut.batches(adopt.times)
        self._next: Item | None = next(self._items)
        self.home = self._opened()
        pack = schema.load(self.recording.pack)
        adopted = adopt.adopt(self.recording, pack)
        source = self.recording.source
        self.home.accept(Opened(source, still(), pack.name, pack.digest, adopted, __version__))

    def _opened(self) -> Home:
        return Home(self.folder / "home", clock=still)

    def reopen(self) -> None:
        """Close the home, and go on from its state file."""
        self.home.close()
        self.home = self._opened()
        assert self.home.passed == []

    def until(self, when: str) -> None:
        """Play what comes before a moment."""
        while self._next is not None and self._next.upto < moment(when):
            item = self._next
            if item.command is None:
                self.home.accept(Arrived(self.recording.source, still(), item.frames))
            elif item.command.do != _STOP:
                self.home.order(item.command, source=self.recording.source)
            self._next = next(self._items, None)

    def order(
        self, do: str, by: str, *, when: str, facility: str | None = None, **body: Any
    ) -> None:
        """Give an order of the loan, or of another facility."""
        named = self.loan if facility is None else facility
        command = Command(do, moment(when), by, named, body, by.partition(":")[0])
        self.home.order(command, source=self.recording.source)

    def step(self, step: str, by: str, *, when: str, **more: Any) -> None:
        """Play up to a moment and complete a step there."""
        self.until(when)
        self.order("complete_step", by, when=when, step=step, **more)

    def refuse(self, step: str, by: str, *, when: str) -> str:
        """Say why a step cannot be completed; nothing is paid out by trying."""
        with pytest.raises((Conflict, Forbidden)) as why:
            self.step(step, by, when=when)
        assert acts(self.home, kind="disbursement") == []
        return str(why.value)

    def devices(self, name: str, to: str, *, when: str) -> None:
        """Take the devices of that name of all things of the loan to a state."""
        for thing in sorted(self.home.flow.bank.desk.accounts[self.loan].members):
            told = {"device": f"{name} {thing.id}", "thing": str(thing), "reason": "by plan"}
            self.order("device", "supervisor:su", when=when, facility="", to=to, **told)


def case_verifies(home: Home, loan: str) -> None:
    """Audit the home, and check the loan's case file as a stranger would."""
    assert audit(home.folder, home.tenant).faults == []
    vkey = keys(home.folder, DEFAULT_TENANT)[0].vkey
    assert case.check_case(bundle(home.folder, DEFAULT_TENANT, facility=loan), key=vkey)


def _manifest(folder: Path, script: Script) -> Path:
    """A copy of the example in which the loan runs under its process."""
    example = EXAMPLES / script.example
    copy = folder / "example"
    shutil.copytree(example.parent, copy)
    manifest = copy / example.name
    text = manifest.read_text("utf-8")
    line = f'opened = "{script.opened}"\n'
    assert line in text
    text = text.replace(line, f"{line}process = true\nsupervision_days = {script.days}\n")
    manifest.write_text(text.split(script.before)[0] if script.before else text, "utf-8")
    return manifest
