import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from clc import Problem, Templates, solve_many
from clc.cli.extract import command as extract
from clc.cli.vote import command as vote
from clc.errors import ConfigurationError, DatasetError, InputError, LanguageError
from tests.engines.scripted import ScriptedEngine

ROWS = [
    {"id": "a", "language": "en", "response": "Answer: 5", "gold": "5", "note": "kept"},
    {"id": "b", "language": "en", "response": "I'm sorry, I cannot do this.", "gold": "7"},
    {"id": "a", "language": "de", "response": "Antwort: 1.000", "gold": "5"},
    {"id": "b", "language": "zh", "response": "答案：8", "gold": "7"},
    {"id": "a", "language": "zh", "response": "答案：1000", "gold": "5"},
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "g.jsonl"
    path.write_text(
        "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8"
    )
    return str(path)


def run(command, *arguments):
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result


def rows(text):
    return [json.loads(line) for line in text.splitlines()]


def test_extract_keeps_every_field(file):
    found = rows(run(extract, file).stdout)
    assert found[0] == {**ROWS[0], "answer": "5", "abstain": None}
    assert (found[1]["answer"], found[1]["abstain"]) == (None, "refusal")
    assert [row["answer"] for row in found] == ["5", None, "1000", "8", "1000"]


def test_extract_writes_a_file(file, tmp_path):
    out = tmp_path / "out.jsonl"
    assert run(extract, file, "--out", str(out)).stdout == ""
    assert len(rows(out.read_text())) == len(ROWS)


def test_extract_may_write_over_what_it_reads(file):
    read = rows(run(extract, file).stdout)
    run(extract, file, "--out", file)
    assert rows(Path(file).read_text(encoding="utf-8")) == read


def test_out_through_a_link_keeps_the_link(file, tmp_path):
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    target.touch()
    link.symlink_to(target)
    run(extract, file, "--out", str(link))
    assert link.is_symlink()
    assert len(rows(target.read_text(encoding="utf-8"))) == len(ROWS)


def test_nothing_is_left_of_a_failed_extract(tmp_path):
    path = tmp_path / "g.jsonl"
    path.write_text('{"id": 1, "response": "5"}\n{"id": 2}\n')
    for out in (path, tmp_path / "new.jsonl"):
        with pytest.raises(DatasetError, match="g.jsonl:2"):  # noqa: RUF043
            CliRunner().invoke(extract, [str(path), "--out", str(out)], catch_exceptions=False)
    assert [one.name for one in tmp_path.iterdir()] == ["g.jsonl"]
    assert path.read_text().count("\n") == 2


@pytest.mark.parametrize("command", [extract, vote])
def test_a_file_of_a_like_name_is_left_alone(file, tmp_path, command):
    part = tmp_path / "out.jsonl.part"
    part.write_text("mine")
    run(command, file, "--out", str(tmp_path / "out.jsonl"))
    assert part.read_text() == "mine"


def test_out_that_cannot_be_written_is_named(file, tmp_path):
    for command in (extract, vote):
        with pytest.raises(InputError, match=r"--out .*cannot be written: No such file"):
            CliRunner().invoke(
                command, [file, "--out", str(tmp_path / "no" / "o")], catch_exceptions=False
            )
        with pytest.raises(InputError, match=r"--out /dev/full: cannot be written: No space left"):
            CliRunner().invoke(command, [file, "--out", "/dev/full"], catch_exceptions=False)


def test_extract_lists_for_several_responses(tmp_path):
    path = tmp_path / "samples_mgsm_en.jsonl"
    path.write_text(json.dumps({"doc_id": 1, "doc": {}, "resps": [["Answer: 5", ""]]}) + "\n")
    (row,) = rows(run(extract, str(path)).stdout)
    assert (row["answer"], row["abstain"]) == (["5", None], [None, "empty"])


def test_vote_writes_verdicts_and_a_table(file):
    result = run(vote, file)
    first, second = rows(result.stdout)
    assert first["id"] == "a"
    assert (first["answer"], first["support"], first["total"]) == ("1000", 2, 3)
    assert (first["gold"], first["correct"], first["tied"]) == ("5", False, False)
    assert first["tally"] == {"1000": {"de": 1, "zh": 1}, "5": {"en": 1}}
    assert second["abstentions"] == {"refusal": {"en": 1}}
    assert "accuracy of the vote" in result.stderr
    assert re.search(r"no vote: refusal +1 ", result.stderr)
    assert "tokens" not in result.stderr


def test_vote_over_chosen_languages_breaks_ties_in_their_order(file):
    assert rows(run(vote, file, "--languages", "en,de").stdout)[0]["answer"] == "5"
    assert rows(run(vote, file, "--languages", "de,en").stdout)[0]["answer"] == "1000"
    (first, *_) = rows(run(vote, file, "--languages", "de,en", "--order", "en").stdout)
    assert (first["answer"], first["tied"]) == ("5", True)


def test_problems_without_a_path_in_the_languages_are_reported(file, caplog):
    assert [row["id"] for row in rows(run(vote, file, "--languages", "de").stdout)] == ["a"]
    assert caplog.messages == ["left out: 1 problem without a path in de"]
    caplog.clear()
    run(vote, file, "--languages", "de,zh")
    assert not caplog.messages


def test_vote_weighted(file):
    assert (
        rows(run(vote, file, "--rule", "weighted", "--weights", "en=3").stdout)[0]["answer"] == "5"
    )


def test_vote_json_is_the_score(file, tmp_path):
    out = tmp_path / "verdicts.jsonl"
    score = json.loads(run(vote, file, "--json", "--out", str(out)).stdout)
    assert score["problems"] == 2
    assert score["abstentions"] == {"refusal": 1}
    assert len(rows(out.read_text())) == 2


def test_without_gold_there_is_no_table(tmp_path):
    path = tmp_path / "g.jsonl"
    path.write_text('{"id": 1, "response": "Answer: 5"}\n')
    result = run(vote, str(path))
    assert rows(result.stdout)[0]["correct"] is None
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["--weights", "en"], InputError, "'en' is not LANGUAGE=NUMBER"),
        (["--weights", "en=2"], ConfigurationError, "--rule weighted"),
        (["--languages", "sw"], InputError, "no paths in sw"),
        (["--languages", "xx"], LanguageError, "'xx'"),
        (["--order", "xx"], LanguageError, "'xx'"),
    ],
)
def test_bad_options_are_named(file, arguments, error, message):
    with pytest.raises(error, match=message):
        CliRunner().invoke(vote, [file, *arguments], catch_exceptions=False)


@pytest.mark.parametrize(("command", "what"), [(vote, "paths"), (extract, "responses")])
def test_files_without_a_row_are_named(tmp_path, command, what):
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(InputError, match=rf"no {what} in .*empty.jsonl"):
        CliRunner().invoke(command, [str(tmp_path / "empty.jsonl")], catch_exceptions=False)


def test_bad_row_is_named(tmp_path):
    path = tmp_path / "g.jsonl"
    path.write_text("{}\n")
    for command in (vote, extract):
        with pytest.raises(DatasetError, match=r"g.jsonl:1: 'response' is missing"):
            CliRunner().invoke(command, [str(path)], catch_exceptions=False)


def test_run_folders_are_revoted(tmp_path, caplog):
    one, other = Problem("q1", "2+3?", "en", gold="7"), Problem("q2", "2+4?", "de", gold="8")
    engine = ScriptedEngine()
    settings = {"strategy": "sc", "paths": 5, "store": tmp_path}
    verdicts = {each.id: each for each in solve_many([one, other], engine=engine, **settings)}
    for row, problem in zip(rows(run(vote, str(tmp_path)).stdout), (one, other), strict=True):
        verdict = verdicts[problem.id]
        assert (row["id"], row["answer"]) == (problem.id, verdict.answer)
        assert row["support"] == verdict.support > 0
        assert row["correct"] == (verdict.answer == problem.gold)
    assert not caplog.messages
    (row,) = rows(run(vote, str(tmp_path), "--languages", "en").stdout)
    assert (row["id"], row["answer"]) == ("q1", verdicts["q1"].answer)
    assert caplog.messages == ["left out: 1 problem without a path in en"]
    with pytest.raises(InputError, match="no paths in sw"):
        CliRunner().invoke(vote, [str(tmp_path), "--languages", "sw"], catch_exceptions=False)


def test_words_in_place_of_those_of_the_run_are_reported(tmp_path, caplog):
    folders = [tmp_path / name for name in ("own", "other")]
    for folder, word in zip(folders, ("kutichiy", "tarisqay"), strict=True):
        (folder / "languages").mkdir(parents=True)
        (folder / "languages" / "qu.toml").write_text(f'[answers]\nanswer = ["{word}"]\n')
    own, other = map(str, folders)
    run_folder = str(tmp_path / "run")
    problem = Problem("q1", "2+3?", "en")
    settings = {"strategy": "sc", "paths": 2, "store": run_folder, "templates": Templates(own)}
    list(solve_many([problem], engine=ScriptedEngine(), **settings))
    caplog.clear()
    run(vote, run_folder)
    run(vote, run_folder, "--prompts", own)
    assert not caplog.messages
    run(vote, run_folder, "--prompts", other)
    (message,) = caplog.messages
    assert message.startswith(f"{run_folder}: the words of --prompts replace those")


def test_folders_and_files_do_not_mix(file, tmp_path):
    with pytest.raises(InputError, match="not both"):
        CliRunner().invoke(vote, [file, str(tmp_path)], catch_exceptions=False)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="not a run folder"):
        CliRunner().invoke(vote, [str(tmp_path)], catch_exceptions=False)


def test_unsure_answers_are_withheld(file):
    result = run(vote, file, "--abstain-below", "0.6")
    first, second = rows(result.stdout)
    assert first["answer"] == "1000"  # two of three
    assert "withheld" not in first
    assert second["answer"] == "8"  # of one
    assert rows(run(vote, file, "--abstain-below", "0.7").stdout)[0]["withheld"] == {
        "answer": "1000",
        "reason": "agreement 0.666667 is below 0.7",
    }
    withheld = run(vote, file, "--abstain-languages", "2")
    assert [row["answer"] for row in rows(withheld.stdout)] == ["1000", None]
    assert "of these, withheld" in withheld.stderr
