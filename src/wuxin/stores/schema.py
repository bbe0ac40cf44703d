"""The book's tables (SQLAlchemy Core). Every row stands under its tenant.

Times are int64 nanoseconds UTC; ``batch`` is the journal entry by which a row became known, so that
"what did we know at T" is a comparison of batches. Records are kept whole as canonical JSON.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata: Final = MetaData()


def _tenant() -> "Column[str]":
    return Column("tenant", String(63), primary_key=True)


batch: Final = Table(
    "batch",
    metadata,
    _tenant(),
    Column("n", BigInteger, primary_key=True),
    Column("source", String(120), nullable=False),
    Column("pack", String(40), nullable=False),
    Column("arrival", BigInteger, nullable=False),
    Column("entry", String(64), nullable=False),
    Column("accepted", Integer, nullable=False),
    Column("marked", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
    Column("log_size", BigInteger, nullable=False),
    Column("log_root", LargeBinary, nullable=False),
)

frame: Final = Table(
    "frame",
    metadata,
    _tenant(),
    Column("n", BigInteger, primary_key=True),
    Column("batch", BigInteger, nullable=False),
    Column("file", Text, nullable=False),
    Column("id", String(64), nullable=False, index=True),
)

thing: Final = Table(
    "thing",
    metadata,
    _tenant(),
    Column("pack", String(40), primary_key=True),
    Column("kind", String(60), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("source", String(120), nullable=False),
    Column("parent", String(261), nullable=False),
    Column("facts", Text, nullable=False),
    Column("batch", BigInteger, nullable=False),
)

finding: Final = Table(
    "finding",
    metadata,
    _tenant(),
    Column("id", String(64), primary_key=True),
    Column("pack", String(40), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("thing", String(200), nullable=False),
    Column("facility", String(120), nullable=False),
    Column("rule", String(80), nullable=False),
    Column("level", String(8), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("raised", BigInteger, nullable=False),
    Column("cleared", BigInteger),
    Column("value", Float),
    Column("limit", Float),
    Column("batch", BigInteger, nullable=False),
    Column("cleared_batch", BigInteger),
    Column("cleared_id", String(64)),
    Column("cleared_record", Text),
    Column("acknowledged_by", Text, nullable=False, default=""),
    Column("warning", String(64), nullable=False, server_default=""),
    Column("record", Text, nullable=False),
    Index("finding_warning", "tenant", "warning"),
    Index("finding_batch", "tenant", "batch"),
    Index("finding_open", "tenant", "cleared", "level", "raised"),
    Index("finding_thing", "tenant", "pack", "kind", "thing", "raised"),
)

act: Final = Table(
    "act",
    metadata,
    _tenant(),
    Column("id", String(64), primary_key=True),
    Column("pack", String(40), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("facility", String(120), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("record", Text, nullable=False),
    Index("act_facility", "tenant", "facility", "at"),
    Index("act_batch", "tenant", "batch"),
)

warning: Final = Table(
    "warning",
    metadata,
    _tenant(),
    Column("id", String(64), primary_key=True),
    Column("pack", String(40), nullable=False),
    Column("facilities", Text, nullable=False),
    Column("rule", String(80), nullable=False),
    Column("level", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("role", String(40), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("raised", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("snapshot", Text, nullable=False),
    Index("warning_state", "tenant", "state", "raised"),
)

reached: Final = Table(
    "reached",
    metadata,
    _tenant(),
    Column("batch", BigInteger, nullable=False),
)
"""Up to which batch records were laid into the outbox."""

outbox: Final = Table(
    "outbox",
    metadata,
    _tenant(),
    Column("id", String(64), primary_key=True),
    Column("subscription", String(64), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("record", String(64), nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("made", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("state", String(10), nullable=False),
    Column("said", Text, nullable=False),
    Index("outbox_waiting", "tenant", "state", "subscription", "batch", "place"),
)
"""What is to be sent: ``waiting``, ``sent`` or ``parked``; times are arrival times (ns)."""

facility: Final = Table(
    "facility",
    metadata,
    _tenant(),
    Column("id", String(120), primary_key=True),
    Column("pack", String(40), nullable=False),
    Column("source", String(120), nullable=False),
    Column("batch", BigInteger, nullable=False),
    Column("snapshot", Text, nullable=False),
)

receipt: Final = Table(
    "receipt",
    metadata,
    _tenant(),
    Column("kind", String(10), primary_key=True),
    Column("record", String(64), primary_key=True),
    Column("leaf", BigInteger, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("batch", BigInteger, nullable=False),
)

account: Final = Table(
    "account",
    metadata,
    _tenant(),
    Column("name", String(120), primary_key=True),
    Column("role", String(40), nullable=False),
    Column("party", String(120), nullable=False),
    Column("password", Text, nullable=False),
    Column("must_change", Boolean, nullable=False),
    Column("expires", BigInteger),
)
