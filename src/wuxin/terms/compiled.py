"""Compiling hot functions with Numba: one way for all of them, and a cache that is never stale."""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

_Function = TypeVar("_Function", bound=Callable[..., object])
_VARIABLE: Final = "NUMBA_CACHE_DIR"


def _cache() -> str:
    """A folder of its own for these very sources, since Numba looks at single files only."""
    own = Path(__file__).resolve().parents[1]
    told = hashlib.sha256(str(own).encode())
    for path in sorted(own.glob("*/*.py")):
        known = path.stat()
        told.update(f"{path.name} {known.st_size} {known.st_mtime_ns}\n".encode())
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "wuxin"
    try:
        base.mkdir(parents=True, exist_ok=True)
        writable = os.access(base, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        base = Path(tempfile.gettempdir()) / f"wuxin-{os.getuid()}"
    return str(base / told.hexdigest()[:16])


os.environ.setdefault(_VARIABLE, _cache())
from numba import njit  # noqa: E402 - it reads the variable once, when it is imported


def is_cold() -> bool:
    """Whether nothing is compiled yet, so that the first call of everything takes some seconds."""
    return not any(Path(os.environ[_VARIABLE]).glob("*/*.nbi"))


def compiled(*, inner: bool = False) -> Callable[[_Function], _Function]:
    """Compile a function at its first call; it runs without the GIL and is kept on disk.

    Args:
        inner: only other compiled functions call it, so that it needs no wrappers for Python.
    """

    def compile_it(function: _Function) -> _Function:
        more: dict[str, Any] = {"_nrt": False}
        if inner:
            more |= {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
        return cast("_Function", njit(cache=True, nogil=True, **more)(function))

    return compile_it
