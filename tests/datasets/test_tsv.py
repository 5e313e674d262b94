"""MGSM as TSV, and the language of a file or a row."""

import pytest

from clc.datasets import load_problems
from clc.errors import ConfigurationError, DatasetError, LanguageError
from tests.datasets.samples import ENGLISH, GERMAN, SWAHILI, lines, write

# MGSM as TSV


def test_tsv(folder):
    first, second = load_problems(folder / "mgsm_de.tsv")
    assert first.id == "mgsm-de-000"
    assert first.question == "Anna hat 3 Äpfel und kauft 4. Wie viele hat sie?"
    assert (first.language, first.gold) == ("de", "7")
    assert first.metadata == {"item": "mgsm-000", "kind": "number", "language_source": "name"}
    assert first.translations == {}, "siblings are not read unless asked for"
    assert (second.id, second.gold) == ("mgsm-de-001", "2,125")


def test_a_folder_is_every_file_item_by_item_with_the_others_as_translations(folder):
    problems = list(load_problems(folder))
    assert [p.id for p in problems] == [
        "mgsm-de-000",
        "mgsm-en-000",
        "mgsm-sw-000",
        "mgsm-de-001",
        "mgsm-en-001",
        "mgsm-sw-001",
    ]
    assert problems[1].translations == {
        "de": problems[0].question,
        "sw": problems[2].question,
    }
    assert {p.metadata["item"] for p in problems} == {"mgsm-000", "mgsm-001"}


def test_a_folder_with_a_language_is_that_file(folder):
    problems = list(load_problems(str(folder), language="sw", limit=1))
    assert [p.id for p in problems] == ["mgsm-sw-000"]
    assert sorted(problems[0].translations) == ["de", "en"]
    with pytest.raises(DatasetError, match="no file in language 'fr'; there is de, en, sw"):
        load_problems(folder, language="fr")


@pytest.mark.parametrize("which", [".", "mgsm_en.tsv"])
def test_parallel(folder, which):
    problems = list(load_problems(folder / "mgsm_de.tsv", parallel=folder / which))
    assert problems[1].id == "mgsm-de-001"
    assert problems[1].translations["en"] == "A book has 2,125 pages."
    assert ("sw" in problems[1].translations) == (which == ".")


def test_parallel_of_a_file_whose_name_says_no_language(folder, tmp_path):
    plain = write(tmp_path, "sample.tsv", GERMAN)
    (problem, _) = load_problems(plain, language="de", parallel=folder / "mgsm_sw.tsv")
    assert (problem.id, problem.metadata["language_source"]) == ("sample-de-000", "flag")
    assert sorted(problem.translations) == ["sw"]
    with pytest.raises(ConfigurationError, match=r"name it <set>_<language>\.tsv"):
        load_problems(plain, parallel=folder)
    with pytest.raises(DatasetError, match="nothing in another language than 'de'"):
        load_problems(plain, language="de", parallel=folder / "mgsm_de.tsv")
    with pytest.raises(ConfigurationError, match="one TSV file"):
        load_problems(folder, parallel=folder)


def test_parallel_files_of_unequal_length(folder):
    write(folder, "mgsm_en.tsv", ENGLISH.splitlines(keepends=True)[0])
    with pytest.raises(DatasetError, match=r"mgsm_en\.tsv:1: the file ends here, but .*de\.tsv"):
        list(load_problems(folder, language="de"))


def test_parallel_files_with_differing_answers(folder):
    write(folder, "mgsm_sw.tsv", SWAHILI.replace("\t7", "\t8"))
    with pytest.raises(DatasetError, match=r"mgsm_sw\.tsv:1: answer '8' is not the '7' of"):
        list(load_problems(folder))


def test_folders_that_are_no_set(tmp_path, folder):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DatasetError, match=r"no file named <set>_<language>\.tsv"):
        load_problems(empty)
    write(folder, "other_de.tsv", GERMAN)
    with pytest.raises(DatasetError, match="several sets"):
        load_problems(folder)
    with pytest.raises(ConfigurationError, match="a folder is read as tsv"):
        load_problems(folder, format="parquet")


def test_quotes_line_ends_bom_and_separators_are_read_as_they_should(tmp_path):
    content = '\ufeff"Zwei" und 2?\u2028Ja?\t4\r\n"Drei und 3?\t6\r\n\r\n'
    first, second = load_problems(write(tmp_path, "mgsm_de.tsv", content))
    assert first.question == '"Zwei" und 2?\u2028Ja?'
    assert first.gold == "4"
    assert second.question == '"Drei und 3?'


# Language: file, flag, detection


@pytest.mark.parametrize(
    ("name", "flag", "said", "id_"),
    [
        ("mgsm_de.tsv", None, ("de", "name"), "mgsm-de-000"),
        ("mgsm_de.tsv", "de-AT", ("de", "name"), "mgsm-de-000"),
        ("bench_zh-Hant.tsv", None, ("zh-Hant", "name"), "bench-zh-Hant-000"),
        ("plain.tsv", "fr", ("fr", "flag"), "plain-fr-000"),
        ("plain.tsv", None, ("de", "detected"), "plain-000"),
        ("mgsm_sample.tsv", None, ("de", "detected"), "mgsm_sample-000"),
        ("set_dev.tsv", None, ("de", "detected"), "set_dev-000"),
    ],
)
def test_language_of_a_tsv(tmp_path, name, flag, said, id_):
    problem = next(load_problems(write(tmp_path, name, GERMAN), language=flag))
    assert (problem.language, problem.metadata["language_source"]) == said
    assert problem.id == id_


def test_language_of_rows(tmp_path):
    rows = lines(
        {"question": "Wie viele Äpfel hat er?", "language": "de"},
        {"question": "How many apples does he have?"},
        {"question": "2 + 2 = ?", "language": None},
    )
    path = write(tmp_path, "rows.jsonl", rows)
    flagged = [
        (p.language, p.metadata["language_source"]) for p in load_problems(path, language="sv")
    ]
    assert flagged == [("de", "field"), ("sv", "flag"), ("sv", "flag")]
    free = [(p.language, p.metadata["language_source"]) for p in load_problems(path)]
    assert free == [("de", "field"), ("en", "detected"), ("en", "default")]


def test_a_flag_that_contradicts_the_name(tmp_path):
    path = write(tmp_path, "mgsm_de.tsv", GERMAN)
    with pytest.raises(DatasetError, match="says language 'de', the option 'en'"):
        load_problems(path, language="en")
    with pytest.raises(LanguageError, match="unknown language 'xx'"):
        load_problems(path, language="xx")
