"""Thoughts: what a model wrote before its answer, apart from its answer.

::

    marks       the marks around a thought, and the search for them in a text
    mark_files  the marks of prompts/thoughts.toml and of a user's file
    mentions    marks that a text only mentions
    spans       where in a text its thought and its answer are
    split       both as texts
    stream      the same for a text that arrives piece by piece
    language    the language that a thought was written in
"""

from clc.thoughts.mark_files import load_marks
from clc.thoughts.marks import MarkFamily, Marks
from clc.thoughts.split import Split, split
from clc.thoughts.stream import ThoughtStream

__all__ = ["MarkFamily", "Marks", "Split", "ThoughtStream", "load_marks", "split"]
