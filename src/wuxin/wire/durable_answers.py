"""How "it is durable" finds its way back to an adapter's event loop."""

import asyncio
from collections.abc import Callable


def in_this_loop(answer: Callable[[], None]) -> Callable[[], None]:
    """What to give as ``acknowledge`` so that ``answer`` runs in the loop that runs now.

    Where the loop has ended meanwhile, the intake is told that the sender has gone.
    """
    loop = asyncio.get_running_loop()

    def acknowledge() -> None:
        try:
            loop.call_soon_threadsafe(answer)
        except RuntimeError:
            raise ConnectionError("the adapter has been stopped") from None

    return acknowledge
