"""The language in which texts and thoughts were written."""

from dataclasses import replace

from tests.analysis.report.made import FOUR, fact, finished, names, section, summary


def test_fidelity_counts_the_language_that_was_written():
    found = summary(FOUR)
    rows = {row["asked for"]: row for row in section(found, "fidelity")}
    assert (rows["de"]["paths"], rows["de"]["as asked"], rows["de"]["as asked share"]) == (
        4,
        4,
        1.0,
    )
    assert rows["zh"]["paths"] == 3  # an arm without a prompt wrote nothing
    english = finished(0, {"fr": ["18"]})  # which SENTENCE does not know
    (row,) = section(summary([english]), "fidelity")
    assert (row["another"], row["others"], row["as asked share"]) == (1, "en 1", 0.0)


THOUGHTS = {
    "en": "We count the apples that are in the basket, and then we add the others to them.\n" * 4,
    "de": "Wir zählen die Äpfel, die in dem Korb sind, und zählen dann die anderen dazu.\n" * 4,
}


def thinking(one, thoughts):
    """The problem with the thoughts of each language's paths, in order, and their tokens."""
    left = {code: list(texts) for code, texts in thoughts.items()}
    paths = {}
    for key, path in one.paths.items():
        if left.get(path.language):
            usage = replace(path.usage, reasoning_tokens=15)
            thought = left[path.language].pop(0)
            path = replace(path, thought=thought, closed=True, usage=usage)  # noqa: PLW2901
        paths[key] = path
    return one._replace(paths=paths)


def test_fidelity_of_thoughts_beside_that_of_texts():
    plain = finished(0, {"en": ["18"], "de": ["18"] * 5, "zh": ["26"]})
    mixed = THOUGHTS["de"] + THOUGHTS["en"]
    found = summary(
        [thinking(plain, {"de": [THOUGHTS["de"], THOUGHTS["en"], mixed, "3 + 4"],
                          "en": [THOUGHTS["en"]]})]
    )  # fmt: skip
    rows = {row["asked for"]: row for row in section(found, "thought_fidelity")}
    german = {"asked for": "de", "thoughts": 4, "as asked": 1, "mixed": 1, "another": 1,
              "unknown": 1, "as asked share": 0.5, "others": "en 1"}  # fmt: skip
    assert rows["de"] == german
    assert rows["en"]["as asked share"] == 1
    texts = {row["asked for"]: row for row in section(found, "fidelity")}
    assert (texts["de"]["as asked share"], texts["de"]["share of thoughts"]) == (1, 0.5)
    assert texts["zh"]["share of thoughts"] is None
    assert fact(found, "Tokens of thoughts")[1:] == (
        "75",
        "48.4 % of the tokens of completions",  # 7 paths of 20, and 3 translations of 5
    )
    tokens = {row["language"]: row["of thoughts"] for row in section(found, "tokens")}
    assert tokens == {"en": 15, "de": 60, "zh": 0}
    without = summary([plain])
    assert "thought_fidelity" not in names(without)
    assert "share of thoughts" not in section(without, "fidelity")[0]
    assert "of thoughts" not in section(without, "tokens")[0]
    assert not [one for one in without.facts if one.label == "Tokens of thoughts"]
