"""Killed at any moment, the house tells its subscribers everything, each under one id."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from tests.receivers import receiver
from wuxin.home import Home

SENDING = Path(__file__).with_name("sending.py")
KILLS = 5


def started(folder: Path, url: str, *, what: str) -> subprocess.Popen[bytes]:
    told = [sys.executable, str(SENDING), str(folder), url, what]
    process = subprocess.Popen(told, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    return process


def test_nothing_is_lost_and_nothing_skipped_over_kill_9(tmp_path: Path) -> None:
    dice = random.Random(9)  # noqa: S311 - a repeatable choice, nothing secret
    with receiver() as there:
        for _ in range(KILLS):
            process = started(tmp_path, there.url(), what="make")
            before = len(there.taken)
            deadline = time.monotonic() + 30
            while len(there.taken) < before + dice.randrange(5, 60):
                assert time.monotonic() < deadline
                time.sleep(0.001)
            os.kill(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        process = started(tmp_path, there.url(), what="drain")
        assert process.wait(60) == 0
        with Home(tmp_path) as home:
            acts = {row["id"] for row in home.book.acts(home.tenant, {"kind": "device"})}
        sent = Counter(message.id for message in there.taken)
        told = {json.loads(message.body)["data"]["id"] for message in there.taken}
    assert len(acts) > KILLS * 5
    assert told == acts
    assert len(sent) == len(acts)
    assert sum(sent.values()) - len(sent) <= KILLS  # at most the one that was under way
