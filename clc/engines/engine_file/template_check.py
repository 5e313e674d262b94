"""A check of a chat template on one message, without a tokenizer."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

__all__ = ["template_fault"]

_PROBE = "What is 1 + 1?"
_TRACKED = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")  # transformers' own mark of replies


class _RefusedError(Exception):
    """The template refuses the message by itself."""


def template_fault(template: str) -> str | None:
    """Return why a chat template cannot render one user message; None if it can.

    It is rendered as transformers and vLLM do: in a sandbox, with ``raise_exception``,
    ``strftime_now`` and ``tojson``.

    >>> template_fault("{% for m in messages %}{{ m.content }}{% endfor %}") is None
    True
    >>> template_fault("{% for m in messages %}")[:8]
    'line 1: '
    """
    from jinja2 import TemplateError, TemplateSyntaxError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now(UTC).strftime(form)
    try:
        text = environment.from_string(_TRACKED.sub("", template)).render(
            messages=[{"role": "user", "content": _PROBE}],
            tools=None,
            documents=None,
            add_generation_prompt=True,
            bos_token="",
            eos_token="",
        )
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    except _RefusedError as error:
        return f"it refuses one user message: {error}"
    except (TemplateError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
            RecursionError) as error:  # fmt: skip
        return f"one user message cannot be rendered: {type(error).__name__}: {error}"
    return None if _PROBE in text else "it leaves out the text of the message"


def _refuse(message: object) -> None:
    raise _RefusedError(message)


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
