"""Conditions of rules: three indicators, rules on them, and any text that fits the kernel."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from wuxin.risk.rules import Compiled
from wuxin.terms.records import Words
from wuxin.terms.standards import Indicator, Rule
from wuxin.twin import kernel, tables

W = Words("字", "word")
NAMES = ("a", "b", "c")
INDICATORS = {
    name: Indicator(name, W, ("k",), "1", "1", -1e9, 1e9, W, "i", "p") for name in NAMES
}  # fmt: skip
NUMBERS = {name: i for i, name in enumerate(NAMES)}


def rule(when: str, limit: float | None = None) -> Rule:
    return Rule(
        name="r", kind="k", level="amber", when=when, clear="", lasting=0, value="", limit=limit,
        clear_limit=None, words=W, bank=W, enterprise=W, examples=(),
    )  # fmt: skip


def in_kernel(compiled: Compiled, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The kernel's answers (k, 2) to the first rule's condition and that of its end."""
    built = tables.build(INDICATORS, ["k"], rules=compiled)
    stack = np.empty(64)
    return np.array([[kernel.judge(built, p, row, stack) for p in (0, 1)] for row in values])


LITERALS = st.sampled_from(["0", "1", "2", "0.5", "-0.25", "100", "1e3"])


def _paren(text: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return text | text.map(lambda t: f"({t})")


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return _paren(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join)
        | inner.map(lambda x: f"- ({x})")
    ) | (
        inner.map(lambda x: f"abs({x})")
        | st.tuples(st.sampled_from(["least", "greatest", "coalesce"]), pair).map(
            lambda f: f"{f[0]}({f[1][0]}, {f[1][1]})"
        )
    )


VALUE = st.recursive(st.sampled_from(NAMES) | LITERALS, _numbers, max_leaves=4)
COMPARED = st.tuples(VALUE, st.sampled_from(["<", "<=", ">", ">=", "=", "<>", "!="]), VALUE)
ATOM = _paren(
    COMPARED.map(" ".join)
    | st.tuples(VALUE, st.sampled_from(["", "NOT "]), VALUE, VALUE).map(
        lambda x: f"{x[0]} {x[1]}BETWEEN {x[2]} AND {x[3]}"
    )
    | st.tuples(VALUE, st.sampled_from(["IS NULL", "IS NOT NULL"])).map(" ".join)
    | st.sampled_from(["TRUE", "FALSE"])
)  # fmt: skip
CONDITION = st.recursive(
    ATOM,
    lambda inner: _paren(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(" ".join)
        | inner.map(lambda x: f"NOT {x}")
        | inner.map(lambda x: f"({x}) IS NULL")
    ),
    max_leaves=4,
)
