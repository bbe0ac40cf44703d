"""Reading a compiled program: what it opens, under which names, and whether it opens more.

The text is PPHLO, SPU's dialect of MLIR. A type with ``!pphlo.secret`` is shared, one without is
known to all nodes; a value passes from the first to the second only by ``@spu.reveal`` or as a
result. Whoever holds the text can therefore list all openings before anything runs.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from wuxin.joint.opening import MARK
from wuxin.terms.errors import BadInput

_CALL: Final = re.compile(r"custom_call @\"?([\w.]+)\"?\((.*?)\)")
_MARKED: Final = re.compile(
    r"(%\w+) = pphlo\.custom_call @" + re.escape(MARK) + r"(\w+)\((%\w+)\) \{[^}]*\} : "
    r"\((tensor<.*?>)\) -> (tensor<.*>)$"
)
_REVEAL: Final = re.compile(r"%\w+ = pphlo\.custom_call @spu\.reveal\((%\w+)\) ")
_MAIN: Final = re.compile(r"func\.func @main\((.*)\) -> \(?(.*?)\)? \{$")
_TENSOR: Final = re.compile(r"tensor<((?:\d+x)*)(!pphlo\.secret<)?(\w+)>")
_SECRET_CHOICE: Final = re.compile(r"pphlo\.(if|case) ?\(?%\w+.*secret<i")
_HARMLESS: Final = frozenset({"mhlo.erf", "mhlo.topk", "pphlo.epsilon", "spu.prefer_a"})
"""Calls that compute on shares and open nothing; ``prefer_a`` shares bits as numbers."""


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that a program lets out.

    ``where``: a ``result`` goes as shares to its recipients alone; what is opened ``inside``, or a
    ``public`` result, is seen by the three nodes too. ``type`` is the element type and shape, such
    as ``f32[20]``. ``many``: it stands in a loop and is opened as often as that turns.
    """

    name: str
    where: Literal["inside", "public", "result"]
    type: str
    many: bool = False


def openings(text: str, results: Sequence[str]) -> tuple[Opening, ...]:
    """All openings of a compiled program, in the order of its text, results last.

    Args:
        text: the compiled program, before :func:`runnable`.
        results: the names of its results in order.

    Raises:
        BadInput: it opens a value without a name, calls what may open one, or branches on a secret.
    """
    found: list[Opening] = []
    named: set[str] = set()
    depth = 0
    for line in text.splitlines():
        stripped = line.strip()
        depth -= stripped.startswith("}")
        if mark := _MARKED.search(stripped):
            named.add(mark[1])
            found.append(Opening(mark[2], "inside", _typed(mark[4])[0], many=depth > 1))
        elif reveal := _REVEAL.search(stripped):
            if reveal[1] not in named:
                raise BadInput(f"the program opens a value without a name: {stripped}")
            named.remove(reveal[1])
        elif "custom_call" in stripped:
            _harmless(stripped)
        if _SECRET_CHOICE.search(stripped) or ("cond {" in stripped and _secret_loop(text, line)):
            raise BadInput(f"the program branches on a secret, which would open it: {stripped}")
        depth += stripped.endswith("{") and not stripped.startswith("module")
    return (*found, *_results(text, results))


def runnable(text: str) -> str:
    """The program as it is run: the names of its openings replaced by an identity.

    Raises:
        BadInput: a name is left over, or is used by anything but the opening that follows it.
    """
    lines = []
    for line in text.splitlines():
        mark = _MARKED.search(line)
        if mark and mark[4] != mark[5]:
            raise BadInput(f"a named opening changes the type of its value: {line.strip()}")
        lines.append(_MARKED.sub(r"\1 = pphlo.reshape \3 : (\4) -> \5", line) if mark else line)
    made = "\n".join(lines) + "\n"
    if MARK in made:
        raise BadInput("the program has a named opening in a form that is not known")
    return made


def _results(text: str, names: Sequence[str]) -> list[Opening]:
    main = next(filter(None, (_MAIN.search(line.strip()) for line in text.splitlines())), None)
    types = [_typed(found[0]) for found in _TENSOR.finditer(main[2])] if main else []
    if len(types) != len(names):
        raise BadInput(f"the program has {len(types)} results and {len(names)} names for them")
    return [
        Opening(name, "result" if secret else "public", kind)
        for name, (kind, secret) in zip(names, types, strict=True)
    ]


def _typed(text: str) -> tuple[str, bool]:
    """``tensor<2x3x!pphlo.secret<f32>>`` as ``f32[2,3]``, and whether it is secret."""
    found = _TENSOR.search(text)
    if found is None:
        raise BadInput(f"the program has a type that is not known: {text}")
    return f"{found[3]}[{found[1].rstrip('x').replace('x', ',')}]", bool(found[2])


def _harmless(line: str) -> None:
    called = _CALL.search(line)
    if called is None or called[1] not in _HARMLESS:
        raise BadInput(f"the program calls what is not known to keep secrets: {line}")


def _secret_loop(text: str, line: str) -> bool:
    """Whether the condition of the loop that begins after this line is secret."""
    after = text[text.index(line) :]
    returned = re.search(r"pphlo\.return %\w+ : (tensor<.*>)", after)
    return returned is not None and "secret" in returned[1]
