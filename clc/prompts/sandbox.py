"""A Jinja2 sandbox with a budget: no template takes all time or all memory.

Jinja2's own sandbox keeps a template from Python's internals, and ``range`` short. Here every turn
of a loop and every call costs a step, every text that is written costs its characters, and an
operation whose result would be larger than a whole prompt may be is refused before it begins.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jinja2.runtime import Context

__all__ = ["MOST_CHARACTERS", "MOST_STEPS", "BoundedEnvironment"]

MOST_STEPS = 200_000
"""Turns of loops and calls in one rendering."""
MOST_CHARACTERS = 10_000_000
"""Characters that one rendering writes, and of any text, list or number in it."""

_SECONDS = 20.0
_CLOCKED = MOST_STEPS - 10_000  # steps left up to which the time is not looked at
_WIDE = re.compile(r"\d{6,}|\*|:[^{}]*\{")  # widths in a format: too large, or from an argument
# Filters and methods of texts whose whole-number arguments are sizes of the result.
_SIZED = ("center", "indent", "wordwrap", "batch", "slice", "tojson", "round", "truncate")
_SIZED_METHODS = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs"})


class _Budget:
    """What a rendering may still use."""

    __slots__ = ("characters", "ends", "output", "steps")

    def __init__(self) -> None:
        self.steps = MOST_STEPS
        self.characters = self.output = MOST_CHARACTERS
        self.ends = time.monotonic() + _SECONDS

    def step(self, characters: int = 0) -> None:
        """Take a step that writes so many characters of plain text."""
        self.steps -= 1
        if characters:
            self.write(characters)
        if self.steps >= _CLOCKED:
            return
        if self.steps < 0:
            raise SecurityError(f"it takes more than {MOST_STEPS:,} steps; make its loops shorter")
        if time.monotonic() > self.ends:
            raise SecurityError(f"it takes more than {_SECONDS:.0f} seconds; make it shorter")

    def hold(self, characters: int) -> None:
        """Take characters of an expression's output, which are held until they are written."""
        self.output -= characters
        if self.output < 0:
            raise _too_large()

    def write(self, characters: int) -> None:
        self.characters -= characters
        if self.characters < 0:
            raise _too_large()


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """An environment whose templates render within a budget; ``start`` it before each rendering."""

    intercepted_binops = frozenset({"*", "**", "+", "%"})

    def __init__(self, **settings: Any) -> None:
        self._local = threading.local()
        self.start()
        super().__init__(**settings)
        self.concat = self._concat  # type: ignore[method-assign]
        self.finalize = self._output
        self.filters |= {name: _sized(FILTERS[name]) for name in _SIZED}
        self.filters |= {
            "join": _join,
            "replace": _replace,
            "format": _format,
            "_counted": self._counted,
            "_joined": _checked,
        }

    @property
    def budget(self) -> _Budget:
        """The budget of this thread's rendering."""
        budget: _Budget = self._local.budget
        return budget

    def start(self) -> None:
        """Give this thread's next rendering its budget."""
        self._local.budget = _Budget()

    def _output(self, value: Any) -> str:
        text = str(value)
        self.budget.hold(len(text))
        return text

    def _concat(self, parts: Iterable[str]) -> str:
        texts = list(parts)
        self.budget.write(sum(map(len, texts)))
        return "".join(texts)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        for loop in list(tree.find_all(nodes.For)):
            texts = (part.data for one in loop.body for part in one.find_all(nodes.TemplateData))
            cost = nodes.Const(sum(map(len, texts)))
            loop.iter = nodes.Filter(loop.iter, "_counted", [cost], [], None, None)
        _check_concatenations(tree)
        return tree

    @pass_context
    def _counted(self, _: Context, iterable: Iterable[Any], cost: int) -> Iterator[Any]:
        budget = self.budget
        for item in iterable:
            budget.step(cost)
            yield item

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what a template calls, within the budget."""
        self.budget.step()
        of = getattr(obj, "__self__", None)
        if isinstance(of, str):
            _check_method(of, obj.__name__, args)
        elif getattr(obj, "__name__", "") in {"format", "format_map"}:  # of a text
            _check_arguments(getattr(obj, "__wrapped__").__self__, args, kwargs)  # noqa: B009
        elif isinstance(obj, LoopContext) and args:
            args = (self._counted(context, args[0], 0), *args[1:])
        return _checked(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute an operation whose result is not too large."""
        self.budget.step()
        if operator == "%" and isinstance(left, str):
            _check_arguments(left, right if isinstance(right, tuple) else (right,), {})
        elif _size(operator, left, right) > MOST_CHARACTERS:
            raise _too_large()
        return super().call_binop(context, operator, left, right)


class _Concatenations(NodeTransformer):
    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - jinja2's name
        self.generic_visit(node)
        return nodes.Filter(node, "_joined", [], [], None, None, lineno=node.lineno)


def _check_concatenations(tree: nodes.Template) -> None:
    """Have the result of every ``~`` checked."""
    _Concatenations().visit(tree)


def _too_large() -> SecurityError:
    return SecurityError(
        f"it makes more than {MOST_CHARACTERS:,} characters; make its texts shorter"
    )


def _size(operator: str, left: Any, right: Any) -> int:
    """Return about the size of a result: items, characters, or bits of a number."""
    sizes = [
        abs(one).bit_length()
        if isinstance(one, int)
        else len(one)
        if hasattr(one, "__len__")
        else 0
        for one in (left, right)
    ]
    if operator == "**":
        return sizes[0] * abs(right) if isinstance(left, int) and isinstance(right, int) else 0
    if operator == "*":
        for one, other, size in ((left, right, sizes[0]), (right, left, sizes[1])):
            if isinstance(other, int) and not isinstance(one, int):
                return size * max(other, 0)
    return sum(sizes)


def _checked(value: Any) -> Any:
    if isinstance(value, str | bytes | list | tuple) and len(value) > MOST_CHARACTERS:
        raise _too_large()
    return value


def _check_sizes(text: object, numbers: Iterable[Any]) -> None:
    lines = text.count("\n") + 1 if isinstance(text, str) else 1
    for number in numbers:
        if isinstance(number, int) and abs(number) * lines > MOST_CHARACTERS:
            raise _too_large()


def _sized(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a filter that refuses sizes that are too large."""
    first = 1 if hasattr(function, "jinja_pass_arg") else 0

    @wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        _check_sizes(args[first], (*args[first + 1 :], *kwargs.values()))
        return function(*args, **kwargs)

    return bounded


def _check_arguments(pattern: str, args: Iterable[Any], kwargs: dict[str, Any]) -> None:
    """Refuse a format whose widths make its result too large."""
    if not _WIDE.search(pattern):
        return
    for number in re.findall(r"\d+", pattern):
        if len(number) > 7:  # noqa: PLR2004 - ten million and more
            raise _too_large()
    given = [*args, *kwargs.values()]
    for one in tuple(given):
        if isinstance(one, Mapping):  # of format_map
            given += one.values()
    _check_sizes("", given)


def _check_method(text: str, name: str, args: tuple[Any, ...]) -> None:
    if name in _SIZED_METHODS:
        tabs = text.count("\t") + 1 if name == "expandtabs" else 1
        _check_sizes("\n" * (tabs - 1), args)
    elif name == "replace" and len(args) > 1:
        _check_replaced(text, args[0], args[1])
    elif name == "join" and args:
        _check_joined(text, args[0])
    elif name == "translate" and args:
        raise SecurityError("translate is not for templates; use replace")


def _check_replaced(text: str, old: object, new: object) -> None:
    count = text.count(str(old)) if old else len(text) + 1
    if len(text) + count * len(str(new)) > MOST_CHARACTERS:
        raise _too_large()


def _check_joined(separator: str, items: Any) -> None:
    if hasattr(items, "__len__") and len(separator) * len(items) > MOST_CHARACTERS:
        raise _too_large()


@pass_context
def _join(context: Context, value: Any, d: str = "", attribute: Any = None) -> Any:
    budget = context.environment.budget  # type: ignore[attr-defined]
    items = []
    for item in value:
        budget.step(len(item) + len(str(d)) if isinstance(item, str) else len(str(d)))
        items.append(item)
    return FILTERS["join"](context.eval_ctx, items, d, attribute)


@pass_context
def _replace(context: Context, s: str, old: str, new: str, count: int | None = None) -> Any:
    _check_replaced(str(s), old, new)
    return FILTERS["replace"](context.eval_ctx, s, old, new, count)


def _format(value: str, *args: Any, **kwargs: Any) -> str:
    _check_arguments(str(value), args, kwargs)
    result: str = FILTERS["format"](value, *args, **kwargs)
    return result
