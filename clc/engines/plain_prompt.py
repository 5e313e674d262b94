"""Prompts as plain text, for base models: our template, and the texts that end a completion."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Template

    from clc.records import Message

__all__ = ["BASE", "BASE_TEMPLATE", "TemplateRefusal", "compile_template", "render_text",
           "turn_stops"]  # fmt: skip

BASE = "base"
"""The name of our own template, for base models."""
BASE_TEMPLATE = (
    "{{ bos_token if bos_token is defined and bos_token else '' }}"
    "{% for message in messages %}{{ message.content }}"
    "{% if not loop.last %}{{ '\\n\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '\\n' }}{% endif %}"
)
"""The messages without roles, as few-shot prompts want them; a base model goes on after them."""

_SHOT_END = "\n###\n"  # between the demonstrations of prompts/few-shot.jinja; no heading ends so
_MARKUP = ("<", "[")  # a turn of a chat model begins with a special token: it ends by itself
_TRACKED = re.compile(r"{%-?\s*(?:end)?generation\s*-?%}")  # transformers' own mark of replies
_PROBE = ("Zwei Fragen", "Eine Antwort", "Noch eine Frage")


class TemplateRefusal(Exception):  # noqa: N818 - the word of the templates, not of clc's errors
    """A chat template refuses the messages by itself."""


@lru_cache(maxsize=8)
def compile_template(template: str) -> Template:
    """Compile a chat template as transformers and vLLM do.

    They do so in a sandbox, with ``raise_exception``, ``strftime_now`` and ``tojson``.

    Raises:
        jinja2.TemplateSyntaxError: it is no Jinja.
    """
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now(UTC).strftime(form)
    return environment.from_string(_TRACKED.sub("", template))


def render_text(
    messages: Sequence[Message], template: str | None = None, variables: Mapping[str, Any] = {}
) -> str:
    r"""Render messages as the text that a base model goes on with.

    A last message of the assistant is its start: the text ends with it.

    Args:
        messages: the chat so far.
        template: a chat template (Jinja); ours for base models by default.
        variables: more of the template's.

    Raises:
        TemplateRefusal, jinja2.TemplateError: the template refuses the messages.

    >>> render_text([{"role": "user", "content": "1 + 1 ="}])
    '1 + 1 =\n'
    """
    started = ""
    if messages[-1]["role"] == "assistant":
        *messages, last = messages
        started = last["content"]
    compiled = compile_template(template or BASE_TEMPLATE)
    text = compiled.render(
        {**variables, "messages": list(messages), "add_generation_prompt": True, "bos_token": "",
         "eos_token": ""}
    )  # fmt: skip
    return text + started


def turn_stops(template: str) -> tuple[str, ...]:
    r"""Return the stop strings of a base model: what stands between a reply and the next problem.

    They are the end of a demonstration in our few-shot prompts, and what the template writes
    before the next turn of the user. A template with special tokens is that of a chat model, which
    ends by itself: it has none.

    >>> turn_stops(BASE_TEMPLATE)
    ('\n###\n',)
    >>> turn_stops("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    ('\n###\n', '\nuser:')
    """
    from jinja2 import TemplateError

    question, reply, following = _PROBE
    messages: list[Message] = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": reply},
        {"role": "user", "content": following},
    ]
    try:
        text = render_text(messages, template)
    except (TemplateRefusal, TemplateError, ValueError, TypeError, LookupError):
        return ()
    _, found, rest = text.partition(reply)
    between, after, _ = rest.partition(following)
    if not (found and after) or between.lstrip().startswith(_MARKUP):
        return ()
    own = (between.rstrip(),) if between.strip() else ()
    return (_SHOT_END, *own)


def _refuse(message: object) -> None:
    raise TemplateRefusal(message)


def _to_json(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
