"""Rows with options: the lines below the question, the letter of the right one."""

import json

import pytest

from clc.datasets import load_problems
from clc.datasets.recorded_votes import group_votes
from clc.errors import DatasetError

LINES = "Which of these is a prime number?\n\nA. 21\nB. 22\nC. 23\nD. 25"
QUESTION = "Which of these is a prime number?"
FOUR = ["21", "22", "23", "25"]


def load(folder, *rows, name="set.jsonl", **options):
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return list(load_problems(path, **options))


def lettered(pattern, texts=FOUR, labels="abcd"):
    return {pattern.format(label): text for label, text in zip(labels, texts, strict=True)}


@pytest.mark.parametrize(
    "fields",
    [
        {**lettered("option_{}", labels="0123"), "answer": "C", "answer_index": 2},  # MMLU-ProX
        {**lettered("option_{}"), "answer": "C"},  # Global-MMLU
        {**lettered("option_{}"), "answer": 2},  # INCLUDE
        {**lettered("mc_answer{}", labels="1234"), "correct_answer_num": "3"},  # Belebele
        {"choices": FOUR, "answer": 2},  # MMLU
        {"choices": [21, 22, 23, 25], "answer": 2},
        {"choices": FOUR, "answer": "23"},
        {"choices": FOUR, "answer": "2"},
        {"choices": FOUR, "gold": "c"},
        {"options": FOUR, "answer": "C", "answer_index": 2},  # MMLU-Pro
        {"options": ["A) 21", "B) 22", "C) 23", "D) 25"], "correct": "C"},  # AQuA
        {"options": dict(zip("ABCD", FOUR, strict=True)), "answer": "23", "answer_idx": "C"},
        {"choices": {"text": FOUR, "label": ["1", "2", "3", "4"]}, "answerKey": "3"},  # ARC
        {"choices": [{"label": label, "text": text} for label, text in zip("ABCD", FOUR, strict=True)],
         "answerKey": "C"},
        {**lettered("op{}"), "cop": 2},  # MedMCQA
        {**lettered("{}", labels="ABCD"), "Answer": "C"},  # MMMLU
        {**lettered("OPTION_{}", labels="ABCD"), "ANSWER": "C"},
        {**lettered("Option {}", labels="1234"), "Correct Answer": "3"},
        {**lettered("option{}", labels="ABCD"), "correct_option": "c"},
        {**lettered("choice_{}"), "correct_choice": "23"},
        {**lettered("answer_{}"), "answer": "C"},
        {**lettered("answer{}", labels="ABCD"), "label": 2},
        {**lettered("{}"), "answer": "c"},
        {**lettered("option{}", labels="1234"), "answer": 3},
        {**lettered("option{}", labels="1234"), "answer": "23"},
        {**lettered("option{}", labels="1234"), "label": 2},
        {"Choices": FOUR, "Answer": "C"},
        {"choices": FOUR, "correct_answer": "C"},
        {"choices": FOUR, "gold_index": 2},
        {"choices": FOUR, "gold": [2]},
        {"choices": FOUR, "answer": ["C"]},
        {"choices": FOUR, "answer": 2.0},
        {"options": dict(zip("abcd", FOUR, strict=True)), "answer": "c"},
        {"options": dict(zip("1234", FOUR, strict=True)), "answer": "3"},
        {"options": dict(zip("0123", FOUR, strict=True)), "answer": 2},
        {"choices": [{"key": key, "value": text} for key, text in zip("PQRS", FOUR, strict=True)],
         "answer": "R"},
        {"options": "a ) 21 , b ) 22 , c ) 23 , d ) 25", "correct": "c"},  # MathQA
        {"choices": "['21' '22' '23' '25']", "answer": 2},  # a numpy array in CSV
        {"choices": '["21", "22", "23", "25"]', "answer": "C"},
        {"choices": "{'text': array(['21', '22', '23',\n '25'], dtype=object), "
                    "'label': array(['1', '2', '3', '4'], dtype=object)}", "answerKey": "3"},
        {"choices": list("ABCD"), **lettered("option_{}"), "answer": "C"},
    ],
)  # fmt: skip
def test_options_are_lines_of_the_question_and_the_gold_is_a_letter(tmp_path, fields):
    (problem,) = load(tmp_path, {"question": QUESTION, "language": "en", **fields})
    assert problem.question == LINES
    assert problem.gold == "C"
    assert problem.metadata["kind"] == "choice"
    assert problem.metadata["options"] == dict(zip("ABCD", FOUR, strict=True))
    assert not set(fields) & set(problem.metadata) - {"options", "choices"}


def test_a_passage_stands_above_the_question(tmp_path):
    (problem,) = load(
        tmp_path,
        {
            "flores_passage": "Mto huo una urefu wa kilomita 40.",
            "question": "Mto una urefu gani?",
            **lettered("mc_answer{}", ["4", "14", "40", "400"], "1234"),
            "correct_answer_num": 3,
        },
        language="sw",
    )
    assert problem.question == (
        "Mto huo una urefu wa kilomita 40.\n\nMto una urefu gani?\n\nA. 4\nB. 14\nC. 40\nD. 400"
    )
    assert (problem.gold, problem.language) == ("C", "sw")


def test_absent_options_keep_the_letters_of_the_others(tmp_path):
    row = {"question": "2 + 2?", "option_0": "3", "option_1": None, "option_2": "4"}
    (problem,) = load(tmp_path, {**row, "option_3": "N/A", "option_4": None, "answer_index": 2})
    assert problem.question.endswith("\n\nA. 3\nC. 4")
    assert problem.gold == "C"


def test_ten_options(tmp_path):
    texts = [str(number) for number in range(30, 40)]
    (problem,) = load(
        tmp_path,
        {"question": "7 · 5?", **lettered("option_{}", texts, "0123456789"), "answer": "F"},
    )
    assert problem.question.endswith("I. 38\nJ. 39")
    assert problem.gold == "F"


def test_a_row_without_an_answer_has_options_and_no_gold(tmp_path):
    (problem,) = load(tmp_path, {"question": "7 · 5?", "choices": ["30", "35"], "answer": None})
    assert (problem.gold, problem.metadata["kind"]) == (None, "choice")


@pytest.mark.parametrize("answer", [None, "", -1, "-1", float("nan")])
def test_an_answer_that_is_not_published_is_none(tmp_path, answer):
    (problem,) = load(tmp_path, {"question": "7 · 5?", "choices": ["30", "35"], "answer": answer})
    assert (problem.gold, problem.metadata["kind"]) == (None, "choice")


def test_a_right_answer_and_wrong_ones_are_options(tmp_path):
    wrong = {f"Incorrect Answer {number}": str(number) for number in (1, 2, 3)}
    rows = [
        {"Question": f"{number} + {number}?", "Correct Answer": str(2 * number + 10), **wrong}
        for number in range(20)
    ]
    problems = load(tmp_path, *rows)
    for number, problem in enumerate(problems):
        texts = problem.metadata["options"]
        assert sorted(texts.values()) == sorted(["1", "2", "3", str(2 * number + 10)])
        assert texts[problem.gold] == str(2 * number + 10)
        assert problem.question.endswith("\n".join(f"{one}. {texts[one]}" for one in "ABCD"))
    assert {problem.gold for problem in problems} == set("ABCD"), "its place gives nothing away"


def test_a_named_answer_goes_before_any_other(tmp_path):
    row = {
        "question": QUESTION,
        "choices": FOUR,
        "correct_answer": 0,
        "answer_index": 1,
        "key": "C",
    }
    (problem,) = load(tmp_path, row, fields=["answer=key"])
    assert problem.gold == "C"
    assert (problem.metadata["correct_answer"], problem.metadata["answer_index"]) == (0, 1)


def test_options_that_cannot_be_read_are_named(tmp_path, caplog):
    rows = [{"question": f"{one} + 1?", "choices": "cat;dog", "answer": one} for one in range(3)]
    problems = load(tmp_path, *rows)
    assert [one.question for one in problems] == ["0 + 1?", "1 + 1?", "2 + 1?"]
    (message,) = caplog.messages
    assert "set.jsonl:1: 'choices' is 'cat;dog', not options (a list of two" in message


def test_fields_of_one_letter_may_be_numbers(tmp_path):
    (problem,) = load(tmp_path, {"question": "a + b?", "a": 3, "b": 4, "answer": 7})
    assert (problem.question, problem.gold, problem.metadata["a"]) == ("a + b?", "7", 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"choices": FOUR, "answer": "E"}, "'answer' is 'E', which is none of the options A. 21"),
        ({"choices": FOUR, "answer": 4}, "'answer' is 4, which is none of the options"),
        ({"choices": FOUR, "answer": "C", "answer_index": 3},
         "'answer_index' is 3, which is option D, but 'answer' is 'C', which is option C"),
        ({"choices": ["4", "2", "3", "1"], "answer": "1"},
         "'answer' is '1': by number it is option B, by its text D; write the letter"),
        ({"choices": [str(one) for one in range(11)], "answer": 1}, "11 options; at most 10"),
        ({"option1": "x", "option2": "y", "answer": 0}, "'answer' is 0, which is none of the"),
        ({"option1": "4", "option2": "1", "answer": "1"},
         "'answer' is '1': by number it is option A, by its text B; write the letter"),
        ({"choices": ["x", "X"], "answer": "x.", "gold": "X"}, "'answer' is 'x.', which is none"),
        ({"choices": ["7", "7"], "answer": "7"}, "'7', the text of options A, B; write the letter"),
        ({"option_a": "x", "option_b": ["y"], "answer": "A"}, "option B is .'y'.; it must be text"),
        ({"choices": ["only", None], "answer": 0}, "'choices': fewer than two options"),
        ({"choices": FOUR, "answer": "C", "kind": "number"}, "has options, and its answers are of"),
        ({"choices": FOUR, "answer": "C", "translations": {"de": "Welche Zahl ist prim?"}},
         "the translation to 'de' lacks options"),
    ],
)  # fmt: skip
def test_wrong_options_name_file_line_and_value(tmp_path, fields, message):
    good = {"question": QUESTION, "choices": FOUR, "answer": "C"}
    with pytest.raises(DatasetError, match=rf"set\.jsonl:2: .*{message}"):
        load(tmp_path, good, {"question": QUESTION, **fields})


def test_fields_of_like_names_are_no_options(tmp_path):
    rows = [
        {"question": "2 + 3?", "answer": 5, "options": {"temperature": 0}},
        {"question": "2 + 4?", "answer": 6, "choices": 3},
        {"question": "2 + 5?", "answer": 7, "choices": ["alone"]},
        {"question": "2 + 6?", "answer": 8, "A": 2, "context": "sums"},
    ]
    problems = load(tmp_path, *rows)
    assert [one.question for one in problems] == [row["question"] for row in rows]
    assert [one.gold for one in problems] == ["5", "6", "7", "8"]
    assert problems[0].metadata["options"] == {"temperature": 0}
    assert problems[3].metadata["context"] == "sums"


def test_a_human_translation_with_options_gets_their_labels(tmp_path):
    (problem,) = load(
        tmp_path,
        {
            "question": "Half of 8?",
            "choices": ["2", "4"],
            "answer": "B",
            "translations": {"ru": "Половина от 8?\nА) 2\nБ) 4"},
        },
    )
    assert problem.translations == {"ru": "Половина от 8?\nA. 2\nB. 4"}


def test_recorded_rows_with_options_vote_over_letters(tmp_path):
    options = {"choices": FOUR}
    rows = [
        {"id": "a", "language": "en", "response": "Answer: C", "gold": 2, **options},
        {"id": "a", "language": "de", "response": "Antwort: (C)", "gold": "23", **options},
        {"id": "a", "language": "sw", "response": "Jibu: 23", "gold": "C", **options},
        {"id": "b", "language": "en", "response": "Answer: 7", "gold": 7, "choices": ["x", "y"]},
    ]
    path = tmp_path / "g.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    first, second = group_votes([path])
    assert (first.kind, first.gold, [vote.answer for vote in first.votes]) == (
        "choice",
        "C",
        ["C"] * 3,
    )
    assert (second.kind, second.gold, second.votes[0].answer) == (None, "7", "7")


def test_recorded_rows_without_a_gold_have_options(tmp_path):
    path = tmp_path / "g.jsonl"
    row = {"id": "a", "language": "en", "response": "The answer is mother.", "gold": ""}
    path.write_text(json.dumps(row | {"option_a": "sister", "option_b": "mother"}) + "\n")
    (one,) = group_votes([path])
    assert (one.kind, one.gold, one.votes[0].answer) == ("choice", None, "B")


def test_samples_of_the_harness_with_options(tmp_path):
    doc = {"question": QUESTION, **lettered("option_{}"), "answer": 2}
    path = tmp_path / "samples_include_de.jsonl"
    row = {"doc_id": 0, "doc": doc, "target": "2", "resps": [["Antwort: C"]]}
    path.write_text(json.dumps(row) + "\n")
    (one,) = group_votes([path])
    assert (one.kind, one.gold, one.votes[0].answer) == ("choice", "C", "C")
