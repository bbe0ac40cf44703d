"""Every public name says in one sentence what it is."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.tree import Offence, python_files, report

FULL_STOPS = (".", "。", ":")
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def wordless(path: Path, text: str) -> list[Offence]:
    """Find public modules, classes, functions and methods without an opening sentence."""
    offences = []
    for node, name in _public(ast.parse(text), f"module {path.stem}"):
        words = ast.get_docstring(node)
        line = 1 if isinstance(node, ast.Module) else node.lineno
        if not words:
            offences.append((line, f"{name} has no docstring"))
        elif not _opening(words).endswith(FULL_STOPS):
            offences.append((line, f"{name} does not begin with one whole sentence"))
    return offences


def _opening(words: str) -> str:
    return words.split("\n\n", maxsplit=1)[0].rstrip()


def _public(node: Documented, name: str) -> Iterator[tuple[Documented, str]]:
    yield node, name
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return  # what is defined inside a function is not public
    for child in _statements(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not child.name.startswith("_") and not any(map(_repeats, child.decorator_list)):
            inside = f"{name}." if isinstance(node, ast.ClassDef) else ""
            yield from _public(child, inside + child.name)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the statements of a body, also those under `if` and `try`."""
    for child in ast.iter_child_nodes(node):
        yield child
        if isinstance(child, ast.If | ast.Try | ast.With | ast.ExceptHandler):
            yield from _statements(child)


def _repeats(decorator: ast.expr) -> bool:
    """Tell the second and later definitions of a name that is documented elsewhere."""
    return ast.unparse(decorator).endswith((".setter", ".deleter", "overload"))


def test_every_public_name_has_its_sentence() -> None:
    files = python_files("src/wuxin")
    assert files
    offences = report({path: wordless(path, path.read_text("utf-8")) for path in files})
    assert not offences, "\n" + offences


BAD = [
    ("x = 1", "1: module m has no docstring"),
    ('"""A module"""', "1: module m does not begin with one whole sentence"),
    ('"""A module\n\nof many words.\n"""', "1: module m does not begin with"),
    ('"""A module."""\ndef f(): ...', "2: f has no docstring"),
    ('"""A module."""\nif x:\n    def f(): ...', "3: f has no docstring"),
    ('"""A module."""\nasync def f(): "Does"', "2: f does not begin with"),
    ('"""A module."""\nclass A: ...', "2: A has no docstring"),
    ('"""A module."""\nclass A:\n    "It."\n    def f(self): ...', "4: A.f has no docstring"),
    ('"""A module."""\nclass A:\n    "It."\n    class B: ...', "4: A.B has no docstring"),
]


@pytest.mark.parametrize(("text", "offence"), BAD)
def test_a_missing_sentence_is_found(text: str, offence: str) -> None:
    [(line, what)] = wordless(Path("m.py"), text)
    assert f"{line}: {what}".startswith(offence)


GOOD = [
    '"""一句话。"""',
    '"""One sentence over\ntwo lines.\n\nAnd more\n"""',
    '"""M."""\nclass _A:\n    def f(self): ...',
    '"""M."""\ndef f():\n    "Do."\n    def g(): ...',
    '"""M."""\nclass A:\n    "It."\n    def __init__(self): ...',
    '"""M."""\nclass A:\n    "It."\n    @x.setter\n    def x(self, x): ...',
]


@pytest.mark.parametrize("text", GOOD)
def test_what_has_its_sentence_passes(text: str) -> None:
    assert not wordless(Path("m.py"), text)
