"""The records that a question becomes on its way to a verdict.

::

    Problem -> Prompt -> ReasoningPath -> Vote -> Verdict

Each is frozen, names its parent by key, and is a function of the record before it and the
configuration. Keys are content hashes, never row numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypedDict

import orjson

from clc.bounds import INT32_MAX, MOST_TOKENS, bounded, checked_number
from clc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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
    "SamplingSettings",
    "Step",
    "Usage",
    "Verdict",
    "Vote",
    "arm_path_keys",
    "content_key",
    "hashed_seed",
    "path_key",
    "path_seed",
    "prompt_key",
]

AnswerKind = Literal["number", "choice", "latex"]
_SEED_BYTES = 8


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
    import hashlib  # it loads OpenSSL, which most commands' help can do without

    canonical = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(tag.encode() + b"\0" + canonical, digest_size=16).hexdigest()


def hashed_seed(*parts: int | str) -> int:
    """Hash ``parts`` to a seed of 53 bits (exact in JSON everywhere).

    Neighbouring numbers give seeds that share nothing. A text must hold no NUL.
    """
    return _seed("seed\0" + "\0".join(map(str, parts)))


def _seed(text: str) -> int:
    import hashlib

    return _seed_of(hashlib.blake2b(text.encode(), digest_size=_SEED_BYTES).digest())


def _seed_of(digest: bytes) -> int:
    return int.from_bytes(digest, "big") >> 11


def path_seed(run_seed: int, prompt_key: str, arm_key: str, index: int, redraw: int = 0) -> int:
    """Return the seed of path number ``index`` (0-based) of an arm, sampled anew ``redraw`` times.

    It depends on no other path and on no other arm: arms that render the same prompt sample
    different paths.
    """
    # The text that hashed_seed makes of these parts, in half of the time: there is one a path.
    text = f"seed\0{run_seed}\0{prompt_key}\0{arm_key}\0{index}\0{redraw}"
    return _seed(text)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent, as the engine counted them.

    ``reasoning_tokens`` are those of the completion that were a thought.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )

    @classmethod
    def sum(cls, usages: Iterable[Usage]) -> Usage:
        """Add usages up.

        >>> Usage.sum([Usage(1, 2), Usage(3, 4, 1)])
        Usage(prompt_tokens=4, completion_tokens=6, reasoning_tokens=1)
        """
        prompt = completion = reasoning = 0
        for one in usages:
            prompt += one.prompt_tokens
            completion += one.completion_tokens
            reasoning += one.reasoning_tokens
        return cls(prompt, completion, reasoning)

    def clamped(self) -> Usage:
        """Return the usage with no count above ``MOST_TOKENS``, whatever a server says."""
        if max(self.prompt_tokens, self.completion_tokens, self.reasoning_tokens) <= MOST_TOKENS:
            return self
        return Usage(
            min(self.prompt_tokens, MOST_TOKENS),
            min(self.completion_tokens, MOST_TOKENS),
            min(self.reasoning_tokens, MOST_TOKENS),
        )

    def to_json(self) -> dict[str, int]:
        """Return plain values; reasoning tokens only where there are any."""
        values = {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
        }
        if self.reasoning_tokens:
            values["reasoning_tokens"] = self.reasoning_tokens
        return values

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
    """Parameters for sampling a completion: vLLM's, with vLLM's names and meanings.

    This is the one declaration of a parameter. The command line, ``configure`` and the server
    read its default, description (``metadata["help"]``) and bounds (``metadata["bounds"]``, by
    pydantic's names ``ge``, ``gt``, ``le``, ``lt``) from ``dataclasses.fields(Sampling)``. The
    order of the fields and their defaults are part of every prompt's key.

    Raises:
        ConfigurationError: a value is of another type or out of bounds.
    """

    temperature: float = bounded(0.7, "Sampling temperature; 0 is greedy.", ge=0, le=2)
    top_p: float = bounded(
        1.0, "Sample from the likeliest tokens that together have this probability.", gt=0, le=1
    )
    top_k: int = bounded(
        0, "Sample from this many of the likeliest tokens; 0 is no limit.", ge=0, le=INT32_MAX
    )
    max_tokens: int = bounded(1024, "Most new tokens of one path.", ge=1, le=INT32_MAX)
    stop: tuple[str, ...] = bounded((), "Text that ends a path.")
    min_p: float = bounded(
        0.0, "Leave out tokens less probable than this share of the likeliest one.", ge=0, lt=1
    )
    presence_penalty: float = bounded(
        0.0, "Subtracted once from the logit of each token that the path has.", ge=-2, le=2
    )
    frequency_penalty: float = bounded(
        0.0, "Subtracted from a token's logit for each time that the path has it.", ge=-2, le=2
    )
    repetition_penalty: float = bounded(
        1.0, "Divides the logits of tokens in the prompt or the path; 1 is none.", gt=0, le=10
    )

    def __post_init__(self) -> None:
        """Check every value; 1 and 1.0 become one value, because keys hash them."""
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(setting.default, tuple):
                value = (value,) if isinstance(value, str) else tuple(value)
                if not all(isinstance(text, str) and text for text in value):
                    raise ConfigurationError(
                        f"{setting.name} must be text that is not empty, not {list(value)}"
                    )
            else:
                value = checked_number(setting, value)
            object.__setattr__(self, setting.name, value)


class SamplingSettings(TypedDict, total=False):
    """The fields of ``Sampling`` as keyword arguments; None stands for the default."""

    temperature: float | None
    top_p: float | None
    top_k: int | None
    max_tokens: int | None
    stop: Sequence[str] | None
    min_p: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    repetition_penalty: float | None


# Keys hold the fields that came after these only where they are not their defaults, so that the
# keys of paths that are stored stay.
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
    """The model's confidence in a path, from its token log-probabilities (in nats).

    The confidence of a token is the negative mean log-probability of the ``k`` likeliest tokens
    at its place (DeepConf, arXiv 2508.15260, section 3): high where one token stands out.
    ``mean`` is its mean over the path, ``tail`` over the path's end, ``lowest_group`` the lowest
    mean of a sliding window. ``logprob`` is the mean log-probability of the sampled tokens, at
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
    that was lost, for the reason ``error``. ``thought`` is what a thinking model wrote before
    ``text``, and ``closed`` whether it ended its thought (None without one). ``cost`` is in the
    currency of the run's prices or of the endpoint, None where it is not known.
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
    thought: str = ""
    closed: bool | None = None
    cost: float | None = None


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
    """The vote of one path: an answer or an abstention, in the path's language."""

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
    to its count by language. ``answer`` is None without a vote. ``translation_usage`` counts
    all that came before the paths: translations, first turns, plans. ``details`` are what else
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


def path_key(prompt_key: str, seed: int, floor: float | None = None) -> str:
    """Return the key of one path: its prompt's key and the seed that it is sampled with.

    A path that is aborted below a ``floor`` of confidence is another one than the whole path.
    """
    parts = [prompt_key, seed]
    return content_key("path", parts if floor is None else [*parts, floor])


def arm_path_keys(
    run_seed: int,
    prompt_key: str,
    arm_key: str,
    indices: Iterable[int],
    *,
    redraw: int = 0,
    floor: float | None = None,
) -> Iterator[str]:
    """Yield the ``path_key`` of each of an arm's paths for its ``path_seed``.

    Hashing what the paths share once takes a third of the time: a vote needs all keys again.
    """
    import hashlib

    shared = f"seed\0{run_seed}\0{prompt_key}\0{arm_key}\0"
    seeds = hashlib.blake2b(shared.encode(), digest_size=_SEED_BYTES)
    keys = hashlib.blake2b(b"path\0" + orjson.dumps([prompt_key])[:-1] + b",", digest_size=16)
    end = b"]" if floor is None else b",%b]" % orjson.dumps(floor)
    for index in indices:
        seed = seeds.copy()
        seed.update(b"%d\0%d" % (index, redraw))
        key = keys.copy()
        key.update(b"%d%b" % (_seed_of(seed.digest()), end))
        yield key.hexdigest()


def prompt_key(fingerprint: str, messages: Sequence[Message], sampling: Sampling) -> str:
    """Return the key of the prompt that these messages are, for this engine and this sampling."""
    return content_key("prompt", [fingerprint, list(messages), _sampling_json(sampling)])


@lru_cache(maxsize=64)  # a run has few, and a key for every prompt
def _sampling_json(sampling: Sampling) -> orjson.Fragment:
    """Return the fields in their order, which is how orjson writes a dataclass."""
    values = {
        part.name: value
        for part in fields(sampling)
        if (value := getattr(sampling, part.name)) != part.default or part.name in _FIRST_FIELDS
    }
    return orjson.Fragment(orjson.dumps(values))


class Step(NamedTuple):
    """A completion that is no path, good or not, in the language that was asked for.

    ``kind`` is ``translation`` (one try), ``turn`` (before a last one), ``plan`` or ``choice``;
    ``thought``, ``closed`` and ``cost`` are as for a path.
    """

    kind: str
    language: str
    text: str
    finish_reason: str
    usage: Usage
    thought: str = ""
    closed: bool | None = None
    cost: float | None = None
