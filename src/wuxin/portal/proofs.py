"""View evidence (查看存证): from a number on a screen to raw bytes and a proof anyone can check."""

import json
from typing import Any, Final

from wuxin.anchoring import covering
from wuxin.evidence.leaf import read_leaf
from wuxin.evidence.note import open_checkpoint
from wuxin.evidence.proof import Disclosed, prove, to_json, under, write_proof
from wuxin.flow import DEVICE
from wuxin.home import Home
from wuxin.packs import schema
from wuxin.portal import queries, views
from wuxin.portal.access import Session
from wuxin.slices import batch_id, batch_of
from wuxin.stores import schema as tables
from wuxin.stores.journal import Arrived
from wuxin.terms.clock import iso, moment
from wuxin.terms.errors import Gone, NotFound

_DEPTH: Final = 6


def of_record(home: Home, session: Session, *, record: str) -> dict[str, Any]:
    """The proof of a batch, finding or act, what it came from, and the record itself.

    Raises:
        NotFound: there is no such record that the session may see.
    """
    receipt = home.book.receipt(session.tenant, record)
    if receipt is None:
        raise NotFound(f"there is no receipt for {record!r}")
    whole = _record(home, session, kind=receipt["kind"], key=record, batch=receipt["batch"])
    proof = prove(home.log, receipt["leaf"])
    leaf = home.log.entry(receipt["leaf"])
    head = open_checkpoint(proof.checkpoint, home.signer.vkey)
    return {
        "kind": receipt["kind"],
        "record_id": record,
        "leaf": receipt["leaf"],
        "committed": read_leaf(leaf).commit.hex(),
        "batch": receipt["batch"],
        "origin": home.log.origin,
        "verifier_key": home.signer.vkey,
        "proof": to_json(proof, leaf, head=head, disclosed=Disclosed(receipt["salt"], whole)),
        "because": _because(home, session, causes=whole.get("because", ()), depth=_DEPTH),
    }


def of_reading(
    home: Home, session: Session, *, key: tuple[str, str, str], indicator: str, time: str
) -> dict[str, Any]:
    """The bytes behind one value and the proof of the batch that brought them.

    Raises:
        NotFound: there is no such reading that the session may see.
    """
    queries.thing(home, session, key=key, at=0)
    given: dict[str, Any] = dict(zip(("pack", "kind", "thing"), key, strict=True))
    given |= {"indicator": indicator, "at": moment(time)}
    found = home.history.query(
        "SELECT * FROM readings WHERE pack = $pack AND kind = $kind AND thing = $thing AND "
        "indicator = $indicator AND event_time // 1000 = $at // 1000 ORDER BY batch DESC LIMIT 1",
        given,
    ).to_pylist()
    if not found:
        raise NotFound(f"{key[2]} reported no {indicator} at {time}")
    row = found[0]
    pack = schema.load(key[0])
    batch = home.book.rows(tables.batch, session.tenant, n=row["batch"])[0]
    frames = [
        _line(home, session, number=ref >> 32, line=ref & 0xFFFFFFFF)
        for ref in dict.fromkeys((row["first"], row["last"]))
    ]
    return {
        "reading": views.reading(row, pack),
        "derived": pack.indicators[indicator].derived,
        "frames": frames,
        "batch": {"n": batch["n"], "source": batch["source"], "arrival": iso(batch["arrival"])},
        "evidence": of_record(home, session, record=batch_id(dict(batch))),
    }


def file_of(home: Home, session: Session, *, record: str) -> str:
    """The text of the ``.tlog-proof`` file of a record (C2SP tlog-proof).

    Where witnesses have cosigned a checkpoint that covers it, it stands under that one.

    Raises:
        NotFound: there is no such record that the session may see.
    """
    of_record(home, session, record=record)
    receipt = home.book.receipt(session.tenant, record)
    assert receipt is not None
    index = receipt["leaf"]
    text = covering(home.folder / session.tenant, index)
    if text is None:
        return write_proof(prove(home.log, index))
    head = open_checkpoint(text, home.signer.vkey)
    return write_proof(under(home.log, index, checkpoint=text, head=head))


def _record(home: Home, session: Session, *, kind: str, key: str, batch: int) -> dict[str, Any]:
    """A record as its leaf commits to it."""
    if kind == "batch":
        return batch_of(home.book.rows(tables.batch, session.tenant, n=batch)[0])
    if kind == "finding":
        queries.one_finding(home, session, name=key)
        return dict(json.loads(home.book.rows(tables.finding, session.tenant, id=key)[0]["record"]))
    if kind == "act":
        row = home.book.rows(tables.act, session.tenant, id=key)[0]
        if row["facility"] and not session.sees_all:
            queries.facility(home, session, name=row["facility"])
        whole = dict(json.loads(row["record"]))
        if row["kind"] == DEVICE and not queries.visible(home, session, rows=[whole["figures"]]):
            raise NotFound(f"there is no receipt for {key!r}")
        return whole
    row = home.book.rows(tables.finding, session.tenant, cleared_id=key)[0]
    return dict(json.loads(row["cleared_record"]))


def _because(home: Home, session: Session, *, causes: Any, depth: int) -> list[dict[str, Any]]:
    """The causes of a record, and theirs, down to frames: how a margin call walks back to bytes."""
    found = []
    for told in causes:
        view = {"kind": told["kind"], "id": told["id"]}
        if told["kind"] == "frame":
            rows = home.book.rows(tables.frame, session.tenant, id=told["id"])
            lines = told.get("lines") or (0, 0)
            view |= {"file": told.get("source", ""), "lines": list(lines)}
            if rows:
                view |= {"batch": rows[0]["batch"]}
                view |= _line(home, session, number=rows[0]["n"], line=lines[0])
        elif depth and home.book.receipt(session.tenant, told["id"]):
            receipt = home.book.receipt(session.tenant, told["id"])
            assert receipt is not None
            whole = _record(
                home, session, kind=told["kind"], key=told["id"], batch=receipt["batch"]
            )
            view |= {"what": whole.get("rule") or whole.get("kind"), "leaf": receipt["leaf"]}
            view["reasons"] = whole.get("reasons", [])
            view["because"] = _because(
                home, session, causes=whole.get("because", ()), depth=depth - 1
            )
        found.append(view)
    return found


def _line(home: Home, session: Session, *, number: int, line: int) -> dict[str, Any]:
    """One line of a frame as it came, from the journal; or that a policy has deleted it."""
    rows = home.book.rows(tables.frame, session.tenant, n=number)
    if not rows:
        raise NotFound(f"frame {number} is not in the book")
    row = rows[0]
    try:
        entry = home.journal.entry(row["batch"])
    except Gone as wrong:
        gone = {"policy": wrong.policy, "on": wrong.on, "text": str(wrong)}
        return {"file": row["file"], "line": line, "header": [], "bytes": "", "frame": row["id"],
                "gone": gone}  # fmt: skip
    assert isinstance(entry, Arrived)
    frame = next(f for f in entry.frames if f.id == row["id"])
    header, text = home.flow.sources[entry.source].shown(frame, line)
    return {
        "file": row["file"],
        "line": line,
        "header": list(header),
        "bytes": text,
        "frame": row["id"],
    }
