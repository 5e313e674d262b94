"""The part of a folder of prompt files by which answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from clc.answers.vocabulary import folder_vocabulary
from clc.prompt_files import prompt_folder
from clc.thoughts.mark_files import load_marks

if TYPE_CHECKING:
    from pathlib import Path

    from clc.answers.vocabulary import Vocabulary
    from clc.thoughts import Marks

__all__ = ["ReadingFiles", "read_folder"]


class ReadingFiles(NamedTuple):
    """The marks of thoughts, and the words of languages; None are those in effect."""

    marks: Marks | None = None
    vocabulary: Vocabulary | None = None


def read_folder(folder: str | Path) -> ReadingFiles:
    """Read the ``thoughts.toml`` and the ``languages/CODE.toml`` of a folder.

    Raises:
        TemplateError: there is no such folder, or a file is broken.
    """
    return ReadingFiles(load_marks(folder), folder_vocabulary(prompt_folder(folder)))
