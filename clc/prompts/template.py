"""One prompt template: Jinja2 source that becomes final chat messages.

Lines ``--- system``, ``--- user`` and ``--- assistant`` begin a message; the split is made on the
source, so no question can forge one. A line ``--- reply`` marks where the model speaks before the
prompt goes on; its reply is put there as it is. The environment is sandboxed and StrictUndefined:
a template with an unknown variable is an error.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, Literal, cast

from clc.errors import TemplateError
from clc.records import Message

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Template

__all__ = ["PromptTemplate"]

_SECTION = re.compile(r"^--- *(system|user|assistant|reply) *$", re.MULTILINE)
_REPLY = "reply"
# What an expression in a template can raise beside Jinja2's own errors.
_TEMPLATE_FAULTS = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
_Role = Literal["system", "user", "assistant"]


class _Section:
    """One message of a template: a role and a compiled body."""

    __slots__ = ("body", "role")

    def __init__(self, role: _Role, body: Template) -> None:
        self.role = role
        self.body = body


class PromptTemplate:
    """One compiled template: its name, the file it came from, and its content hash.

    ``turns`` is how often the model speaks: once, and once more for every ``--- reply``.
    """

    def __init__(self, name: str, source: str, path: str) -> None:
        from jinja2 import StrictUndefined, TemplateSyntaxError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        self.name = name
        self.path = path
        self.hash = hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        # The same question must give the same prompt, or a run could not go on.
        del environment.globals["lipsum"], environment.filters["random"]
        source = source.replace("\r\n", "\n")
        heads = list(_SECTION.finditer(source))
        if not heads or source[: heads[0].start()].strip() or heads[0][1] == _REPLY:
            raise TemplateError(
                f"{path}: a template begins with a line '--- user' (or system, assistant); "
                f"found {source[:40]!r}"
            )
        self._turns: list[list[_Section]] = [[]]
        ends = [head.start() for head in heads[1:]] + [len(source)]
        for head, end in zip(heads, ends, strict=True):
            body = source[head.end() : end].rstrip("\n")
            start = head.end() + len(body) - len(body.lstrip("\n"))
            if head[1] == _REPLY:
                line = source.count("\n", 0, head.start()) + 1
                if body.strip() or not self._turns[-1]:
                    raise TemplateError(f"{path}:{line}: after '--- reply' begins a message")
                self._turns.append([])
                continue
            try:
                compiled = environment.from_string(body.lstrip("\n"))
            except TemplateSyntaxError as error:
                line = source.count("\n", 0, start) + error.lineno
                raise TemplateError(f"{path}:{line}: {error.message}") from error
            self._turns[-1].append(_Section(cast("_Role", head[1]), compiled))
        if not self._turns[-1]:
            raise TemplateError(f"{path}: after the last '--- reply' a message is missing")
        self.turns = len(self._turns)

    def render(self, variables: Mapping[str, Any], replies: Sequence[str] = ()) -> list[Message]:
        """Render the messages up to the turn that follows ``replies``.

        Raises:
            TemplateError: the template uses an unknown variable or a forbidden attribute, or has
                no place for so many replies.
        """
        from jinja2 import TemplateError as JinjaError

        if len(replies) >= self.turns:
            raise TemplateError(
                f"{self.path}: {len(replies)} replies are given, and it has "
                f"{self.turns - 1} lines '--- reply'"
            )
        said: list[Message] = []
        try:
            for place, sections in enumerate(self._turns[: len(replies) + 1]):
                if place:
                    said.append(Message(role="assistant", content=replies[place - 1]))
                said += [
                    Message(role=section.role, content=section.body.render(variables))
                    for section in sections
                ]
        except (JinjaError, *_TEMPLATE_FAULTS) as error:
            raise TemplateError(
                f"{self.path}: {error}; known variables: {', '.join(sorted(variables))}"
            ) from error
        return said
