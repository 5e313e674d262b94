"""The records that a question becomes on its way to a verdict.

::

    Problem -> Prompt -> ReasoningPath -> Vote -> Verdict
    problems             paths            votes        usage, sampling, keys

Each is frozen, names its parent by key, and is a function of the record before it and the
configuration. Keys are content hashes, never row numbers.
"""

from __future__ import annotations

from clc.records.keys import (
    arm_path_keys,
    content_key,
    hashed_seed,
    path_key,
    path_seed,
    prompt_key,
)
from clc.records.paths import Confidence, ReasoningPath, Step
from clc.records.problems import Message, Problem, Prompt
from clc.records.sampling import Sampling, SamplingSettings
from clc.records.usage import Usage
from clc.records.votes import AbstainReason, Abstention, Answer, AnswerKind, Verdict, Vote

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
