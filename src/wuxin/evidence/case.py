"""Check a case file, alone: ``python verify.py FILE [--key KEY]`` needs nothing but Python 3.11.

A case file is a ZIP of plain files about one facility or finding. It is right if all of this holds;
otherwise the program names the first thing that is wrong and exits with 1.

    container    packing the parts again gives the same file, byte for byte
    manifest     lists every part with its SHA-256
    checkpoint   three lines about a log, with an Ed25519 signature of log.vkey
    anchor       an earlier checkpoint, seen by outsiders, that this one extends
    witnesses    cosignatures of the keys in witnesses.vkey on it
    records      salt ‖ record → commitment → leaf → path → root in the checkpoint
    causes       every cause that a record names is here, and its content gives its name

The text of records is JSON; what is hashed is the same in deterministic CBOR (RFC 8949 §4.2.1).
Source: C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof; RFC 9162 §2.1.3, §2.1.4.
"""

import base64
import hashlib
import io
import json
import re
import struct
import sys
import zipfile
import zlib
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

FORMAT: Final = "wuxin case file 1"
MANIFEST: Final = "manifest.json"
_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_ROOT_OF_MINUS_1: Final = pow(2, (_P - 1) // 4, _P)
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")
Point = tuple[int, int]
Parts = dict[str, bytes]


class WrongError(Exception):
    """The first thing that is wrong with a case file, in English and Chinese."""


def demand(holds: object, message: str) -> None:
    """Raise :class:`WrongError` unless something holds."""
    if not holds:
        raise WrongError(message)


def pack(parts: Parts) -> bytes:
    """The one ZIP of these parts: by name, not compressed, without times, so always the same bytes.

    Source: PKWARE APPNOTE 6.3.10, 4.3.7, 4.3.12 and 4.3.16.
    """
    body, directory = io.BytesIO(), io.BytesIO()
    for name in sorted(parts):
        data, label = parts[name], name.encode("ascii")
        # version 2.0, no flags, stored, midnight of 1 January 1980
        fields = struct.pack("<HHHHH", 20, 0, 0, 0, 33)
        fields += struct.pack("<IIIHH", zlib.crc32(data), len(data), len(data), len(label), 0)
        attributes = struct.pack("<HHHII", 0, 0, 0, 0, body.tell())
        directory.write(b"PK\1\2\x14\0" + fields + attributes + label)
        body.write(b"PK\3\4" + fields + label + data)
    where, what = body.tell(), directory.getvalue()
    body.write(what + b"PK\5\6")
    body.write(struct.pack("<HHHHIIH", 0, 0, len(parts), len(parts), len(what), where, 0))
    return body.getvalue()


def unpack(data: bytes) -> Parts:
    """The parts of a case file whose every byte is accounted for.

    Raises:
        WrongError: it is not the file that :func:`pack` makes of its parts.
    """
    parts = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            for found in file.infolist():
                stored = found.compress_type == zipfile.ZIP_STORED
                parts[found.filename] = file.read(found) if stored else b""
        same = pack(parts) == data
    except (zipfile.BadZipFile, ValueError, LookupError, OSError, EOFError, RuntimeError,
            OverflowError, struct.error) as error:  # fmt: skip
        raise WrongError(f"The file is no ZIP: {error}. 文件不是可读的 ZIP。") from None
    demand(same, "The ZIP was changed outside its parts. ZIP 结构在各部分之外被改动。")
    return parts


def listed(parts: Parts) -> dict[str, Any]:
    """The manifest, with which every part agrees.

    Raises:
        WrongError: a part is missing, changed or not listed.
    """
    data = parts.get(MANIFEST, b"")
    try:
        manifest = json.loads(data)
        files = dict(manifest["files"])
        same = plain_json(manifest) == data and manifest["format"] == FORMAT
    except (ValueError, KeyError, TypeError, RecursionError):
        files, same, manifest = {}, False, {}
    demand(same, f"{MANIFEST} is damaged. {MANIFEST} 已损坏。")
    for name in sorted({*files, *parts} - {MANIFEST}):
        right = name in parts and files.get(name) == hashlib.sha256(parts[name]).hexdigest()
        demand(right, f"{name} is not the part that {MANIFEST} lists. {name} 与清单不符。")
    return dict(manifest)


def plain_json(value: Any) -> bytes:
    """JSON in the one spelling of a case file."""
    said = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)
    return said.encode() + b"\n"


def cbor(value: Any) -> bytes:
    """Deterministic CBOR of plain values (RFC 8949 §4.2.1)."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, float):
        return _cbor_float(value)
    if isinstance(value, int):
        return _cbor_head(0, value) if value >= 0 else _cbor_head(1, -1 - value)
    if isinstance(value, list):
        return _cbor_head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        pairs = sorted(cbor(name) + cbor(inner) for name, inner in value.items())
        return _cbor_head(5, len(pairs)) + b"".join(pairs)
    data = value if isinstance(value, bytes) else value.encode()
    return _cbor_head(2 if data is value else 3, len(data)) + data


def _cbor_float(value: float) -> bytes:
    """The shortest form that gives the value back; what is not a number has one form."""
    if value != value:  # noqa: PLR0124
        return b"\xf9\x7e\x00"
    for first, form in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            short = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, short)[0] == value:
            return first + short
    return b"\xfb" + struct.pack(">d", value)


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    size = next(i for i in range(4) if number < 1 << (8 << i))
    return bytes([major << 5 | 24 + size]) + number.to_bytes(1 << size, "big")


def content_id(value: Any) -> str:
    """The name of a record: SHA-256 of its CBOR, in hexadecimal."""
    return hashlib.sha256(cbor(value)).hexdigest()


def frame_id(about: dict[str, Any], payload: bytes, *, lines: bytes) -> str:
    """The name of a frame: SHA-256 of source, stream, lines and payload, in hexadecimal."""
    head = f"{about['source']}\0{about['stream']}\0{len(lines)}\0".encode()
    return hashlib.sha256(head + lines + payload).hexdigest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(index: int, size: int, *, leaf: bytes, path: list[bytes]) -> bytes:
    """The root to which a path leads from an entry; empty if it is no path (RFC 9162 §2.1.3.2)."""
    node, last, found = index, size - 1, hashlib.sha256(b"\0" + leaf).digest()
    for hashed in path if index < size else [b""]:
        if last <= 0:
            return b""
        if node & 1 or node == last:
            found = _node(hashed, found)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = _node(found, hashed)
        node, last = node >> 1, last >> 1
    return b"" if last else found


def extends(old: tuple[int, bytes], new: tuple[int, bytes], *, path: list[bytes]) -> bool:
    """Whether the tree of ``new`` (size and root) begins with ``old`` (RFC 9162 §2.1.4.2)."""
    if not 0 < old[0] <= new[0]:
        return False
    if old[0] == new[0]:
        return not path and old[1] == new[1]
    hashes = [old[1], *path] if old[0] & (old[0] - 1) == 0 else path
    node, last = old[0] - 1, new[0] - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    older = newer = hashes[0] if hashes else b""
    for hashed in hashes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            older, newer = _node(hashed, older), _node(hashed, newer)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            newer = _node(newer, hashed)
        node, last = node >> 1, last >> 1
    return last == 0 and (older, newer) == (old[1], new[1])


# ── Ed25519 (RFC 8032 §5.1), for checking only: nothing here is secret, so nothing need be quick ──


def signed(public: bytes, message: bytes, *, signature: bytes) -> bool:
    """Whether a signature is that of a public key over a message."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, scalar = _point(public), int.from_bytes(signature[32:], "little")
    if key is None or scalar >= _L:
        return False
    asked = hashlib.sha512(signature[:32] + public + message).digest()
    minus = (-key[0] % _P, key[1])
    found = _add(_times(scalar, _BASE), _times(int.from_bytes(asked, "little") % _L, minus))
    return (found[1] | (found[0] & 1) << 255).to_bytes(32, "little") == signature[:32]


def _point(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    y, sign = y & ((1 << 255) - 1), y >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    x = x if x * x % _P == square else x * _ROOT_OF_MINUS_1 % _P
    if y >= _P or x * x % _P != square or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else _P - x), y


def _add(a: Point, b: Point) -> Point:
    cross = _D * a[0] * b[0] * a[1] * b[1] % _P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + cross, -1, _P) % _P
    return x, (a[1] * b[1] + a[0] * b[0]) * pow(1 - cross, -1, _P) % _P


def _times(factor: int, point: Point) -> Point:
    found = (0, 1)
    while factor:
        found = _add(found, point) if factor & 1 else found
        point, factor = _add(point, point), factor >> 1
    return found


_BASE: Final = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or (0, 1)


class Checkpoint:
    """A signed checkpoint, read: whose log, how many entries, the root over them, who signed.

    Raises:
        WrongError: the text is not a checkpoint.
    """

    def __init__(self, parts: Parts, name: str) -> None:
        self.text, self.name = text(parts, name), name
        body, _, tail = self.text.rpartition("\n\n")
        self.body, lines = f"{body}\n", body.split("\n")
        signatures = re.findall(r"^— ([^ \n]+) ([^ \n]+)$", tail, re.MULTILINE)
        fine = len(lines) >= 3 and bool(_NUMBER.fullmatch(lines[1])) and tail.endswith("\n")
        fine = fine and 0 < len(signatures) == tail.count("\n")
        demand(fine, f"{name} is not a signed checkpoint. {name} 不是签名检查点。")
        self.origin, self.size, self.root = lines[0], int(lines[1]), _base64(lines[2], name)
        self.signatures = [(who, _base64(blob, name)) for who, blob in signatures]

    def signed_by(self, vkey: str) -> int | None:
        """When that key signed (s since 1970; 0 for a log's key), or None where it did not.

        Raises:
            WrongError: a signature of that key is there, and does not fit; or it is no key.
        """
        name, _, encoded = [*vkey.split("+", 2), "", ""][:3]
        key = _base64(encoded, "the key")
        ident = hashlib.sha256(f"{name}\n".encode() + key).digest()[:4]
        whole = key[:1] in (b"\1", b"\4") and f"{name}+{ident.hex()}+{encoded}" == vkey
        demand(whole, f"The key {vkey} is damaged. 公钥 {vkey} 已损坏。")
        witness = key[:1] == b"\4"
        for who, blob in self.signatures:
            if (who, blob[:4]) == (name, ident):
                at = int.from_bytes(blob[4:12], "big") if witness else 0
                said = f"cosignature/v1\ntime {at}\n{self.body}" if witness else self.body
                right = signed(key[1:], said.encode(), signature=blob[12 if witness else 4 :])
                demand(right, f"The signature of {name} on {self.name} is wrong. 签名不符。")
                return at
        return None


def anchored(parts: Parts, checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint that outsiders saw: this one, or an earlier one that it is shown to extend.

    Raises:
        WrongError: the checkpoint of the case file does not extend it.
    """
    if "anchor/checkpoint" not in parts:
        return checkpoint
    old, where = Checkpoint(parts, "anchor/checkpoint"), "anchor/consistency"
    path = [_base64(line, where) for line in text(parts, where).splitlines()]
    right = extends((old.size, old.root), (checkpoint.size, checkpoint.root), path=path)
    right = right and old.origin == checkpoint.origin
    demand(right, f"The checkpoint does not extend {old.name}. 检查点不是锚定检查点的延续。")
    return old


def text(parts: Parts, name: str) -> str:
    """The text of a part, which must be there and be UTF-8."""
    try:
        return parts[name].decode()
    except (KeyError, UnicodeDecodeError):
        raise WrongError(f"{name} is missing or no text. {name} 缺失或不是文本。") from None


def _base64(line: str, where: str) -> bytes:
    try:
        data = base64.b64decode(line, validate=True)
    except ValueError:
        data = b""
    same = base64.b64encode(data).decode() == line
    demand(same, f"{where} holds what is not base64. {where} 含有非 base64 内容。")
    return data


def name_of(kind: str, record: dict[str, Any]) -> str:
    """The name that a record's own content gives it."""
    said = record.get
    if kind == "batch":
        return content_id(["batch", said("n"), said("entry")])
    if kind == "finding":
        times = [said("since"), said("raised")]
        return content_id(["finding", said("tenant"), *record["thing"], said("rule"), *times])
    if kind == "cleared":
        return content_id(["cleared", said("tenant"), said("finding"), said("at")])
    place = [said("tenant"), said("kind"), said("facility"), said("at")]
    return content_id(["act", *place, said("figures")])


def check_record(parts: Parts, about: dict[str, Any], *, checkpoint: Checkpoint) -> str:
    """Follow one record up to the signed root; returns its name.

    Raises:
        WrongError: record, salt, leaf, path or place do not fit together.
    """
    index, kind, record, name = about["leaf"], about["kind"], about["record"], about["id"]
    what, stem = f"{kind} {name[:16]}", f"{index:012d}"
    commit = hashlib.sha256(bytes.fromhex(about["salt"]) + cbor(record)).digest()
    leaf = cbor({"v": 1, "kind": kind, "n": about["n"], "at": about["at"], "commit": commit})
    right = parts.get(f"leaves/{stem}.leaf") == leaf
    demand(right, f"{what} is not what leaf {stem} commits to. {what} 与叶子 {stem} 的承诺不符。")
    proof = f"proofs/{stem}.tlog-proof"
    top, _, below = text(parts, proof).partition("\n\n")
    lines = top.split("\n")
    path = [_base64(line, proof) for line in lines[2:]]
    right = lines[:2] == ["c2sp.org/tlog-proof@v1", f"index {index}"] and below == checkpoint.text
    right = right and root_of(index, checkpoint.size, leaf=leaf, path=path) == checkpoint.root
    demand(right, f"{proof} does not lead to the signed root. {proof} 推不出已签名的根。")
    demand(name == name_of(kind, record), f"{what} has another's name. {what} 名称与内容不符。")
    return str(name)


def check_causes(parts: Parts, records: dict[str, Any]) -> tuple[int, int]:
    """Find every cause that a record names; returns how many are whole, and how many deleted.

    Raises:
        WrongError: a cause is missing or changed.
    """
    found = {}
    for about in json.loads(text(parts, "commands.json")):
        gone, name = "gone" in about, about["id"]
        right = gone or content_id(["command", *about["command"]]) == name
        demand(right, f"Command {name[:16]} was changed. 指令 {name[:16]} 被改动。")
        found[name] = gone
    for about in json.loads(text(parts, "frames.json")):
        gone, name = "gone" in about, about["id"]
        payload, lines = (parts.get(f"frames/{name}.{part}", b"") for part in ("payload", "lines"))
        right = gone or frame_id(about, payload, lines=lines) == name
        demand(right, f"Frame {name[:16]} was changed. 原始帧 {name[:16]} 被改动。")
        found[name] = gone
    for name, about in records.items():
        for cause in about["record"].get("because", ()):
            right = cause["id"] in found or cause["id"] in records
            what = f"{cause['kind']} {cause['id'][:16]}"
            demand(right, f"{what}, a cause of {name[:16]}, is missing. 依据 {what} 缺失。")
    return len(found) - sum(found.values()), sum(found.values())


def check_case(data: bytes, *, key: str = "") -> list[str]:
    """Check a whole case file; returns sentences, in English and Chinese, on what was found good.

    Args:
        data: the file's bytes.
        key: the log's verifier key, as its holder gave it out; the one in the file if empty.

    Raises:
        WrongError: the first thing that is wrong.
    """
    parts = unpack(data)
    manifest = listed(parts)
    try:
        return _check_parts(parts, manifest.get("finding") or manifest["facility"], key=key)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise WrongError(f"A part is not of its form: {error!r}. 某部分格式不符。") from None


def _check_parts(parts: Parts, subject: str, *, key: str) -> list[str]:
    count, records = len(parts) - 1, {}
    said = [f"The file is whole: {count} parts as listed.", f"文件完整：{count} 个部分与清单一致。"]
    checkpoint, vkey = Checkpoint(parts, "checkpoint"), text(parts, "log.vkey").removesuffix("\n")
    demand(key in ("", vkey), f"The key is {vkey}, not the one given. 公钥与给定的不符。")
    right = checkpoint.signed_by(vkey) == 0
    demand(right, "The checkpoint bears no signature of log.vkey. 检查点没有 log.vkey 的签名。")
    origin, size = checkpoint.origin, checkpoint.size
    said += [
        f"The key {vkey} signed the log {origin} with {size} entries.",
        f"该公钥签署了日志 {origin}，共 {size} 条。",
        *_outsiders(parts, checkpoint, vkey=vkey),
    ]
    for about in json.loads(text(parts, "records.json")):
        records[check_record(parts, about, checkpoint=checkpoint)] = about
    kinds = Counter(about["kind"] for about in records.values())
    named = {*records, *(about["record"].get("facility") for about in records.values())}
    demand(subject in named, f"No record here is of {subject}. 文件中没有 {subject} 的记录。")
    counts = [kinds[kind] for kind in ("act", "finding", "cleared", "batch")]
    whole, gone = check_causes(parts, records)
    return [
        *said,
        "In that log and unchanged: {} acts, {} findings, {} ends, {} batches.".format(*counts),
        "在该日志中且未改动：行动 {}、发现 {}、解除 {}、批次 {}。".format(*counts),
        f"Causes: {whole} frames and commands byte for byte; {gone} as digests, deleted by policy.",
        f"依据齐全：{whole} 个逐字节一致；{gone} 个已按制度删除，仅存摘要。",
    ]


def _outsiders(parts: Parts, checkpoint: Checkpoint, *, vkey: str) -> list[str]:
    """What witnesses and timestamps say of the checkpoint, or of the anchored one below it."""
    said, anchor = [], anchored(parts, checkpoint)
    if anchor is not checkpoint:
        demand(anchor.signed_by(vkey) == 0, "The anchor is not signed. 锚定检查点未签名。")
        said += [
            f"It extends, with nothing removed, the anchored checkpoint of {anchor.size} entries.",
            f"它延续了 {anchor.size} 条时的锚定检查点，未删改任何条目。",
        ]
    for witness in parts.get("witnesses.vkey", b"").decode().splitlines():
        at = anchor.signed_by(witness)
        demand(at is not None, f"A cosignature of {witness} is missing. 缺少该见证方的签名。")
        when = datetime.fromtimestamp(at or 0, UTC).isoformat()
        said += [f"The witness {witness} saw it at {when}.", f"该见证方于 {when} 见证。"]
    if "anchor/timestamp.tsr" in parts:
        right = hashlib.sha256(anchor.text.encode()).digest() in parts["anchor/timestamp.tsr"]
        demand(right, "The timestamp is of something else. 时间戳对应的不是该检查点。")
        said += [
            "It has an RFC 3161 timestamp; its signature is not checked here: see README.txt.",
            "附 RFC 3161 时间戳；其签名此处未核验，方法见 README.txt。",
        ]
    if "anchor/chain.txt" in parts:
        chain, place, digest = text(parts, "anchor/chain.txt").rstrip("\n").split("\t")
        right = digest == hashlib.sha256(anchor.body.encode()).hexdigest()
        demand(right, "The chain is told to hold another digest. 链上摘要与检查点不符。")
        said.append(f"Look up {digest} at {place} of the {chain}. 请据此查对。")
    return said


LIMITS: Final = (
    "Not shown: that readings were true when made; that nothing else happened; when a batch came.",
    "Compare the keys with those that their holders gave out to all.",
    "不证明：读数产生时为真；没有其他事件；批次到达时间（仅为日志持有方所记）。请核对公钥来源。",
)


def report(data: bytes, *, key: str = "") -> str:
    """What a check of a case file found, as lines of text, with the file's SHA-256."""
    end = f"In order. 核验通过。SHA-256 {hashlib.sha256(data).hexdigest()}\n"
    return "\n".join([*check_case(data, key=key), *LIMITS, end])


def main(arguments: list[str]) -> int:
    """Check the file that is named; returns 0 if it is right, 1 if not, 2 if it cannot be read."""
    file, option, key = [*arguments, "", "", ""][:3]
    if not file or option not in ("", "--key") or len(arguments) == 2:
        sys.stderr.write("python verify.py FILE [--key KEY]\n")
        return 2
    try:
        sys.stdout.write(report(Path(file).read_bytes(), key=key.strip()))
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except WrongError as wrong:
        sys.stderr.write(f"WRONG 有误: {wrong}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
