"""Files of problems in, ``Problem`` records out.

``packed`` and ``source`` (bytes to lines), ``set_names``, ``field_names``, ``options``,
``fields`` and ``rows`` (a row to a problem), the formats ``mgsm``, ``cmath``, ``jsonl``,
``tables``, ``parquet``, ``hub`` and ``text``, ``loading`` (which format a source has) and
``fingerprint``.
``generations``, ``own_rows``, ``lm_eval``, ``batches``, ``polymath``, ``custom_ids`` and
``recorded_votes`` read recorded responses.
"""

from __future__ import annotations

from clc.datasets.fingerprint import dataset_fingerprint, dataset_identity
from clc.datasets.loading import FORMATS, Dataset, load_problems
from clc.languages.identification import detect_language

__all__ = [
    "FORMATS",
    "Dataset",
    "dataset_fingerprint",
    "dataset_identity",
    "detect_language",
    "load_problems",
]
