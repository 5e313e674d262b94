"""The child process of :mod:`clc.answers.latex_canonical`; reads and writes JSON strings."""

from __future__ import annotations

import json
import sys
from functools import lru_cache, partial

__all__ = ["READY", "serve_forms", "simplest"]

READY = "ready\n"


def simplest(markup: str) -> str | None:
    """Simplify an expression to one form for equal ones; None if sympy cannot read it."""
    import sympy
    from math_verify import LatexExtractionConfig, parse

    _keep_capitals()
    parsed = parse(
        f"${markup}$",
        extraction_config=[LatexExtractionConfig(boxed_match_priority=-1)],
        parsing_timeout=None,
    )
    if not parsed or isinstance(parsed[0], str):
        return None
    expression = parsed[0]
    if isinstance(expression, sympy.Eq) and expression.lhs.is_Symbol:
        expression = expression.rhs  # the answer of x = 5 is 5
    if isinstance(expression, sympy.Expr):
        expression = sympy.nsimplify(expression.doit(), rational=True)
        if expression.free_symbols:
            expression = sympy.expand(sympy.cancel(sympy.together(expression)))
        else:
            expression = sympy.radsimp(sympy.simplify(expression))
        if expression.is_Rational:
            return str(expression)
    return str(sympy.latex(expression))


@lru_cache(maxsize=1)
def _keep_capitals() -> None:
    """Distinguish A from a, which math_verify reads in lower case."""
    from latex2sympy2_extended.latex2sympy2 import ConversionConfig
    from math_verify import parser

    keep = ConversionConfig(lowercase_symbols=False)
    parser.latex2sympy = partial(parser.latex2sympy, conversion_config=keep)


def serve_forms() -> None:
    """Serve requests until standard input ends."""
    import logging
    import os

    logging.disable()
    # Output of libraries must not be mistaken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    simplest("1+x")  # imports before the time limit of the first request
    answers.write(READY)
    answers.flush()
    for line in sys.stdin:
        try:
            form = simplest(json.loads(line))
        except Exception:  # noqa: BLE001  whatever sympy raises, the expression has no form
            form = None
        answers.write(json.dumps(form) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve_forms()
