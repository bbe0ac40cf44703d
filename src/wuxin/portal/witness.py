"""A small witness as a server: what a borrower, a warehouse or an insurer runs for a log."""

from pathlib import Path
from typing import Final

import uvicorn
from fastapi import FastAPI, Request, Response

from wuxin.evidence.cosignature import Cosigner
from wuxin.evidence.note import Verifier
from wuxin.evidence.witness import Witness
from wuxin.terms.clock import Clock

_MOST: Final = 1 << 16


def app_of(witness: Witness, clock: Clock) -> FastAPI:
    """The server of one witness: ``POST /add-checkpoint`` and nothing else (C2SP tlog-witness)."""
    app = FastAPI(title="Wuxin witness", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/add-checkpoint")
    async def add_checkpoint(request: Request) -> Response:
        """Answer a request to cosign."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST:
                return Response(status_code=413)
        answer = witness.add_checkpoint(body, now=clock() // 10**9)
        kind = {"Content-Type": answer.content_type}
        return Response(answer.body, status_code=answer.status, headers=kind)

    return app


def serve(folder: Path, *, name: str, logs: tuple[str, ...], clock: Clock, port: int) -> None:
    """Serve a witness on loopback until it is stopped; its key is made at the first start.

    The origin of a log is taken to be the name of its key, as is the custom.

    Raises:
        BadInput: a log's key is no verifier key, or the witness's name cannot be one.
    """
    cosigner = Cosigner.from_file(folder / "witness.key", name=name)
    watched = {Verifier.parse(vkey).name: vkey for vkey in logs}
    witness = Witness(folder / "logs", cosigner=cosigner, logs=watched)
    uvicorn.run(app_of(witness, clock), host="127.0.0.1", port=port, log_level="warning")
