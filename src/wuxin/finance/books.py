"""The books of one bank that all its counters share: who pledged what, and what is owed."""

from wuxin.finance.ledger import Ledger
from wuxin.finance.pledges import Register


class Books:
    """The register of pledges and the ledger of one tenant."""

    def __init__(self) -> None:
        self.register = Register()
        self.ledger = Ledger()
        self.entries = 0
        """How many entries the ledger has, over all facilities."""
