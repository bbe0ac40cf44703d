"""What the wing needs beside Wuxin itself: the optional extra ``wuxin[joint]``."""

import importlib
from types import ModuleType

from wuxin.terms.errors import BadInput


def need(name: str) -> ModuleType:
    """Import a module of the optional extra.

    Args:
        name: the module, such as ``jax.numpy`` or ``spu``.

    Raises:
        BadInput: it is not installed; the sentence says what to install.
    """
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise BadInput(
            f"joint computation needs {missing.name or name}: install wuxin[joint], in a source "
            "tree `.venv/bin/pip install --require-hashes -r requirements/joint.txt` (Python 3.11, "
            "3.12)"
        ) from None
