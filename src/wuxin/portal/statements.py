"""Bank statements as files: read, kept by their digest, and told to the bank as orders.

    POST /api/bank/statements (XML)      wuxin bring-statement FILE

The message is kept in ``HOME/<tenant>/statements/<sha256>.xml`` before anything is told of it, so
that the digest in the journal always has its document.
"""

import os
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from wuxin.home import Home
from wuxin.portal import orders
from wuxin.portal.access import Session
from wuxin.portal.visit import Here
from wuxin.protocols.camt053 import LONGEST, read
from wuxin.terms.errors import BadInput, Forbidden
from wuxin.terms.names import digest

router: Final = APIRouter(prefix="/api", tags=["trade"])

ORDER: Final = "bank_statement"
_FORM: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"application/xml": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post("/bank/statements", openapi_extra=_FORM, response_model=list[orders.Obeyed])
async def bring_statements(request: Request, here: Here) -> list[dict[str, Any]]:
    """Bring in a camt.053 message (XML); each statement in it is an order ``bank_statement``.

    A statement that was brought before changes nothing.
    """
    _may(here.home, here.who)
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > LONGEST:
            raise BadInput(f"a statement has at most {LONGEST} bytes")
    return await run_in_threadpool(bring, here.home, here.who, data=data)


def bring(home: Home, session: Session, *, data: bytes) -> list[dict[str, Any]]:
    """Bring in a message with statements; what came of each.

    Raises:
        BadInput: it is no camt.053, or a statement does not add up.
        Conflict: a statement of this name was told with other content.
        Forbidden: the role may not.
    """
    _may(home, session)
    told = read(data)
    keep(home, data)
    return [
        orders.give(home, session, do=ORDER, body=msgspec.to_builtins(statement))
        for statement in told
    ]


def keep(home: Home, data: bytes) -> Path:
    """Keep a message under its digest, durably."""
    folder = home.folder / home.tenant / "statements"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest(data)}.xml"
    if not path.exists():
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    return path


def _may(home: Home, session: Session) -> None:
    order = home.flow.bank.orders[ORDER]
    if session.role not in order.by:
        raise Forbidden(f"the role {session.role} may not {order.words.en}")
