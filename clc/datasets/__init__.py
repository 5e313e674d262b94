"""Files of problems in, ``Problem`` records out.

One file a subject: ``source`` (bytes to lines), ``fields`` (a row to a problem), ``mgsm``,
``cmath``, ``jsonl``, ``parquet``, ``hub``, ``text`` (problems made of it), ``loading`` (which of
them). ``generations`` and ``recorded_votes`` read what was generated elsewhere.
"""

from __future__ import annotations

from clc.datasets.loading import FORMATS, Dataset, dataset_fingerprint, load_problems
from clc.language_id import detect_language

__all__ = ["FORMATS", "Dataset", "dataset_fingerprint", "detect_language", "load_problems"]
