"""A Jinja2 sandbox with a budget: no template takes all time or all memory.

Jinja2's own sandbox keeps a template from Python's internals, and ``range`` short. Here every turn
of a loop, call, filter, test and operation costs a step and the characters that it reads, every
text that is written costs its characters, and an operation whose result would be larger than a
whole prompt may be is refused before it begins.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import wraps
from typing import TYPE_CHECKING, Any

from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.filters import FILTERS
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from clc.prompts.budget import MOST_CHARACTERS, MOST_STEPS, Budget, text_size, too_large
from clc.prompts.result_sizes import (
    check_format_size,
    check_replacement_size,
    check_size,
    check_widths,
    operation_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jinja2.runtime import Context

__all__ = ["MOST_CHARACTERS", "MOST_STEPS", "BoundedEnvironment"]

_UNLISTED = frozenset({"count", "d", "default", "defined", "first", "last", "length", "undefined"})
"""Filters and tests that read nothing within their arguments."""
_SLOW = {"dictsort": 4, "groupby": 4, "list": 4, "pprint": 20, "sort": 4, "title": 4, "tojson": 2,
         "unique": 4, "urlencode": 10, "wordcount": 4, "xmlattr": 4,
         "split": 8, "rsplit": 8, "splitlines": 8}  # fmt: skip
"""Work of filters and methods of texts for each character, where it is more than 1."""
_MOST_READ = {"striptags": 100_000, "urlize": 2_000, "wordwrap": 100_000}
"""Characters that a filter of quadratic time may read."""
# Filters and methods of texts whose whole-number arguments are sizes of the result.
_SIZED = frozenset({"center", "indent", "wordwrap", "batch", "slice", "tojson", "round",
                    "truncate", "ljust", "rjust", "zfill", "expandtabs"})  # fmt: skip
_REPEATED = frozenset({"indent", "wordwrap", "urlize"})  # a text among the arguments is repeated


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """An environment whose templates render within a budget; ``start`` it before each rendering."""

    intercepted_binops = frozenset({"*", "**", "+", "-", "%", "/", "//"})

    def __init__(self, **settings: Any) -> None:
        self._local = threading.local()
        self.start()
        super().__init__(**settings, finalize=self._finalized)
        self.concat = self._concat  # type: ignore[method-assign]
        filters: dict[str, Any] = {**self.filters, "join": _join, "sum": _sum}
        self.filters = {name: self._bounded(name, filters[name]) for name in filters}
        tests: dict[str, Any] = {**self.tests}
        self.tests = {name: self._bounded(name, tests[name]) for name in tests}
        self.filters |= {
            "_counted": self._counted,
            "_concatenated": self._concatenated,
            "_stepped": self._stepped,
        }

    @property
    def budget(self) -> Budget:
        """The budget of this thread's rendering."""
        budget: Budget = self._local.budget
        return budget

    def start(self) -> None:
        """Give this thread's next rendering its budget."""
        self._local.budget = Budget()

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what a template calls, within the budget."""
        of = getattr(obj, "__self__", None)
        name = getattr(obj, "__name__", "")
        if isinstance(of, str):
            self._charge(name, (of, *args), kwargs)
        elif name in {"format", "format_map"}:  # of a text
            text = getattr(obj, "__wrapped__").__self__  # noqa: B009
            self._charge("format", (text, *args), kwargs)
        else:
            self.budget.step()
        if isinstance(obj, LoopContext) and args:
            args = (self._counted(context, args[0], 0), *args[1:])
        return check_size(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute an operation whose result is not too large."""
        if operator == "%" and isinstance(left, str):
            given = right if isinstance(right, tuple) else (right,)
            self._charge("format", (left, *given), {})
        else:
            self.budget.step(work=operation_size(operator, left, right))
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        others = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)
        for other in tree.find_all(others):
            raise TemplateSyntaxError(
                "a template is one file: write here what it would include, extend or import",
                other.lineno,
            )
        for loop in list(tree.find_all(nodes.For)):
            texts = (part.data for one in loop.body for part in one.find_all(nodes.TemplateData))
            cost = nodes.Const(sum(map(len, texts)))
            loop.iter = _filtered(loop.iter, "_counted", cost)
        _Charged().visit(tree)
        return tree

    def _bounded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return a filter or test that takes a step and charges what it reads."""
        first = 1 if hasattr(function, "jinja_pass_arg") else 0

        @wraps(function)
        def bounded(*args: Any, **kwargs: Any) -> Any:
            if name in _UNLISTED:
                self.budget.step()
            else:
                self._charge(name, args[first:], kwargs)
            result = check_size(function(*args, **kwargs))
            return self._each(result) if isinstance(result, Iterator) else result

        return bounded

    def _charge(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Take the step of a filter or method whose first argument is what it is applied to."""
        more = (*args[1:], *kwargs.values())
        weight = text_size(*args, *kwargs.values())
        self.budget.step(work=weight * _SLOW.get(name, 1))
        if weight > _MOST_READ.get(name, weight):
            raise SecurityError(
                f"{name} reads {weight:,} characters; give it at most {_MOST_READ[name]:,}"
            )
        text = args[0] if args else ""
        if name in _SIZED:
            check_widths(text, more)
        if name in _REPEATED and text_size(*more) * text_size(text) > MOST_CHARACTERS:
            raise too_large()
        if name == "format":
            check_format_size(str(text), more)
        elif name == "replace" and len(args) > 2:  # noqa: PLR2004 - text, old, new
            check_replacement_size(str(text), str(args[1]), str(args[2]))
        elif name == "join" and isinstance(text, str) and hasattr(args[-1], "__len__"):
            if len(text) * len(args[-1]) > MOST_CHARACTERS:
                raise too_large()
        elif name == "translate":
            raise SecurityError("translate is not for templates; use replace")

    def _each(self, items: Iterator[Any]) -> Iterator[Any]:
        for item in items:
            self.budget.step()
            yield item

    @pass_context
    def _counted(self, _: Context, iterable: Iterable[Any], cost: int) -> Iterator[Any]:
        budget = self.budget
        for item in iterable:
            budget.step(cost)
            yield item

    @pass_context
    def _stepped(self, _: Context, value: Any) -> Any:
        """Charge a slice or a comparison, whose operands are gone; each is at most one text."""
        self.budget.step(work=len(value) if isinstance(value, str | list) else 0)
        return value

    @pass_context
    def _concatenated(self, _: Context, values: list[Any]) -> str:
        self.budget.step(work=text_size(*values))
        return "".join(map(str, values))

    def _finalized(self, value: Any) -> Any:
        """Charge a value that is about to be written as text."""
        if isinstance(value, str):
            self.budget.hold(len(value))
        else:
            self.budget.step(work=text_size(value))
        return value

    def _concat(self, parts: Iterable[str]) -> str:
        texts = []
        for text in parts:
            self.budget.write(len(text))
            texts.append(text)
        return "".join(texts)


class _Charged(NodeTransformer):
    """Has every ``~`` weighed before it is computed, and slices and comparisons cost a step."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - jinja2's name
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes, lineno=node.lineno), "_concatenated")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_stepped")

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_stepped") if isinstance(node.arg, nodes.Slice) else node


def _filtered(node: Any, name: str, *args: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, name, list(args), [], None, None, lineno=node.lineno)


@pass_context
def _join(context: Context, value: Any, d: str = "", attribute: Any = None) -> Any:
    budget = context.environment.budget  # type: ignore[attr-defined]
    items = []
    for item in value:
        written = text_size(item, d)
        budget.step(written, written)
        items.append(item)
    return FILTERS["join"](context.eval_ctx, items, d, attribute)


@pass_context
def _sum(context: Context, iterable: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Sum numbers or lists; each addition of lists copies those before."""
    items = list(iterable)
    if not isinstance(start, int | float):
        budget = context.environment.budget  # type: ignore[attr-defined]
        budget.step(work=len(items) * text_size(items))
    return FILTERS["sum"](context.environment, items, attribute, start)
