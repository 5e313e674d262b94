"""Read the question of a request: model, settings, limits, conversation."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from clc.datasets.text import as_problem
from clc.errors import InputError
from clc.serving.errors import ApiError
from clc.solving.configure import configure
from clc.strategies.catalogue import STRATEGIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clc.engines.chat_options import ChatOptions
    from clc.records import Message, Problem
    from clc.serving.openai.requests import BaseRequest
    from clc.serving.settings import Limits, Settings
    from clc.solving.configuration import Configuration

__all__ = [
    "Question",
    "VoteOptions",
    "check_characters",
    "check_choices",
    "check_tokens",
    "model_names",
    "random_seed",
    "read_question",
    "read_vote_options",
]

_PREFIX = "x-clc-"
_TURNS = 8  # all turns together may have so many times the characters of a question
_SEED_BITS = 53  # a double's significand
_BY_STRATEGY = ("paths", "temperature")  # defaults of the default strategy only


class VoteOptions(NamedTuple):
    """Settings of the vote from body, headers and model name; None where not given."""

    strategy: str | None = None
    languages: list[str] | None = None
    paths: int | None = None
    stopping: str | None = None
    language: str | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A problem with its configuration and deadline. ``model`` is the requested name.

    ``chat_options`` are those of the request's own for its paths; translations have the server's.
    """

    model: str
    problem: Problem
    configuration: Configuration
    deadline_s: float
    chat_options: ChatOptions | None = None


def model_names(settings: Settings) -> tuple[str, ...]:
    """Return every name that ``/v1/models`` lists: the votes, then the plain model."""
    return ("clc", *(f"clc:{name}" for name in STRATEGIES), settings.model)


def read_vote_options(request: BaseRequest, headers: Mapping[str, str]) -> VoteOptions:
    """Read the settings of a vote; the body wins over headers.

    Raises:
        ApiError: 400, a header is unknown or wrong, or body and model name contradict.
    """
    options = _from_headers(headers)
    body = request.clc
    given: dict[str, Any] = {}
    if body is not None:
        given = {name: value for name, value in body.model_dump().items() if value is not None}
    _, _, alias = request.model.partition(":")
    if alias:
        if given.get("strategy", alias) != alias:
            raise ApiError(
                400,
                f"model {request.model!r} and clc.strategy {given['strategy']!r} contradict each "
                "other; leave one of them out",
                code="invalid_value",
                param="clc.strategy",
            )
        given["strategy"] = alias
    return VoteOptions(**(options | given))


def read_question(
    request: BaseRequest, options: VoteOptions, settings: Settings, key: str
) -> Question:
    """Make the question: the last turn is the problem, earlier ones are its context.

    Raises:
        ApiError: 400, a setting is wrong or beyond the limits.
    """
    if request.choices() > 1:
        raise ApiError(
            400,
            f"n is {request.choices()}: a vote has one answer. Ask for more paths with clc.paths, "
            "or for several texts of the plain model",
            code="unsupported_value",
            param="n",
        )
    messages = request.turns()
    if messages[-1]["role"] != "user":
        raise ApiError(
            400,
            f"the last turn is the {messages[-1]['role']}'s: it must be the user's, because it is "
            "the problem to vote on",
            code="invalid_value",
            param="messages",
        )
    limits = settings.limits
    check_characters(messages, limits)
    if (length := len(messages[-1]["content"])) > limits.characters:
        raise ApiError(
            400,
            f"the question has {length} characters: at most {limits.characters} are taken; "
            "shorten it",
            code="invalid_value",
            param="messages",
        )
    chosen = _chosen(request, options, settings)
    # Before configure, which plans every path.
    _check_limits(chosen.get("paths"), chosen.get("languages"), limits)
    configuration = configure(**chosen)
    strategy = configuration.strategy
    _check_limits(configuration.paths, configuration.languages or strategy.languages, limits)
    check_tokens(configuration.paths, configuration.sampling.max_tokens, limits)
    problem = _problem(messages, options.language, key, settings.scripts)
    deadline_s = min(options.deadline or limits.deadline_s, limits.deadline_s)
    return Question(request.model, problem, configuration, deadline_s)


def random_seed() -> int:
    """Return a seed for a request without one; JSON numbers hold it exactly in every client."""
    return secrets.randbits(_SEED_BITS)


def check_characters(messages: Sequence[Message], limits: Limits) -> None:
    """Refuse turns that are too long together.

    Raises:
        ApiError: 400.
    """
    length, most = sum(len(turn["content"]) for turn in messages), _TURNS * limits.characters
    if length > most:
        raise ApiError(
            400,
            f"the turns have {length} characters together: at most {most} are taken; shorten them",
            code="invalid_value",
            param="messages",
        )


def check_choices(n: int, limits: Limits) -> None:
    """Refuse more texts of the plain model than one request may have.

    Raises:
        ApiError: 400.
    """
    if n > limits.paths:
        raise ApiError(
            400,
            f"n is {n}, and at most {limits.paths} are sampled for one request",
            code="invalid_value",
            param="n",
        )


def check_tokens(paths: int, max_tokens: int, limits: Limits) -> None:
    """Refuse more new tokens than one request may have.

    Raises:
        ApiError: 400.
    """
    if paths * max_tokens > limits.tokens:
        raise ApiError(
            400,
            f"{paths} paths of {max_tokens} tokens are {paths * max_tokens}: at most "
            f"{limits.tokens} are sampled for one request; lower max_tokens or paths",
            code="invalid_value",
            param="max_tokens",
        )


def _problem(
    messages: Sequence[Message], language: str | None, key: str, scripts: Mapping[str, str]
) -> Problem:
    try:
        problem = as_problem(messages[-1]["content"], language, scripts)
    except InputError as error:
        raise ApiError(400, str(error), code="invalid_value", param="messages") from error
    return replace(problem, id=key, context=tuple(messages[:-1]))


def _chosen(request: BaseRequest, options: VoteOptions, settings: Settings) -> dict[str, Any]:
    """Return the arguments of ``configure``."""
    chosen: dict[str, Any] = {"strategy": "clc", **settings.defaults}
    if options.strategy not in {None, chosen["strategy"]}:
        chosen = {name: value for name, value in chosen.items() if name not in _BY_STRATEGY}
    for name in ("strategy", "languages", "paths", "stopping"):
        if (value := getattr(options, name)) is not None:
            chosen[name] = value
    chosen.update(request.sampling())
    if (most := request.new_tokens()) is not None:
        chosen["max_tokens"] = most
    if chosen.get("seed") is None:
        chosen["seed"] = random_seed()
    return chosen


def _check_limits(paths: int | None, languages: Sequence[str] | None, limits: Limits) -> None:
    for name, value, most in (
        ("paths", paths or 0, limits.paths),
        ("languages", len(languages or ()), limits.languages),
    ):
        if value > most:
            raise ApiError(
                400,
                f"{value} {name} are asked for, and one request has at most {most}",
                code="invalid_value",
                param=f"clc.{name}",
            )


def _from_headers(headers: Mapping[str, str]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for header, text in headers.items():
        lowered = header.lower()
        if not lowered.startswith(_PREFIX):
            continue
        name = lowered.removeprefix(_PREFIX)
        if name not in VoteOptions._fields:
            known = ", ".join(f"X-CLC-{field.title()}" for field in VoteOptions._fields)
            raise _bad_header(header, f"is unknown; there are: {known}")
        options[name] = _from_header(header, name, text.strip())
    return options


def _from_header(header: str, name: str, text: str) -> object:
    if name == "languages":
        codes = [code.strip() for code in text.split(",")]
        if not all(codes):
            raise _bad_header(header, f"is {text!r:.40}: write codes with commas, such as en,zh")
        return codes
    if name in {"strategy", "language", "stopping"}:
        return text
    convert = cast("type[float]", int if name == "paths" else float)
    try:
        value = convert(text)
    except ValueError:
        raise _bad_header(header, f"is {text!r:.40}: it must be a number") from None
    if not 0 < value < float("inf"):
        raise _bad_header(header, f"is {text!r:.40}: it must be above 0")
    return value


def _bad_header(header: str, fault: str) -> ApiError:
    return ApiError(400, f"header {header!r:.40} {fault}", code="invalid_value", param=header)
