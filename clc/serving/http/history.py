"""The request log: every question with its paths in a run folder."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from clc.runs.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from clc.plan import Plan
    from clc.serving.question import Question

__all__ = ["History"]


class History:
    """Keeps questions, prompts and paths; ``clc vote FOLDER`` votes on them again.

    Args:
        folder: a run folder of its own; later servers append to it.

    Raises:
        StoreError: the folder cannot be written, or another process writes to it.
    """

    def __init__(self, folder: str | Path) -> None:
        self._store = Store(folder)
        self._next = self._store.counts()["problems"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def add(self, question: Question, plan: Plan, store: Store) -> None:
        """Store the paths of one question.

        Raises:
            StoreError: the disk is full or gone.
        """
        configuration = question.configuration
        metadata = {
            "model": question.model,
            "strategy": configuration.strategy.name,
            "seed": configuration.seed,
            "time": round(time.time(), 3),
        }
        self._store.add_problem(self._next, replace(question.problem, metadata=metadata))
        self._next += 1
        prompt_keys = dict.fromkeys(
            arm.prompt_key for arm in plan.arms if arm.prompt_key is not None
        )
        for prompt in store.prompts(list(prompt_keys)).values():
            self._store.add_prompt(prompt)
        keys = plan.keys()
        for path in store.paths(keys).values():
            self._store.add_path(path)
        for key, reason in store.failures(keys).items():
            self._store.add_failure(key, reason)
        self._store.set_plan(question.problem.id, plan)
        self._store.commit()
