"""The process in which a node compiles and runs one contract's program; it lives as long as that.

SPU and JAX are loaded here and nowhere else in a node: what goes wrong in them ends this process,
and the node says so. It talks with its node over one pipe, in this order:

    ← {contract, name, …}     → {ready: digest}  or  {refused, why}
    ← {inputs}                → {linked}, then {done: results, …}  or  {refused, why}
"""

import os
import resource
import sys
import time
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cbor2
import numpy as np

from wuxin.joint import rendezvous
from wuxin.joint.channel import Papers
from wuxin.joint.contract import Contract, from_plain, key_in
from wuxin.joint.engine import configuration, executable
from wuxin.joint.extra import need
from wuxin.joint.program import Compiled, find
from wuxin.joint.refusals import check_program, check_terms
from wuxin.joint.schema import Column, flat
from wuxin.terms.errors import Conflict, Refused
from wuxin.terms.names import canonical

DATA_TYPE = {"real": "DT_F32", "integer": "DT_I64"}


def main(descriptor: int) -> None:
    """Serve one contract over the pipe at this descriptor."""
    pipe = Connection(descriptor)
    try:
        told = cbor2.loads(pipe.recv_bytes())
        contract = from_plain(told["contract"]).contract
        compiled = compiled_here(contract, tuple(told["packages"]))
        _say(pipe, ready=compiled.digest)
        inputs = cbor2.loads(pipe.recv_bytes())
        line, salts = _linked(contract, told=told, compiled=compiled, inputs=inputs)
        _say(pipe, linked=True)
        _say(pipe, **_run(line, contract, compiled=compiled, inputs=inputs, salts=salts))
        # The line is held here and stays open until the node ends this process: another may still
        # be at the last barrier, and would find a line that is closed broken.
        pipe.recv_bytes()
    except Refused as refusal:
        _say(pipe, refused=type(refusal).__name__, why=str(refusal))
    except EOFError:
        return  # the node has ended this job
    except RuntimeError as failed:  # SPU's errors carry a stack of C++ after the sentence
        why = " ".join(str(failed).partition("Stacktrace")[0].split())[:500]
        _say(pipe, refused="Conflict", why=f"SPU: {why}")


def compiled_here(contract: Contract, packages: tuple[str, ...]) -> Compiled:
    """The contract's program as this machine has it, compiled and held against the contract.

    Raises:
        Refused: it is not here, is another, or opens what is not listed.
    """
    program = find(contract.program, allowed=packages)
    check_terms(contract, program)
    compiled = program.compile(contract.schema, **contract.bound)
    check_program(contract, program, compiled=compiled)
    return compiled


def _linked(
    contract: Contract, *, told: Mapping[str, Any], compiled: Compiled, inputs: Mapping[str, Any]
) -> tuple[Any, tuple[bytes, bytes]]:
    """The line to the other two, once all are about to do the same, and the salts of results."""
    rank = contract.nodes.index(told["name"])
    papers = Papers(*map(Path, told["papers"]))
    wait_s = contract.wait_s + contract.run_s
    line = rendezvous.connect(
        contract, rank, listen=told["listen"], papers=papers, wait_s=wait_s
    )  # fmt: skip
    rendezvous.agree(
        line, contract, rank=rank, key=key_in(Path(told["key"])), program=compiled.digest,
        inputs={table: tuple(each) for table, each in inputs["commitments"].items()},
    )  # fmt: skip
    return line, rendezvous.common_salts(line, rank)


def _run(
    line: Any, contract: Contract, *, compiled: Compiled, inputs: Mapping[str, Any],
    salts: tuple[bytes, bytes],
) -> dict[str, Any]:  # fmt: skip
    spu, settings = need("spu"), configuration()
    settings.enable_pphlo_profile = True  # SPU then says at the end what went over the line
    runtime = spu.Runtime(line, settings)
    for name, column in flat(contract.schema).items():
        runtime.set_var(name, _share(spu, column, halves=inputs["shares"][name]))
    begun, cpu = time.perf_counter(), _cpu()
    runtime.run(executable(compiled))
    took, worked = time.perf_counter() - begun, _cpu() - cpu
    line.barrier()
    kinds = {each.name: each.type.partition("[")[0] for each in compiled.openings}
    results = {
        name: _half(spu, runtime.get_var(name), kind=kinds[name]) for name in compiled.results
    }
    return {
        "done": results,
        "common": {name: _common(half, salts) for name, half in results.items()},
        "seconds": took,
        "cpu_seconds": worked,
    }


def _share(spu: Any, column: Column, *, halves: tuple[bytes, bytes]) -> Any:
    """SPU's form of the two parts that a node holds: pairs of uint64."""
    pairs = np.stack([np.frombuffer(half, "<u8") for half in halves], axis=-1).tobytes()
    meta, chunk, share = spu.libspu.ValueMeta(), spu.libspu.ValueChunk(), spu.libspu.Share()
    meta.data_type = getattr(spu.libspu.DataType, DATA_TYPE[column.kind])
    meta.visibility = spu.libspu.Visibility.VIS_SECRET
    meta.shape = list(column.shape)
    meta.storage_type = "aby3.AShr<FM64>"
    chunk.total_bytes, chunk.chunk_offset, chunk.content = len(pairs), 0, pairs
    share.meta, share.share_chunks = meta.SerializeToString(), [chunk.SerializeToString()]
    return share


def _half(spu: Any, share: Any, *, kind: str) -> dict[str, Any]:
    """What this node holds of a result, as it is handed to a recipient."""
    meta = spu.libspu.ValueMeta()
    meta.ParseFromString(share.meta)
    content = b""
    for data in share.share_chunks:
        chunk = spu.libspu.ValueChunk()
        chunk.ParseFromString(data)
        if chunk.chunk_offset != len(content):
            raise Conflict("SPU handed out a result in another order than it was stored in")
        content += bytes(chunk.content)
    return {
        "storage": meta.storage_type,
        "kind": kind,
        "shape": [int(each) for each in meta.shape.dims],
        "content": content,
    }


def _common(half: Mapping[str, Any], salts: tuple[bytes, bytes]) -> list[str]:
    """Digests of the two parts of a result, to be held against the other nodes' on record."""
    content, storage = half["content"], half["storage"]
    if not storage.startswith("aby3"):
        return []  # public: all three hold the same, and whoever fetches it compares
    width = int(storage.partition("PT_U")[2].partition(",")[0]) // 8 if "PT_U" in storage else 8
    pairs = np.frombuffer(content, f"<u{width}").reshape(-1, 2)
    return [rendezvous.common_digest(salt, pairs[:, at].tobytes()) for at, salt in enumerate(salts)]


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(pipe: Connection, **said: Any) -> None:
    pipe.send_bytes(canonical(said))


if __name__ == "__main__":
    main(int(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)  # SPU's threads may still wait for a peer that is gone
