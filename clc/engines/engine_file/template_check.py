"""A check of a chat template on one message, without a tokenizer."""

from __future__ import annotations

from clc.engines.plain_prompt import TemplateRefusal, compile_template

__all__ = ["template_fault"]

_PROBE = "What is 1 + 1?"


def template_fault(template: str) -> str | None:
    """Return why a chat template cannot render one user message; None if it can.

    >>> template_fault("{% for m in messages %}{{ m.content }}{% endfor %}") is None
    True
    >>> template_fault("{% for m in messages %}")[:8]
    'line 1: '
    """
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        text = compile_template(template).render(
            messages=[{"role": "user", "content": _PROBE}],
            tools=None,
            documents=None,
            add_generation_prompt=True,
            bos_token="",
            eos_token="",
        )
    except TemplateSyntaxError as error:
        return f"line {error.lineno}: {error.message}"
    except TemplateRefusal as error:
        return f"it refuses one user message: {error}"
    except (TemplateError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError,
            RecursionError) as error:  # fmt: skip
        return f"one user message cannot be rendered: {type(error).__name__}: {error}"
    return None if _PROBE in text else "it leaves out the text of the message"
