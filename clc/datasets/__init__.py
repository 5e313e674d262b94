"""Files of problems in, ``Problem`` records out.

``source`` (bytes to lines), ``fields`` (a row to a problem), the formats ``mgsm``, ``cmath``,
``jsonl``, ``parquet``, ``hub`` and ``text``, and ``loading`` (which format a source has).
``generations`` and ``recorded_votes`` read recorded responses.
"""

from __future__ import annotations

from clc.datasets.loading import FORMATS, Dataset, dataset_fingerprint, load_problems
from clc.language_id import detect_language

__all__ = ["FORMATS", "Dataset", "dataset_fingerprint", "detect_language", "load_problems"]
