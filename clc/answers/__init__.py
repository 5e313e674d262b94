"""Answers: the value that a path states, in any script and number format, or why there is none."""

from clc.answers.canonical import canonical
from clc.answers.extract import extract_answer
from clc.answers.numerals import NumberMention, numbers_in

__all__ = ["NumberMention", "canonical", "extract_answer", "numbers_in"]
