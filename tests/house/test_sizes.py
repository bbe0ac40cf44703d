"""Sizes that keep a file, a function and a line within one look."""

import ast
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.house.tree import CODE, Offence, python_files, report

FILE_LINES = 500
DECODER_LINES = 330
FUNCTION_LINES = 60
PARAMETERS = 6
POSITIONAL = 2
COLUMNS = 100

Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_files(path: Path, text: str) -> list[Offence]:
    """Find a file with more lines than a file, or a decoder, may have."""
    limit = DECODER_LINES if "protocols" in path.parts else FILE_LINES
    count = len(text.splitlines())
    return [(count, f"{count} lines, at most {limit}")] if count > limit else []


def long_lines(_: Path, text: str) -> list[Offence]:
    """Find lines wider than the page; a Chinese character takes two columns."""
    widths = {number: _columns(line) for number, line in enumerate(text.splitlines(), start=1)}
    return [
        (number, f"{width} columns, at most {COLUMNS}")
        for number, width in widths.items()
        if width > COLUMNS
    ]


def long_functions(_: Path, text: str) -> list[Offence]:
    """Find functions with more lines than fit on a screen, from `def` to the last line."""
    counts = {function: _lines(function) for function, _ in _functions(ast.parse(text))}
    return [
        (function.lineno, f"{function.name} has {count} lines, at most {FUNCTION_LINES}")
        for function, count in counts.items()
        if count > FUNCTION_LINES
    ]


def many_parameters(path: Path, text: str) -> list[Offence]:
    """Find functions that ask for more than one can keep in mind."""
    offences = []
    for function, in_class in _functions(ast.parse(text)):
        if _is_test(path, function):
            continue
        args = function.args
        count = len(_positional(function, in_class=in_class)) + len(args.kwonlyargs)
        count += (args.vararg is not None) + (args.kwarg is not None)
        if count > PARAMETERS:
            what = f"{function.name} has {count} parameters, at most {PARAMETERS}"
            offences.append((function.lineno, what))
    return offences


def nameless_arguments(path: Path, text: str) -> list[Offence]:
    """Find functions whose callers may pass more than two arguments without their names.

    Where a decorator is called, a framework calls the function by its own convention; a joint
    program is called with its tables by name.
    """
    offences = []
    for function, in_class in _functions(ast.parse(text)):
        if _is_test(path, function) or any(map(_is_framework, function.decorator_list)):
            continue
        count = len(_positional(function, in_class=in_class))
        if count > POSITIONAL:
            what = f"{function.name} takes {count} by position; keyword-only after {POSITIONAL}"
            offences.append((function.lineno, what))
    return offences


def _columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in line)


def _functions(node: ast.AST, *, in_class: bool = False) -> Iterator[tuple[Function, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield child, in_class
        inside = in_class and not isinstance(child, Function | ast.Lambda)
        yield from _functions(child, in_class=isinstance(child, ast.ClassDef) or inside)


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _positional(function: Function, *, in_class: bool) -> list[ast.arg]:
    names = [*function.args.posonlyargs, *function.args.args]
    static = any(ast.unparse(each) == "staticmethod" for each in function.decorator_list)
    return names[1:] if in_class and not static else names


def _is_framework(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) or ast.unparse(decorator) == "joint"


def _is_test(path: Path, function: Function) -> bool:
    """Tell a test or a fixture, whose parameters pytest fills in by name."""
    fixture = any("fixture" in ast.unparse(each) for each in function.decorator_list)
    return "tests" in path.parts and (fixture or function.name.startswith("test_"))


Checker = Callable[[Path, str], list[Offence]]
CHECKERS: list[Checker] = [
    long_files,
    long_lines,
    long_functions,
    many_parameters,
    nameless_arguments,
]


@pytest.mark.parametrize("find", CHECKERS)
def test_all_code_keeps_the_sizes(find: Checker) -> None:
    files = python_files(*CODE)
    assert files
    offences = report({path: find(path, path.read_text("utf-8")) for path in files})
    assert not offences, "\n" + offences


BAD = [
    (long_files, "x = 1\n" * 501, "501: 501 lines, at most 500"),
    (long_lines, "#\n# " + "a" * 99, "2: 101 columns, at most 100"),
    (long_lines, "# " + "雾" * 50, "1: 102 columns, at most 100"),
    (long_functions, "def f():\n" + "    x = 1\n" * 60, "1: f has 61 lines, at most 60"),
    (
        long_functions,
        "class A:\n    @p\n    async def f(self):\n" + "        x = 1\n" * 60,
        "3: f has 61 lines, at most 60",
    ),
    (
        many_parameters,
        "def f(a, b, *c, d, e, f, **g): ...",
        "1: f has 7 parameters, at most 6",
    ),
    (nameless_arguments, "def f(a, b, c): ...", "1: f takes 3 by position; keyword-only"),
    (nameless_arguments, "def f(a, b, /, c): ...", "1: f takes 3 by position; keyword-only"),
    (
        nameless_arguments,
        "class A:\n    if True:\n        def f(self, a, b, c): ...",
        "3: f takes 3 by position; keyword-only",
    ),
    (
        nameless_arguments,
        "class A:\n    @staticmethod\n    def f(a, b, c): ...",
        "3: f takes 3 by position; keyword-only",
    ),
    (
        nameless_arguments,
        "def f():\n    def g(a, b, c): ...",
        "2: g takes 3 by position; keyword-only",
    ),
]


@pytest.mark.parametrize(("find", "text", "offence"), BAD)
def test_what_is_too_large_is_found(find: Checker, text: str, offence: str) -> None:
    [(line, what)] = find(Path("m.py"), text)
    assert f"{line}: {what}".startswith(offence)


def test_a_decoder_has_a_tighter_limit() -> None:
    text = "x = 1\n" * 331
    assert not long_files(Path("src/wuxin/finance/m.py"), text)
    assert long_files(Path("src/wuxin/protocols/jt808/m.py"), text)


GOOD = [
    (long_files, "x = 1\n" * 500),
    (long_lines, "# " + "a" * 98),
    (long_lines, "# " + "雾" * 49),
    (long_functions, "def f():\n" + "    x = 1\n" * 59),
    (many_parameters, "class A:\n    def f(self, a, b, *, c, d, e, f): ..."),
    (nameless_arguments, "class A:\n    @classmethod\n    def f(cls, a, b, *, c): ..."),
    (nameless_arguments, "@app.get('/x')\nasync def f(a, b, c): ..."),
    (nameless_arguments, "@njit(cache=True)\ndef f(a, b, c): ..."),
]


@pytest.mark.parametrize(("find", "text"), GOOD)
def test_what_is_within_the_sizes_passes(find: Checker, text: str) -> None:
    assert not find(Path("m.py"), text)
