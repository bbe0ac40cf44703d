"""Opening a value in the middle of a program, under a name that stands in the compiled text.

SPU opens a value by ``custom_call @spu.reveal``, which bears no name, and the compiler may put
openings in another order than they were written in. So :func:`reveal` first passes the value
through a call named ``wuxin.opening.NAME``, which survives compilation and can be read by whoever
reads the text; before the run that call is replaced by an identity (see
:mod:`wuxin.joint.listing`).
"""

import re
from functools import cache
from typing import Any, Final

from wuxin.joint.extra import need
from wuxin.terms.errors import BadInput

MARK: Final = "wuxin.opening."
"""What the name of an opening follows in the compiled text."""

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""How an opening, an output, a table and a column may be called."""


def reveal(value: Any, *, name: str) -> Any:
    """Open a secret value to the three nodes, in the middle of a program.

    Run in plain JAX it returns the value as it is. The contract must list the opening by its name.

    Args:
        value: an array of JAX, any shape.
        name: lower-case letters, digits and underscores, at most 63.

    Returns:
        The same value, from here on public to the nodes.

    Raises:
        BadInput: the name is not of that form.
    """
    if not NAME.fullmatch(name):
        raise BadInput(f"an opening's name is lower-case letters, digits and _, not {name!r}")
    return _primitive().bind(need("jax.numpy").asarray(value), name=name)


@cache
def _primitive() -> Any:
    """The primitive of JAX behind :func:`reveal`, made at first use."""
    jax = need("jax")
    core, mlir = need("jax.extend.core"), need("jax.interpreters.mlir")
    batching = need("jax.interpreters.batching")
    made = core.Primitive("wuxin_reveal")

    def abstract(value: Any, *, name: str) -> Any:
        del name
        return jax.core.ShapedArray(value.shape, value.dtype)

    def lowered(context: Any, value: Any, *, name: str) -> Any:
        if context.module_context.platforms[0] != "interpreter":  # plain JAX: nothing is secret
            return [value]
        marked = jax.ffi.ffi_lowering(MARK + name, has_side_effect=True)(context, value)[0]
        return jax.ffi.ffi_lowering("spu.reveal", has_side_effect=True)(context, marked)

    made.def_abstract_eval(abstract)
    made.def_impl(lambda value, *, name: value)  # noqa: ARG005 - JAX passes it by this name
    mlir.register_lowering(made, lowered)
    batching.primitive_batchers[made] = lambda values, axes, *, name: (
        made.bind(values[0], name=name),
        axes[0],
    )
    return made
