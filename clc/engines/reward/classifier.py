"""Reward models in this process: sequence classifiers of transformers."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clc.engines.fingerprints import model_fingerprint
from clc.engines.models import resolve_model
from clc.engines.reward.base import sigmoid, solution_messages
from clc.errors import ConfigurationError, EngineError
from clc.records import content_key

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ClassifierReward"]

_HEAD = "ForSequenceClassification"
_BATCH = 16
_LONGEST = 8192  # tokens; a longer solution loses its beginning


class ClassifierReward:
    """A sequence classifier with one label, or whose last label is "right".

    Args:
        model: a folder, or a Hugging Face id.
        separator: ends each step of a solution.

    Raises:
        ConfigurationError: the model has no head that gives rewards.
    """

    def __init__(self, model: str, separator: str = "") -> None:
        self._location = resolve_model(model)
        self._separator = separator
        self._check_head(model)
        self._model: Any = None
        self._tokenizer: Any = None
        self._lock = asyncio.Lock()

    def _check_head(self, model: str) -> None:
        file = Path(self._location) / "config.json"
        if not file.is_file():
            return  # an id: transformers reads its configuration when it is loaded
        names = json.loads(file.read_bytes()).get("architectures") or []
        if not any(name.endswith(_HEAD) for name in names):
            raise ConfigurationError(
                f"{model}: a {' or '.join(names) or 'model'} has no head that gives rewards; give "
                f"a model whose architecture ends in {_HEAD}"
            )

    @property
    def fingerprint(self) -> str:
        """The hash of the weights and of the separator."""
        return content_key("reward", [model_fingerprint(str(self._location)), self._separator])

    async def start(self) -> None:
        """Load the model.

        Raises:
            EngineError: it cannot be loaded, or its head has no weights.
        """
        async with self._lock:
            if self._model is None:
                await asyncio.to_thread(self._load)

    def _load(self) -> None:
        try:
            from transformers import AutoModelForSequenceClassification, AutoTokenizer
        except ImportError as error:
            raise EngineError(
                f"a reward model in this process needs transformers: {error}"
            ) from error
        try:
            tokenizer = AutoTokenizer.from_pretrained(self._location)
            model, info = AutoModelForSequenceClassification.from_pretrained(
                self._location, output_loading_info=True
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineError(f"{self._location}: cannot load the reward model: {error}") from error
        if missing := sorted(info["missing_keys"]):
            raise EngineError(
                f"{self._location}: the reward model lacks weights ({missing[0]}): its head was "
                "not trained"
            )
        tokenizer.truncation_side = tokenizer.padding_side = "left"
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        model.config.pad_token_id = tokenizer.pad_token_id
        self._tokenizer, self._model = tokenizer, model.eval()

    async def rewards(self, question: str, solutions: Sequence[str]) -> list[float | None]:
        """Return a reward for each solution."""
        texts = [self._text(question, solution) for solution in solutions]
        async with self._lock:
            found: list[float | None] = []
            for start in range(0, len(texts), _BATCH):
                found += await asyncio.to_thread(self._classify, texts[start : start + _BATCH])
            return found

    def _text(self, question: str, solution: str) -> str:
        messages = solution_messages(question, solution, self._separator)
        if getattr(self._tokenizer, "chat_template", None):
            text: str = self._tokenizer.apply_chat_template(messages, tokenize=False)
            return text
        return "\n\n".join(message["content"] for message in messages)

    def _classify(self, texts: Sequence[str]) -> list[float]:
        import torch

        inputs = self._tokenizer(
            list(texts), return_tensors="pt", padding=True, truncation=True, max_length=_LONGEST
        )
        inputs.pop("token_type_ids", None)
        with torch.inference_mode():
            logits = self._model(**inputs).logits.float()
        if logits.shape[1] == 1:
            return [sigmoid(value) for value in logits[:, 0].tolist()]
        shares: list[float] = torch.softmax(logits, dim=1)[:, -1].tolist()
        return shares

    async def close(self) -> None:
        """Release the model."""
        self._model = self._tokenizer = None
