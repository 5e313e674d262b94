"""Bodies of replies in both APIs: the vote, errors, models, health."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel

__all__ = ["ErrorReply", "HealthReply", "ModelList", "ModelReply", "Votes"]


class _Error(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorReply(BaseModel):
    """OpenAI's error body."""

    error: _Error


class ModelReply(BaseModel):
    """One model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """All models."""

    object: Literal["list"]
    data: list[ModelReply]


class HealthReply(BaseModel):
    """State of the server, requests being answered, and requests waiting."""

    status: Literal["ok", "unavailable"]
    running: int
    waiting: int


class _Tokens(BaseModel):
    prompt: int
    completion: int
    translation: int


class Votes(BaseModel):
    """The vote behind a reply, as ``clc`` in its body.

    ``tokens.translation`` counts prompt and completion tokens of every request before the paths
    and after the vote, and is part of neither ``prompt`` nor ``completion``. ``seconds`` is the
    time spent on the answer, without the wait in the queue. ``stop`` names the rule that ended
    the vote early, or is None. ``deadline`` is true when the deadline passed before all paths
    were done: the vote is then over the paths that were. ``withheld`` says why the answer of an
    unsure vote was not given, or is None. ``untranslated`` says what became of the paths of
    languages without a translation, and ``entropy`` is that of ``semantic`` voting.
    """

    strategy: str
    answer: str | None
    support: float
    total: float
    agreement: float
    tied: bool
    tally: dict[str, dict[str, float]]
    abstentions: dict[str, dict[str, int]]
    languages: list[str]
    question_language: str
    translated: bool
    paths: int
    tokens: _Tokens
    seconds: float
    seed: int
    stop: dict[str, Any] | None
    deadline: bool
    withheld: str | None = None
    untranslated: dict[str, Any] | None = None
    entropy: float | None = None
