"""Answer extraction: a path's canonical value in any script and format, or an abstention."""

from clc.answers.canonical import canonical
from clc.answers.extract import extract_answer
from clc.answers.numerals import NumberMention, numbers_in

__all__ = ["NumberMention", "canonical", "extract_answer", "numbers_in"]
