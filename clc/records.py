"""The records that a question becomes on its way to a verdict.

::

    Problem -> Prompt -> ReasoningPath -> Vote -> Verdict

Each is frozen, names its parent by key, and is a function of the record before it and the
configuration. Keys are content hashes, never row numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "AbstainReason",
    "Abstention",
    "Answer",
    "AnswerKind",
    "Confidence",
    "Message",
    "Problem",
    "Prompt",
    "ReasoningPath",
    "Sampling",
    "Step",
    "Usage",
    "Verdict",
    "Vote",
    "content_key",
    "path_key",
    "path_seed",
    "prompt_key",
]

AnswerKind = Literal["number", "choice", "latex"]


class Message(TypedDict):
    """One chat message, as every engine takes it."""

    role: Literal["system", "user", "assistant"]
    content: str


def content_key(tag: str, value: object) -> str:
    """Hash ``value`` by its canonical JSON, under ``tag`` so that kinds of record never collide.

    >>> content_key("path", {"b": 1, "a": 2}) == content_key("path", {"a": 2, "b": 1})
    True
    >>> content_key("path", 1) == content_key("prompt", 1)
    False
    """
    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(tag.encode() + b"\0" + canonical, digest_size=16).hexdigest()


def path_seed(run_seed: int, prompt_key: str, index: int) -> int:
    """Seed of one path: 53 bits (exact in JSON everywhere) of a hash of where it belongs.

    Neighbouring run seeds or indices share nothing, and a path's seed does not depend on how
    many paths are drawn beside it.
    """
    digest = hashlib.blake2b(f"seed\0{run_seed}\0{prompt_key}\0{index}".encode(), digest_size=8)
    return int.from_bytes(digest.digest(), "big") >> 11


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent, as the engine counted them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )

    @property
    def total(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Problem:
    """A question, with whatever its file says about it.

    ``translations`` maps BCP-47 codes to human translations of the question. ``gold`` is the
    right answer as the file writes it; only scoring and reports read it. ``context`` are the
    chat messages that came before the question; they stand before every prompt.
    """

    id: str
    question: str
    language: str
    gold: str | None = None
    translations: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    context: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a completion is drawn. ``top_k`` 0 means no limit; ``max_tokens`` counts new tokens.

    ``min_p`` leaves out tokens less likely than this share of the likeliest one's probability.
    ``presence_penalty`` is taken off the logit of each token that the completion holds,
    ``frequency_penalty`` as often as it holds it; ``repetition_penalty`` divides the logits of
    tokens that the prompt or the completion hold (negative ones are multiplied). The defaults of
    these four change nothing.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    min_p: float = 0.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0


# Keys hold the fields that came after these only where they are not their defaults, so that the
# keys of paths that are drawn already stay.
_FIRST_FIELDS = frozenset({"temperature", "top_p", "top_k", "max_tokens", "stop"})


@dataclass(frozen=True, slots=True)
class Prompt:
    """Final chat messages, and which template at which content hash rendered them.

    ``key`` is the content key of engine fingerprint, messages and sampling: two prompts that
    would be answered alike are one prompt.
    """

    key: str
    messages: tuple[Message, ...]
    language: str
    template: str
    template_hash: str


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure the model was of a path, from its token log-probabilities (in nats).

    The confidence of a token is the negative mean log-probability of the ``k`` likeliest tokens
    at its place (DeepConf, arXiv 2508.15260, section 3): high where one token stands out.
    ``mean`` is its mean over the path, ``tail`` over the path's end, ``lowest_group`` the lowest
    mean of a sliding window. ``logprob`` is the mean log-probability of the drawn tokens, at
    most 0. Tokenizers differ, so values compare paths of one model in one language only.
    """

    mean: float
    tail: float
    lowest_group: float
    logprob: float


@dataclass(frozen=True, slots=True)
class ReasoningPath:
    """One completion of a prompt.

    ``finish_reason`` is the engine's (``stop``, ``length``, ``abort``), or ``error`` for a path
    that was lost, whose ``error`` says why.
    """

    key: str
    prompt_key: str
    language: str
    index: int
    seed: int
    text: str
    finish_reason: str
    usage: Usage = Usage()
    confidence: Confidence | None = None
    error: str | None = None


class AbstainReason(StrEnum):
    """Why a path has no vote."""

    EMPTY = "empty"
    REFUSAL = "refusal"
    UNDETERMINED = "undetermined"
    UNRESOLVED = "unresolved"  # an algebraic leftover such as 160 - x
    TRUNCATED = "truncated"
    NO_ANSWER = "no_answer"
    ENGINE_FAILURE = "engine_failure"
    TRANSLATION = "translation"  # no faithful translation of the question was found
    LOW_CONFIDENCE = "low_confidence"  # aborted or left out for it
    DEADLINE = "deadline"  # not there in time


@dataclass(frozen=True, slots=True)
class Answer:
    """The value that a text states, in canonical form.

    ``value`` is an integer, a reduced fraction ``p/q``, a choice letter or canonical LaTeX:
    equal answers are equal strings. ``span`` is where in the text it was read (start, end).
    """

    value: str
    kind: AnswerKind = "number"
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Abstention:
    """No answer, and why. It is counted and reported, and never votes."""

    reason: AbstainReason
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """What one path says: an answer or an abstention, in the path's language."""

    path_key: str
    language: str
    outcome: Answer | Abstention
    weight: float = 1.0

    @property
    def answer(self) -> str | None:
        """Canonical answer, or None for an abstention."""
        return self.outcome.value if isinstance(self.outcome, Answer) else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one vote.

    ``support`` is the weight behind ``answer`` and ``total`` the weight of all votes cast
    (abstentions cast none); ``agreement`` is their ratio, 0.0 without votes. ``tally`` maps each
    answer to its support by language, strongest answer first, and ``abstentions`` each reason
    to its count by language. ``answer`` is None when nobody voted. ``translation_usage`` counts
    all that came before the paths: translations, first turns, plans. ``details`` says what else
    led here: ``stop``, ``plan``, ``choice``.
    """

    id: str
    answer: str | None
    support: float
    total: float
    agreement: float
    tied: bool
    tally: Mapping[str, Mapping[str, float]]
    abstentions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    paths: int = 0
    usage: Usage = Usage()
    translation_usage: Usage = Usage()
    details: Mapping[str, Any] = field(default_factory=dict)


def path_key(prompt_key: str, index: int, seed: int, floor: float | None = None) -> str:
    """Key of one path: its prompt's key, its index (0-based) and the seed it is drawn with.

    A path that is aborted below a ``floor`` of confidence is another one than the whole path.
    """
    parts = [prompt_key, index, seed]
    return content_key("path", parts if floor is None else [*parts, floor])


def prompt_key(fingerprint: str, messages: Sequence[Message], sampling: Sampling) -> str:
    """Key of the prompt that these messages are, for this engine and this sampling."""
    told = {
        part.name: value
        for part in fields(sampling)
        if (value := getattr(sampling, part.name)) != part.default or part.name in _FIRST_FIELDS
    }
    # Fields in the order of their definition, which is how orjson writes a dataclass.
    return content_key("prompt", [fingerprint, list(messages), orjson.Fragment(orjson.dumps(told))])


class Step(NamedTuple):
    """A completion that is no path, good or not, in the language that was asked for.

    ``kind`` is ``translation`` (one try), ``turn`` (before a last one), ``plan`` or ``choice``.
    """

    kind: str
    language: str
    text: str
    finish_reason: str
    usage: Usage
