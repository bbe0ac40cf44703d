"""Programs: ordinary ``jax.numpy`` functions over the tables of several parties.

    @joint
    def default_model(bank, merchant, *, rounds=20):
        ...                                   # bank["income"] is an array, as if it were one's own
        return {"weights": weights}

What is passed by position is a table, what is passed by keyword is a setting. The same function
runs in plain JAX (:meth:`Program.plain`), compiles to a text that every party can make and read
for itself (:meth:`Program.compile`), and runs from that text on the shares of three nodes.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec
import numpy as np

from wuxin.joint.extra import need
from wuxin.joint.listing import Opening, openings, runnable
from wuxin.joint.opening import NAME
from wuxin.joint.schema import Schema, Table, flat
from wuxin.terms.errors import BadInput
from wuxin.terms.names import Digest, content_id

Setting = int | float | bool | str
"""What may be set of a program by the contract."""

ENGINE: Final[Mapping[str, Setting]] = {
    "protocol": "ABY3",
    "ring_bits": 64,
    "fraction_bits": 18,
    "sort": "quick",
}
"""How shares are computed on; part of a program's digest."""


class Compiled(msgspec.Struct, frozen=True):
    """A program for tables of given shapes.

    ``text`` is what is read and hashed, ``inputs`` the names ``table.column`` in order, ``results``
    the names of what it returns.
    """

    name: str
    text: str
    inputs: tuple[str, ...]
    results: tuple[str, ...]
    engine: dict[str, Setting]

    @property
    def digest(self) -> Digest:
        """What the contract names: everything that decides what is computed."""
        return content_id(msgspec.to_builtins(self))

    @property
    def openings(self) -> tuple[Opening, ...]:
        """All that it lets out; refuses a program that lets out something without a name."""
        return openings(self.text, self.results)

    @property
    def code(self) -> bytes:
        """What the nodes run."""
        return runnable(self.text).encode()


class Program:
    """A function that ``@joint`` has made a program; called, it is still that function."""

    def __init__(self, function: Callable[..., Any], *, name: str = "") -> None:
        self.function = function
        self.name = name or f"{function.__module__}:{function.__qualname__}"
        parameters = inspect.signature(function).parameters.values()
        self.tables = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        defaults: dict[str, Any] = {
            p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY
        }
        if inspect.Parameter.empty in defaults.values():
            raise TypeError(f"{self.name}: a setting has a default")
        self.settings: dict[str, Setting] = defaults
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function, so that programs can be made of programs."""
        return self.function(*args, **kwargs)

    def plain(self, tables: Mapping[str, Table], **settings: Setting) -> dict[str, Any]:
        """Run on plain tables, all in one place: the engine of tests and baselines.

        Args:
            tables: the columns of every table, arrays with the rows first.
            settings: by keyword; what is left out has its default.

        Returns:
            The results by name, NumPy arrays.
        """
        jax = need("jax")
        with jax.enable_x64(new_val=True):
            asked = self._bound(tables, settings)
            arrays = {t: {c: jax.numpy.asarray(v) for c, v in tables[t].items()} for t in tables}
            found = asked(*(arrays[name] for name in self.tables))
            return {name: np.asarray(value) for name, value in found.items()}

    def compile(self, schema: Schema, **settings: Setting) -> Compiled:
        """Compile for tables of these shapes; the same everywhere, so that digests can be compared.

        Raises:
            BadInput: a table or setting is missing, unknown or misnamed, or JAX cannot trace it.
        """
        jax, spu = need("jax"), need("spu")
        front = need("spu.utils.frontend")
        names = tuple(flat(schema))
        asked, results = self._bound(schema, settings), list[str]()

        def traced(*flat_values: Any) -> Any:
            arrays = dict(zip(names, flat_values, strict=True))
            tables = [{c: arrays[f"{t}.{c}"] for c in schema[t]} for t in self.tables]
            found = asked(*tables)
            results[:] = sorted(found)
            return tuple(found[name] for name in results)

        traced.__name__ = self.name.rpartition(":")[2]
        examples = [column.example for column in flat(schema).values()]
        with jax.enable_x64(new_val=True), _traced(self.name):
            executable, _ = front.compile(
                front.Kind.JAX, traced, examples, {}, list(names),
                [spu.libspu.Visibility.VIS_SECRET] * len(names),
                lambda out: [f"out{index}" for index in range(len(out))],
            )  # fmt: skip
        engine = {**ENGINE, "spu": spu.__version__, "jax": jax.__version__}
        return Compiled(self.name, executable.code.decode(), names, tuple(results), engine)

    def _bound(self, tables: Mapping[str, Any], settings: Mapping[str, Setting]) -> Any:
        """The function with its settings, once tables and settings are those it asks for."""
        if set(tables) != set(self.tables):
            raise BadInput(f"{self.name} takes the tables {self.tables}, not {tuple(tables)}")
        if unknown := set(settings) - set(self.settings):
            raise BadInput(f"{self.name} has no setting {', '.join(sorted(unknown))}")

        for name, value in settings.items():
            default = self.settings[name]
            if not isinstance(value, float | int if isinstance(default, float) else type(default)):
                raise BadInput(f"{self.name}: the setting {name} is as {default!r}, not {value!r}")

        def asked(*args: Any) -> dict[str, Any]:
            found = self.function(*args, **{**self.settings, **settings})
            if not isinstance(found, dict) or not all(map(NAME.fullmatch, found)):
                raise BadInput(f"{self.name} returns no results by name (lower-case letters, _)")
            return found

        return asked


@contextmanager
def _traced(name: str) -> Iterator[None]:
    """What a program cannot do with these tables, said in a sentence."""
    try:
        yield
    except KeyError as missing:
        raise BadInput(f"{name}: a table has no column {missing}") from None
    except (TypeError, ValueError, IndexError, AttributeError, ZeroDivisionError) as wrong:
        said = str(wrong).strip().partition("\n")[0][:300]
        raise BadInput(f"{name} cannot be compiled for these tables: {said}") from None


def joint(function: Callable[..., Any]) -> Program:
    """Make a function over several parties' tables a program; see the module."""
    return Program(function)


def of_tables(
    function: Callable[..., Any], tables: Sequence[str], *, name: str, **settings: Setting
) -> Program:
    """A program of a function over any number of tables, for so many of them.

    Args:
        function: takes tables by position, ``*tables``, and settings by keyword.
        tables: what they are called, in order.
        name: ``module:attribute`` under which :func:`find` finds the program.
        settings: by keyword, with their defaults.
    """
    kinds = inspect.Parameter
    named = [kinds(each, kinds.POSITIONAL_OR_KEYWORD) for each in tables]
    named += [kinds(each, kinds.KEYWORD_ONLY, default=settings[each]) for each in settings]
    vars(function)["__signature__"] = inspect.Signature(named)
    return Program(function, name=name)


def find(name: str, *, allowed: tuple[str, ...] = ("wuxin.joint",)) -> Program:
    """The program ``module:function`` as this machine has it; code never comes over the network.

    Args:
        name: as a contract names it.
        allowed: packages that may be imported for it.

    Raises:
        BadInput: it is outside of these packages, is not there, or is not a program.
    """
    module, colon, function = name.partition(":")
    if not colon or not any(module == each or module.startswith(f"{each}.") for each in allowed):
        raise BadInput(f"the program {name!r} is not of {', '.join(allowed)}, which may run here")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ImportError as missing:
        raise BadInput(f"the program {name!r} is not installed here: {missing}") from None
    if not isinstance(found, Program):
        raise BadInput(f"{name!r} is not a program: it was not made one by @joint")
    return found
