"""SPU: its configuration, and a run of a compiled program in one process for tests.

The simulation runs the true protocol between three threads; it hides nothing from this process.
"""

import threading
from collections.abc import Mapping
from typing import Any

from wuxin.joint.extra import need
from wuxin.joint.program import ENGINE, Compiled, Program, Setting
from wuxin.joint.schema import Table, checked, described


def configuration() -> Any:
    """SPU's runtime configuration: ABY3 in a ring of 64 bits, as :data:`ENGINE` says."""
    spu = need("spu").libspu
    made = spu.RuntimeConfig(
        spu.ProtocolKind.ABY3, spu.FieldType.FM64, int(ENGINE["fraction_bits"])
    )
    made.sort_method = spu.RuntimeConfig.SortMethod.SORT_QUICK
    return made


def executable(compiled: Compiled) -> Any:
    """SPU's form of a compiled program."""
    return need("spu").libspu.Executable(
        name=compiled.name,
        input_names=list(compiled.inputs),
        output_names=list(compiled.results),
        code=compiled.code,
    )


def simulate(program: Program, tables: Mapping[str, Table], **settings: Setting) -> dict[str, Any]:
    """Run a program on shares between three threads of this process.

    Args:
        program: what ``@joint`` made.
        tables: the columns of every table, arrays with the rows first.
        settings: by keyword.

    Returns:
        The results by name, NumPy arrays.
    """
    schema = described(tables)
    compiled = program.compile(schema, **settings)
    spu, runs = need("spu"), executable(compiled)
    io = spu.Io(3, configuration())
    shares = {}
    for name in compiled.inputs:
        table, _, column = name.partition(".")
        values = checked(tables[table][column], schema[table][column], name=name)
        shares[name] = io.make_shares(values, spu.libspu.Visibility.VIS_SECRET)
    outputs: list[Any] = [None, None, None]

    def node(rank: int) -> None:
        parties = spu.libspu.link.Desc()
        for each in range(3):
            parties.add_party(f"node{each}", f"thread{each}")
        runtime = spu.Runtime(spu.libspu.link.create_mem(parties, rank), configuration())
        for name in compiled.inputs:
            runtime.set_var(name, shares[name][rank])
        runtime.run(runs)
        outputs[rank] = [runtime.get_var(name) for name in compiled.results]

    threads = [threading.Thread(target=node, args=(rank,)) for rank in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if None in outputs:
        raise RuntimeError(f"{program.name} failed on shares; SPU's own log says where")
    parts = zip(*outputs, strict=True)
    return {
        name: io.reconstruct(list(each)) for name, each in zip(compiled.results, parts, strict=True)
    }
