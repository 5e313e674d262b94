"""Values of the JSON file that ``clc calibrate`` writes, checked one by one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clc.bounds import MOST_TOKENS
from clc.errors import ConfigurationError, LanguageError
from clc.languages.codes import normalize_language
from clc.strategies.strategy import QUESTION

__all__ = ["JsonNode"]


@dataclass(frozen=True, slots=True)
class JsonNode:
    """A value of a JSON file with its location, for error messages."""

    file: str
    where: str
    value: Any

    def wrong(self, needed: str) -> ConfigurationError:
        """Make the error for a value that is not what is needed."""
        return ConfigurationError(
            f"{self.file}: {self.where!r} is {self.value!r:.60}; give {needed}, or run clc "
            "calibrate again"
        )

    def __getitem__(self, name: str) -> JsonNode:
        """Return a member that must be there."""
        where = f"{self.where}.{name}".lstrip(".")
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        if name not in self.value:
            raise ConfigurationError(f"{self.file}: {where!r} is missing; run clc calibrate again")
        return JsonNode(self.file, where, self.value[name])

    def get(self, name: str) -> JsonNode | None:
        """Return a member that older files lack, None without it or where it is null."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object")
        return None if self.value.get(name) is None else self[name]

    def members(self) -> list[tuple[str, JsonNode]]:
        """Return the members of an object that is not empty."""
        if not isinstance(self.value, dict) or not self.value:
            raise self.wrong("an object by language")
        return [(name, self[name]) for name in self.value]

    def elements(self) -> list[JsonNode]:
        """Return the elements of a list that is not empty."""
        if not isinstance(self.value, list) or not self.value:
            raise self.wrong("a list that is not empty")
        return [
            JsonNode(self.file, f"{self.where}[{index}]", one)
            for index, one in enumerate(self.value)
        ]

    def text(self, *allowed: str) -> str:
        """Return one of the allowed texts."""
        if self.value not in allowed:
            raise self.wrong(f"one of {', '.join(map(repr, allowed))}")
        return str(self.value)

    def language(self) -> str:
        """Return a BCP-47 code, or "question" for that of the question."""
        if self.value == QUESTION:
            return QUESTION
        if isinstance(self.value, str):
            with suppress(LanguageError):
                return normalize_language(self.value)
        raise self.wrong("a BCP-47 code such as 'sw'")

    def number(self) -> float:
        """Return a number from -1 to 1."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong("a number")
        if not -1 <= self.value <= 1:
            raise self.wrong("a share, difference or correlation, from -1 to 1")
        return self.value

    def size(self) -> float:
        """Return a number of tokens or characters."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong("a number")
        if not 0 <= self.value <= MOST_TOKENS:
            raise self.wrong("a number of tokens")
        return self.value

    def whole(self) -> int:
        """Return a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        if abs(self.value) > MOST_TOKENS:
            raise self.wrong("a smaller number")
        return self.value

    def seed(self) -> int:
        """Return a whole number of any size."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        return self.value

    def truth(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value
