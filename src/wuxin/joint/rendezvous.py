"""The line between the three nodes: SPU's link over TLS, and what they make sure of on it.

TLS lets in who has a certificate of the nodes' authority. Before anything secret is sent, each
node signs what it is about to do, with a nonce of each of the three, under the key that the
contract has for it; so a certificate alone does not make a node, and three nodes that were given
different contracts, programs or shares find out before they begin.
"""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from wuxin.joint.channel import Papers
from wuxin.joint.contract import Contract
from wuxin.joint.extra import need
from wuxin.terms.errors import Forbidden
from wuxin.terms.names import canonical

_DOMAIN: Final = b"wuxin joint rendezvous v1\n"
_RETRY_MS: Final = 100


def connect(contract: Contract, rank: int, *, listen: str, papers: Papers, wait_s: int) -> Any:
    """Connect the three nodes.

    Args:
        contract: names them and says where they are.
        rank: which of them this is.
        listen: where this one listens; others reach it under the address in the contract.
        papers: certificate, key and authority of the nodes' line.
        wait_s: how long the others may take to come, and one of their messages.

    Returns:
        SPU's link context.

    Raises:
        RuntimeError: from SPU, where a node cannot be reached or has the wrong papers.
    """
    link = need("spu").libspu.link
    desc = link.Desc()
    desc.id = contract.id
    for at, name in enumerate(contract.nodes):
        desc.add_party(name, listen if at == rank else contract.party(name).link)
    desc.connect_retry_interval_ms = _RETRY_MS
    desc.connect_retry_times = wait_s * 1000 // _RETRY_MS
    desc.recv_timeout_ms = desc.http_timeout_ms = wait_s * 1000
    desc.enable_ssl = True
    for options in (desc.client_ssl_opts, desc.server_ssl_opts):
        options.cert.certificate_path = str(papers.certificate)
        options.cert.private_key_path = str(papers.key)
        options.verify.ca_file_path = str(papers.authority)
        options.verify.verify_depth = 1
    return link.create_brpc(desc, rank)


def agree(
    line: Any, contract: Contract, *, rank: int, key: Ed25519PrivateKey, program: str,
    inputs: Mapping[str, tuple[str, str]],
) -> None:  # fmt: skip
    """Make sure that the three are who they should be and are about to do the same.

    Args:
        line: from :func:`connect`.
        contract: what this node goes by.
        rank: which node this is.
        key: its signing key.
        program: the digest of what it compiled.
        inputs: for each table the commitments of the two parts that it holds.

    Raises:
        Forbidden: a node is not the one of the contract, or is about to do something else.
    """
    nonces = line.all_gather(secrets.token_hex(16))
    mine = canonical(
        {
            "contract": contract.id,
            "program": program,
            "inputs": {t: [*h] for t, h in inputs.items()},
        }
    )
    signature = key.sign(_said(mine, nonces, rank=rank))
    said = line.all_gather(base64.b64encode(canonical([mine, signature])).decode())
    for at, text in enumerate(said):
        name = contract.nodes[at]
        theirs, signed = cbor2.loads(base64.b64decode(text))
        try:
            known = Ed25519PublicKey.from_public_bytes(bytes.fromhex(contract.party(name).key))
            known.verify(signed, _said(theirs, nonces, rank=at))
        except InvalidSignature:
            raise Forbidden(f"who sits on the line as {name} has not its key") from None
        _same(contract, cbor2.loads(theirs), rank=at, program=program)


def common_salts(line: Any, rank: int) -> tuple[bytes, bytes]:
    """A salt for each of the two parts this node holds, known to the node that holds it too.

    Under them the nodes put on record what parts of a result they held, so that they can be
    compared afterwards, and a third who guesses at a result cannot check the guess.
    """
    mine = secrets.token_hex(32)
    line.send((rank + 2) % 3, mine)
    other = line.recv((rank + 1) % 3)
    return bytes.fromhex(mine), bytes.fromhex(other.decode())


def common_digest(salt: bytes, content: bytes) -> str:
    """The salted digest of one part of a result, in hexadecimal."""
    return hashlib.sha256(salt + content).hexdigest()


def _same(contract: Contract, theirs: Mapping[str, Any], *, rank: int, program: str) -> None:
    name = contract.nodes[rank]
    if theirs["contract"] != contract.id:
        raise Forbidden(f"{name} goes by another contract: {theirs['contract'][:12]}")
    if theirs["program"] != program:
        raise Forbidden(f"{name} has another program: {theirs['program'][:12]}")
    for each in contract.inputs:
        if theirs["inputs"].get(each.table) != [each.parts[rank], each.parts[(rank + 1) % 3]]:
            raise Forbidden(f"{name} has other shares of {each.table} than were committed to")


def _said(text: bytes, nonces: list[str], *, rank: int) -> bytes:
    nonced = [each if isinstance(each, str) else bytes(each).decode() for each in nonces]
    return _DOMAIN + canonical([text, nonced, rank])
