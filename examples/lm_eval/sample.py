"""The sample's problems for lm-evaluation-harness, and their scoring by clc's own reading."""

from pathlib import Path

import datasets

from clc import canonical, extract_answer, load_problems


def problems(language: str, **_: object) -> dict[str, datasets.Dataset]:
    """Read ``examples/mgsm_<language>.tsv``."""
    file = Path(__file__).parents[1] / f"mgsm_{language}.tsv"
    rows = [
        {"question": problem.question, "gold": problem.gold, "language": problem.language}
        for problem in load_problems(file)
    ]
    return {"test": datasets.Dataset.from_list(rows)}


def score(doc: dict[str, str], results: list[str]) -> dict[str, float]:
    """Compare by value: the harness's patterns miss native digits and grouping."""
    said = extract_answer(results[0], language=doc["language"])
    return {"acc": float(getattr(said, "value", None) == canonical(doc["gold"]))}
