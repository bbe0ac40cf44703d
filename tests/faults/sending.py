"""A process that makes acts and sends them to subscribers until it is killed, or all is sent.

python sending.py HOME URL make|drain
"""

import sys
import time
from pathlib import Path

from wuxin.home import Home
from wuxin.notify.courier import Courier, Ways
from wuxin.terms.records import Command


def deliver(home: Home, number: int) -> None:
    """Let one device be delivered, which is an act."""
    body = {"device": f"box-{number}", "to": "delivered", "reason": "it came"}
    home.order(Command("device", home.clock(), "installer:i", "", body), source="boxes")


def main(folder: Path, url: str, *, make: bool) -> None:
    """Run until killed, or until nothing waits."""
    with Home(folder) as home:
        home.attend("boxes", "logistics", things=[])
        if not home.flow.bank.subscribers.subscriptions:
            body = {"url": url, "kinds": ["device"]}
            home.order(Command("subscribe", home.clock(), "risk_officer:lin", "", body))
        [subscription] = home.flow.bank.subscribers.subscriptions
        with Courier(home, Ways(private=True), every_s=0.01) as courier:
            sys.stdout.write("up\n")
            sys.stdout.flush()
            number = len(home.flow.sources["boxes"].devices)
            while make:
                deliver(home, number)
                number += 1
            courier.collect()
            while courier.outbox.listed([subscription]):
                time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], make=sys.argv[3] == "make")
