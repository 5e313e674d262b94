"""A prompt template: Jinja2 source that renders to chat messages.

Lines ``--- system``, ``--- user`` and ``--- assistant`` begin a message; the source is split before
it is rendered, so no question can forge one. A line ``--- reply`` marks where the model replies
before the prompt continues; its reply is inserted unchanged. A line ``--- begin`` begins the
model's own turn (a prefill): the model continues the text after it, which is rendered as a last
message of the assistant. The environment is sandboxed and StrictUndefined: an unknown variable is
an error.
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

_SECTION = re.compile(r"^--- *(system|user|assistant|reply|begin) *$", re.MULTILINE)
_REPLY = "reply"
_BEGIN = "begin"
# Errors of expressions in a template, beside Jinja2's own.
_TEMPLATE_FAULTS = (ArithmeticError, LookupError, RecursionError, TypeError, ValueError)
_Role = Literal["system", "user", "assistant"]


class _Section:
    """One message of a template: a role and a compiled body; ``begin`` marks a prefill."""

    __slots__ = ("begin", "body", "role")

    def __init__(self, head: str, body: Template) -> None:
        self.begin = head == _BEGIN
        self.role = "assistant" if self.begin else cast("_Role", head)
        self.body = body


class PromptTemplate:
    """A compiled template: its name, its file, and its content hash.

    ``turns`` is the number of the model's turns: one, and one more for every ``--- reply``.
    """

    def __init__(self, name: str, source: str, path: str) -> None:
        from jinja2 import StrictUndefined, TemplateSyntaxError
        from jinja2 import TemplateError as JinjaError

        from clc.prompts.sandbox import BoundedEnvironment

        self.name = name
        self.path = path
        try:
            self.hash = hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
        except UnicodeEncodeError as error:
            raise TemplateError(f"{path}: holds half a character: {error.reason}") from None
        self._environment = environment = BoundedEnvironment(
            undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        # A resumed run needs the same prompt for the same question.
        del environment.globals["lipsum"], environment.filters["random"]
        source = source.replace("\r\n", "\n")
        heads = list(_SECTION.finditer(source))
        if not heads or source[: heads[0].start()].strip() or heads[0][1] in (_REPLY, _BEGIN):
            raise TemplateError(
                f"{path}: a template begins with a line '--- user' (or system, assistant); "
                f"found {source[:40]!r}"
            )
        self._turns: list[list[_Section]] = [[]]
        ends = [head.start() for head in heads[1:]] + [len(source)]
        for head, end in zip(heads, ends, strict=True):
            body = source[head.end() : end].rstrip("\n")
            start = head.end() + len(body) - len(body.lstrip("\n"))
            line = source.count("\n", 0, head.start()) + 1
            if head[1] == _REPLY:
                if body.strip() or not self._turns[-1]:
                    raise TemplateError(f"{path}:{line}: after '--- reply' begins a message")
                _check_turn(self._turns[-1], f"{path}:{line}")
                self._turns.append([])
                continue
            if self._turns[-1] and self._turns[-1][-1].begin:
                raise TemplateError(
                    f"{path}:{line}: '--- {head[1]}' follows '--- begin', which ends a prompt; "
                    "only '--- reply' may follow it"
                )
            try:
                compiled = environment.from_string(body.lstrip("\n"))
            except TemplateSyntaxError as error:
                line = source.count("\n", 0, start) + error.lineno
                raise TemplateError(f"{path}:{line}: {error.message}") from error
            except (JinjaError, SyntaxError, MemoryError, *_TEMPLATE_FAULTS) as error:
                line = source.count("\n", 0, start) + 1
                what = "it is nested too deeply" if isinstance(error, RecursionError) else error
                raise TemplateError(f"{path}:{line}: cannot be compiled: {what}") from None
            self._turns[-1].append(_Section(head[1], compiled))
        if not self._turns[-1]:
            raise TemplateError(f"{path}: after the last '--- reply' a message is missing")
        _check_turn(self._turns[-1], path)
        self.turns = len(self._turns)

    def render(self, variables: Mapping[str, Any], replies: Sequence[str] = ()) -> list[Message]:
        """Render the messages up to the turn that follows ``replies``.

        Raises:
            TemplateError: the template uses an unknown variable or a forbidden attribute, or has
                fewer turns than replies need.
        """
        from jinja2 import TemplateError as JinjaError
        from jinja2.exceptions import SecurityError

        if len(replies) >= self.turns:
            raise TemplateError(
                f"{self.path}: {len(replies)} replies are given, and it has "
                f"{self.turns - 1} lines '--- reply'"
            )
        messages: list[Message] = []
        self._environment.start()
        try:
            for turn, sections in enumerate(self._turns[: len(replies) + 1]):
                if turn:
                    # A reply continues the prefill of its prompt.
                    given = messages.pop()["content"] if self._turns[turn - 1][-1].begin else ""
                    messages.append(Message(role="assistant", content=given + replies[turn - 1]))
                messages += [
                    Message(role=section.role, content=section.body.render(variables))
                    for section in sections
                ]
        except (SecurityError, MemoryError, RecursionError) as error:
            what = "it needs more memory than there is"
            raise TemplateError(
                f"{self.path}: {what if isinstance(error, MemoryError) else error}"
            ) from None
        except (JinjaError, *_TEMPLATE_FAULTS) as error:
            raise TemplateError(
                f"{self.path}: {error}; known variables: {', '.join(sorted(variables))}"
            ) from error
        return messages


def _check_turn(sections: Sequence[_Section], where: str) -> None:
    """Check that the model's turn is open at the end of its prompt.

    Raises:
        TemplateError: the prompt ends with a whole turn of the assistant, or begins its turn
            with no message before it.
    """
    if sections[-1].role == "assistant" and not sections[-1].begin:
        raise TemplateError(
            f"{where}: the prompt ends with '--- assistant', a turn that is over; for text that "
            "the model is to continue write '--- begin'"
        )
    if sections[0].begin:
        raise TemplateError(f"{where}: '--- begin' needs a message before it")
