"""Files of other tools: ids, shapes, integers, languages and fields as they come."""

import gzip
import json

import pytest

from clc.datasets import load_problems
from clc.datasets.generations import read_generation, read_rows
from clc.datasets.json_values import parse_json
from clc.datasets.lm_eval import read_task_name
from clc.datasets.recorded_votes import group_votes
from clc.errors import ConfigurationError, DatasetError
from clc.languages.codes import normalize_language, read_language
from clc.records import AbstainReason
from tests.datasets.recorded_files import paths, request, write

BIG = 2**70 + 1


# Shapes


def test_a_line_of_a_batch_may_say_more_than_its_id(tmp_path):
    more = {"gold": 5, "kind": "number", "question": "2 + 3?", "item": 3}
    rows = [request("a/17") | more | {"language": code} for code in ("German", "en")]
    (one,) = group_votes([write(tmp_path, *rows)])
    assert (one.id, one.gold, one.kind, one.item) == ("a/17", "5", "number", "3")
    assert [vote.language for vote in one.votes] == ["de", "en"]


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"response": "Answer: 5"}, "5"),
        ({"response": {"choices": [{"message": {"content": "Answer: 5"}}]}}, "5"),
        ({"response": {"body": {"output_text": "Answer: 5"}}}, "5"),
        ({"result": {"type": "succeeded",
                     "message": {"content": [{"type": "text", "text": "Answer: 5"}]}}}, "5"),
        ({"result": {"type": "errored", "error": {"type": "overloaded"}}}, "engine_failure"),
        ({"response": {"body": {"content": "So 5", "stop_reason": "max_tokens"}}}, "truncated"),
        ({"response": {"body": {"choices": []}}}, "engine_failure"),
    ],
)  # fmt: skip
def test_responses_without_a_body_are_read(tmp_path, row, answer):
    (one,) = group_votes([write(tmp_path, {"custom_id": "q1"} | row)])
    outcome = one.votes[0].outcome
    assert getattr(outcome, "value", None) == answer or outcome.reason == answer


def test_a_list_of_texts_is_several_paths(tmp_path):
    row = {"id": "a", "language": "en", "response": ["Answer: 5", "Answer: 6", None, "Answer: 5"]}
    (one,) = group_votes([write(tmp_path, row)])
    assert [vote.answer for vote in one.votes] == ["5", "6", None, "5"]


@pytest.mark.parametrize("reason", ["length", "LENGTH", "MAX_TOKENS", "max_tokens"])
def test_a_limit_has_many_names(tmp_path, reason):
    row = {"id": "a", "response": "2 and 3 make 5, so", "finish_reason": reason}
    (one,) = group_votes([write(tmp_path, row)])
    assert one.votes[0].outcome.reason is AbstainReason.TRUNCATED


def test_content_in_parts_and_output_of_responses(tmp_path):
    parts = [{"type": "thinking", "thinking": "Perhaps 4."}, {"type": "text", "text": "Answer: 5"}]
    message = {"type": "message", "content": [{"type": "output_text", "text": "Answer: 6"}]}
    refusal = {"type": "message", "content": [{"type": "refusal", "refusal": "I can't."}]}
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Answer: 9"}]}
    found = paths(
        write(
            tmp_path,
            request("a", parts),
            request("b", output=[thought, message], status="completed"),
            request("c", output=[message], incomplete_details={"reason": "max_output_tokens"}),
            request("d", output=[refusal]),
            {"id": "e", "response": ["Answer: ", {"type": "text", "text": "7"}]},
            request("f", output=[thought], status="completed"),
        )
    )
    outcomes = [read_generation(path) for path in found]
    assert [getattr(one, "value", None) for one in outcomes] == ["5", "6", None, None, "7", None]
    assert [getattr(one, "reason", None) for one in outcomes][2:4] == ["truncated", "refusal"]
    assert outcomes[5].reason is AbstainReason.EMPTY


@pytest.mark.parametrize(
    ("name", "stem", "language"),
    [
        ("samples_afrimgsm_direct_amh_prompt_1_2026-08-01T10-00-00.12.jsonl", "afrimgsm_direct_prompt_1", "am"),
        ("samples_afrimgsm_cot_translate_yor_prompt_5.jsonl", "afrimgsm_cot_translate_prompt_5", "yo"),
        ("samples_afrimgsm_translate_direct_ibo_prompt_2.jsonl", "afrimgsm_translate_direct_prompt_2", "ig"),
        ("samples_afrimgsm_en_cot_zul.jsonl", "afrimgsm_en_cot", "zu"),
        ("samples_mgsm_native_cot_de_2026-08-01T10-00-00.123456.jsonl", "mgsm_native_cot", "de"),
        ("samples_belebele_swh_Latn.jsonl", "belebele", "sw"),
        ("samples_global_mmlu_full_he.jsonl", "global_mmlu_full", "he"),
        ("samples_mgsm_direct_no_cot.jsonl", "mgsm_direct_no_cot", None),
        ("samples_mgsm_direct_german_cot.jsonl", "mgsm_direct_cot", "de"),
        ("samples_include_base_44_albanian_few_shot_og.jsonl",
         "include_base_44_albanian_few_shot_og", "sq"),
        ("samples_mgsm_direct_it.jsonl.zst", "mgsm_direct", "it"),
        ("samples_gsm8k.jsonl", "gsm8k", None),
    ],
)  # fmt: skip
def test_the_language_in_the_name_of_a_task(name, stem, language):
    assert read_task_name(name) == (stem, language)


def test_tasks_of_afrimgsm_over_languages_are_one_problem(tmp_path):
    row = {"doc_id": 4, "doc": {"question": "?", "answer_number": 5}, "resps": [["Answer: 5"]]}
    names = [f"samples_afrimgsm_direct_{code}_prompt_1.jsonl" for code in ("amh", "swa", "yor")]
    (one,) = group_votes([write(tmp_path, row, name=name) for name in names])
    assert one.id == "afrimgsm_direct_prompt_1-4"
    assert [vote.language for vote in one.votes] == ["am", "sw", "yo"]


@pytest.mark.parametrize(
    ("doc", "target", "response", "gold"),
    [
        ({"question": "?", "option_a": "1", "option_b": "2", "answer": 1}, 1, "Answer: B", "B"),
        ({"Question": "?", "A": "1", "B": "2", "C": "3", "Answer": "C"}, 2, "答案：C", "C"),
        ({"question": "?", "choices": ["3", "1", "2"]}, 1, "Answer: B", "B"),
        ({"question": "?", "mc_answer1": "u", "mc_answer2": "v", "correct_answer_num": "2"},
         "B", "The answer is v.", "B"),
        ({"question": "?"}, ["5"], "Answer: 5", "5"),
    ],
)  # fmt: skip
def test_golds_of_the_harness_by_the_fields_of_its_doc(tmp_path, doc, target, response, gold):
    row = {"doc_id": 0, "doc": doc, "target": target, "resps": [[response]]}
    (one,) = group_votes([write(tmp_path, row, name="samples_task.jsonl")])
    assert (one.gold, one.votes[0].answer) == (gold, gold)


def test_filters_of_several_tasks_in_one_file_lose_no_row(tmp_path):
    rows = [
        {"doc_id": number, "doc": {}, "target": "5", "resps": [["Answer: 5"]], "filter": name}
        for number, names in ((0, ("strict", "flexible")), (1, ("none",)), (2, (None, "strict")))
        for name in names
    ]
    found = list(group_votes([write(tmp_path, *rows, name="samples_task.jsonl")]))
    assert [(one.id, len(one.votes)) for one in found] == [
        ("task-0", 1),
        ("task-1", 1),
        ("task-2", 1),
    ]


def test_output_of_polymath(tmp_path):
    row = {"idx": 3, "question": "2 + 3?", "answer": "$5$", "thinking_pred": "Perhaps 4."}
    files = [
        write(tmp_path, row | {"answer_pred": answer}, name=f"model/{level}/{code}.jsonl")
        for level, code, answer in (("low", "de", "Antwort: 5"), ("low", "sw", "Jibu: 5"),
                                    ("top", "de", ""))
    ]  # fmt: skip
    low, low_sw, top = group_votes(files)
    assert [one.id for one in (low, low_sw, top)] == [
        "polymath-low-3", "polymath-low-3", "polymath-top-3"
    ]  # fmt: skip
    assert [one.level for one in (low, top)] == ["low", "top"]
    assert (low.gold, low.votes[0].answer, low.question_language) == ("$5$", "5", "de")
    assert top.votes[0].outcome.reason is AbstainReason.TRUNCATED, "the thought did not end"


def test_ids_of_polymath_may_name_level_and_language(tmp_path):
    files = [
        write(tmp_path, {"id": f"high-{code}-3", "answer": "5", "answer_pred": "5"},
              name=f"high/{code}.jsonl")
        for code in ("de", "sw")
    ]  # fmt: skip
    assert [(one.id, one.question_language) for one in group_votes(files)] == [
        ("polymath-high-3", "de"), ("polymath-high-3", "sw")
    ]  # fmt: skip


# Values


def test_one_id_in_the_spellings_of_pandas_is_one_problem(tmp_path):
    ids = [7, 7.0, "7", " 7 "]
    (one,) = group_votes([write(tmp_path, *({"id": one, "response": "5"} for one in ids))])
    assert (one.id, len(one.votes)) == ("7", 4)
    (one,) = group_votes([write(tmp_path, *map(request, ids), name="batch.jsonl")])
    assert (one.id, len(one.votes)) == ("7", 4)


@pytest.mark.parametrize("field", ["lang", "Language", "language_code", "locale"])
def test_a_language_in_a_field_of_another_name(tmp_path, field):
    rows = [
        {"id": 1, field: "German", "response": "5"},
        {"id": 1, field: "python", "response": "5"},
    ]
    assert [path.language for path in paths(write(tmp_path, *rows))] == ["de", "und"]


def test_all_faults_of_a_row_are_named(tmp_path):
    with pytest.raises(
        DatasetError, match=r":1: 'response' is 5; .*; 'language' is \['en'\]; give"
    ):
        paths(write(tmp_path, {"id": 1, "language": ["en"], "response": 5}))


@pytest.mark.parametrize("more", ["", ', "n": 12345678901234567890'])
def test_json_nested_too_deep_is_named_so(tmp_path, more):
    path = tmp_path / "g.jsonl"
    path.write_text(f'{{"id": 1, "response": "5", "x": {"[" * 3000 + "]" * 3000}{more}}}')
    for read in (lambda: paths(path), lambda: list(load_problems(path))):
        with pytest.raises(DatasetError, match=r"g\.jsonl:1: nested deeper than 64 levels"):
            read()


def test_integers_of_any_size_stay_as_they_are(tmp_path):
    file = write(
        tmp_path,
        {"id": BIG, "response": f"Answer: {BIG}", "gold": BIG, "note": BIG},
        {"id": BIG + 1, "response": f"Answer: {BIG}", "gold": BIG + 1},
    )
    first, second = group_votes([file])
    assert (first.id, first.gold, first.votes[0].answer) == (str(BIG),) * 3
    assert (second.id, second.gold) == (str(BIG + 1),) * 2
    assert [row.get("note") for _, _, row in read_rows([file])] == [BIG, None]


@pytest.mark.parametrize("suffix", ["jsonl", "json"])
def test_integers_of_any_size_in_a_data_set(tmp_path, suffix):
    rows = [{"id": BIG, "question": "2^70 + 1?", "answer": BIG, "seed": [BIG, 1]}]
    path = tmp_path / f"set.{suffix}"
    path.write_text(json.dumps(rows if suffix == "json" else rows[0]))
    (problem,) = load_problems(path)
    assert (problem.id, problem.gold) == (str(BIG), str(BIG))
    assert problem.metadata["seed"] == [str(BIG), 1]


def test_long_integers_anywhere_in_a_row_stay_exact():
    assert parse_json(b'{"a": [{"b": %d}]}' % BIG) == {"a": [{"b": BIG}]}
    assert parse_json(b'{"a": {"b": [%d, 1e300]}}' % -BIG) == {"a": {"b": [-BIG, 1e300]}}
    assert parse_json(b"[%d, %d, 1e30]" % (2**63, 2**64 - 1)) == [2**63, 2**64 - 1, 1e30]


def test_an_integer_of_more_than_4300_digits_is_an_error():
    assert parse_json(b'{"m": %s}' % (b"9" * 4300)) == {"m": 10**4300 - 1}
    with pytest.raises(ValueError, match="an integer of 4,301 digits"):
        parse_json(b'{"m": %s}' % (b"9" * 4301))


def test_null_and_nan_are_abstentions_of_their_rows(tmp_path, caplog):
    file = tmp_path / "g.jsonl"
    file.write_text(
        '{"id": "a", "language": "en", "response": null, "gold": 5}\n'
        '{"id": "a", "language": "de", "response": NaN, "gold": NaN}\n'
        '{"id": "a", "language": null, "response": "Answer: 5", "confidence": NaN}\n'
        '{"id": null, "response": "Answer: 5"}\n'
    )
    (one,) = group_votes([file])
    assert [vote.answer for vote in one.votes] == [None, None, "5"]
    assert one.votes[0].outcome.reason is AbstainReason.EMPTY
    assert one.gold == "5"
    assert one.places == [f"{file}:{line}" for line in (1, 2, 3)]
    (first, *_) = paths(file)
    assert read_generation(first).detail == f"{file}:1: the response is null"
    assert f"{file}:4: 'id' is null: the row is left out" in caplog.messages


def test_a_null_among_repeats_is_an_abstention(tmp_path):
    file = write(tmp_path, {"doc_id": 1, "doc": {}, "resps": [["Answer: 5", None]]})
    (one,) = group_votes([file])
    assert [vote.answer for vote in one.votes] == ["5", None]


def test_nan_in_a_data_set_is_null(tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text('{"question": "2 + 3?", "answer": NaN, "score": NaN}\n')
    (problem,) = load_problems(path)
    assert problem.gold is None
    assert "score" not in problem.metadata


# Fields of the user's with our names


def test_fields_with_another_meaning_are_ignored_with_one_notice(tmp_path, caplog):
    row = {"id": 1, "response": "Answer: 5", "kind": "easy", "stop": 3, "weight": "heavy",
           "confidence": "high", "question": 7, "finish_reason": 0, "item": [1], "gold": 5}  # fmt: skip
    file = write(tmp_path, row, row | {"id": 2})
    assert [one.votes[0].answer for one in group_votes([file])] == ["5", "5"]
    assert len(caplog.messages) == 5
    assert (
        f"{file}:1: 'kind' is 'easy', not a kind of answers (number, choice, latex): it is kept "
        "and ignored, here and in later rows"
    ) in caplog.messages
    assert next(read_rows([file]))[2] == row


def test_a_kind_with_another_meaning_is_kept_in_a_data_set(tmp_path, caplog):
    rows = [{"question": f"2 + {n}?", "kind": "easy", "weight": "heavy", "stop": 1, "item": [n]}
            for n in range(2)]  # fmt: skip
    problems = list(load_problems(write(tmp_path, *rows)))
    assert problems[1].metadata["file_kind"] == "easy"
    assert problems[1].metadata["file_item"] == [1]
    assert (problems[1].metadata["weight"], problems[1].metadata["stop"]) == ("heavy", 1)
    assert "kind" not in problems[1].metadata
    assert len(caplog.messages) == 1


# Languages


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("EN", "en"), ("en-US", "en"), ("English", "en"), ("english ", "en"), ("en-GB", "en-GB"),
        ("zh-CN", "zh"), ("zh-Hans", "zh"), ("zh_Hans_CN", "zh"), ("Chinese", "zh"),
        ("Simplified Chinese", "zh"), ("Chinese (Simplified)", "zh"), ("中文", "zh"),
        ("zh-TW", "zh-Hant"), ("Traditional Chinese", "zh-Hant"), ("iw", "he"), ("in", "id"),
        ("swa", "sw"), ("Kiswahili", "sw"), ("amh_Ethi", "am"), ("Bengali", "bn"), ("Bangla", "bn"),
        ("తెలుగు", "te"), ("pt-BR", "pt"), ("Portuguese (Brazil)", "pt"), ("sr-Latn", "sr-Latn"),
    ],
)  # fmt: skip
def test_one_rule_for_languages(tmp_path, text, code):
    assert read_language(text) == code
    assert read_language(code) == code
    assert normalize_language(code) == code
    (path,) = paths(write(tmp_path, {"id": 1, "language": text, "response": "5"}))
    assert path.language == code
    row = {"id": 1, "language": text, "question": "2 + 3?", "translations": {text: "5?"}}
    (problem,) = load_problems(write(tmp_path, row))
    assert (problem.language, list(problem.translations)) == (code, [code])


def test_what_names_no_language_stays_as_it_is(tmp_path):
    (path,) = paths(write(tmp_path, {"id": 1, "language": "arm 1", "response": "5"}))
    assert path.language == "arm 1"


# Packed files


def test_packed_files_are_known_by_their_first_bytes(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    line = b'{"id": "a", "question": "2 + 3?", "response": "Answer: 5"}\n'
    for name, pack in (("one.jsonl", gzip.compress), ("two.zst", zstandard.compress)):
        file = tmp_path / name
        file.write_bytes(pack(line) + pack(line.replace(b'"a"', b'"b"')))
        assert [row["id"] for _, _, row in read_rows([file])] == ["a", "b"]


def test_a_broken_pack_is_named(tmp_path):
    file = tmp_path / "g.jsonl"
    file.write_bytes(gzip.compress(b'{"id": 1, "response": "5"}\n' * 100)[:-20])
    with pytest.raises(DatasetError, match=r"g\.jsonl: cannot be read"):
        list(read_rows([file]))


def test_without_zstandard_the_error_has_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "zstandard", None)
    file = tmp_path / "g.jsonl.zst"
    file.write_bytes(b"\x28\xb5\x2f\xfd....")
    with pytest.raises(ConfigurationError, match=r"zstd -d.*pip install .*\[zstd\]"):
        list(read_rows([file]))
