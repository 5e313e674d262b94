"""The child process of :mod:`clc.answers.latex_canonical`: a JSON string in, a JSON string out."""

from __future__ import annotations

import json
import sys

__all__ = ["READY", "main", "simplest"]

READY = "ready\n"


def simplest(markup: str) -> str | None:
    """One form for equal expressions, None when sympy cannot read it."""
    import sympy
    from math_verify import LatexExtractionConfig, parse

    found = parse(
        f"${markup}$",
        extraction_config=[LatexExtractionConfig(boxed_match_priority=-1)],
        parsing_timeout=None,
    )
    if not found or isinstance(found[0], str):
        return None
    expression = found[0]
    if isinstance(expression, sympy.Eq) and expression.lhs.is_Symbol:
        expression = expression.rhs  # x = 5 answers 5
    if isinstance(expression, sympy.Expr):
        expression = sympy.nsimplify(expression.doit(), rational=True)
        if expression.free_symbols:
            expression = sympy.expand(sympy.cancel(sympy.together(expression)))
        else:
            expression = sympy.radsimp(sympy.simplify(expression))
        if expression.is_Rational:
            return str(expression)
    return str(sympy.latex(expression))


def main() -> None:
    """Answer until standard input ends."""
    import logging
    import os

    logging.disable()
    # Whatever a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    simplest("1+x")  # imports happen before the clock of the first question runs
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
    main()
