"""``clc calibrate``: over recorded generations and over a run folder."""

import json
import random
from dataclasses import replace

import pytest

from clc.analysis.portfolio import read_portfolio
from clc.runs.revote import revote
from clc.runs.store import Store
from tests.engines.scripted import ScriptedEngine
from tests.solving.running import problems, run
from tests.solving.test_untranslated import Mistranslates

from .running import call, clc

LABELS = {"sw": "Jibu", "en": "Answer", "de": "Antwort", "fr": "Réponse", "th": "คำตอบ"}


def generations(count, rates, *, paths=2, seed=0):
    rng = random.Random(seed)
    for number in range(count):
        for language, rate in rates.items():
            for _ in range(paths):
                answer = (
                    number if rng.random() < rate else number + rng.choice([-3, -2, -1, 1, 2, 3])
                )
                yield {
                    "id": f"q-{number}",
                    "language": language,
                    "response": f"{LABELS[language]}: {answer}",
                    "gold": str(number),
                }


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("dev") / "dev.jsonl"
    return write(path, generations(120, {"sw": 0.2, "en": 0.95, "de": 0.4}))


def test_a_file_of_generations(file, tmp_path):
    done = clc("calibrate", file, "--out", tmp_path / "p.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "120 problems of 120 items" in done.stdout
    assert "English (en)" in done.stdout
    assert "Use the learned portfolio" in done.stdout
    assert f"Portfolio: {tmp_path / 'p.json'}" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80 + len(str(tmp_path))
    found = read_portfolio(tmp_path / "p.json")
    assert len(found.sequence) == 3  # half of the six paths
    assert found.sequence[:2] == ("en", "en")
    assert list(found.accuracy) == ["en", "de", "sw"]  # as clc vote orders them, not the file


def test_json_is_what_the_file_holds(file, tmp_path):
    done = call("calibrate", file, "--budget", 2, "--json", "--out", tmp_path / "p.json")
    assert done.stdout == (tmp_path / "p.json").read_text("utf-8")
    assert json.loads(done.stdout)["sequence"][0] == "en"


def test_the_whole_budget_leaves_only_ties(file):
    assert "only ties can differ" in call("calibrate", file, "--budget", 6).stdout
    assert "only ties can differ" not in call("calibrate", file, "--budget", 5).stdout


def test_several_files_are_one_set_of_problems(file, tmp_path):
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    halves = [
        write(tmp_path / f"{part}.jsonl", rows[part * 360 :][:360]) for part in range(2)
    ]  # by problem
    assert call("calibrate", *halves).stdout == call("calibrate", file).stdout


def test_languages_that_do_not_differ_keep_equal_shares(tmp_path):
    rates = {"en": 0.6, "de": 0.6, "sw": 0.6}
    path = write(tmp_path / "g.jsonl", generations(60, rates))
    done = call("calibrate", path, "--out", tmp_path / "p.json")
    assert "Keep equal shares" in done.stdout
    found = read_portfolio(tmp_path / "p.json")
    assert (found.supported, found.sequence) == (False, ("en", "de", "sw"))


def test_a_run_folder(tmp_path):
    with Store(tmp_path / "dev") as store:
        run(problems(24), store, languages=["de", "zh", "en"])
    done = call("calibrate", tmp_path / "dev", "--out", tmp_path / "p.json")
    assert done.returncode == 0, done.stderr
    found = read_portfolio(tmp_path / "p.json")
    assert (found.problems, found.items) == (24, 24)
    assert list(found.accuracy) == ["de", "zh", "en"]  # the run's order
    assert found.unit == "tokens"
    assert found.sizes["zh"] > found.sizes["de"] > 0  # a translation is part of its paths
    assert [rate.total for rate in found.accuracy.values()] == [48, 48, 48]


@pytest.mark.parametrize("rule", ["give", "abstain"])
def test_paths_without_a_translation_are_left_out(tmp_path, rule):
    kept = [f"sind {number} und" for number in range(12)]
    with Store(tmp_path / "dev") as store:
        engine = Mistranslates("Chinese", keep=kept)
        run(problems(24), store, engine, languages=["de", "zh", "en"], untranslated=rule)
        right = sum(
            one.answer == solved.problem.gold
            for solved in revote(store)
            for one in solved.votes
            if one.language == "zh"
        )
    done = call("calibrate", tmp_path / "dev", "--out", tmp_path / "p.json")
    assert done.returncode == 0, done.stderr
    assert "Left out: paths of questions without a translation (zh 24)" in done.stdout
    found = read_portfolio(tmp_path / "p.json")
    assert [rate.total for rate in found.accuracy.values()] == [48, 24, 48]
    assert found.accuracy["zh"].right == right > 0
    assert found.sizes["zh"] > found.sizes["de"]  # the translation of those that have one


def drop(field):
    return lambda row: {name: value for name, value in row.items() if name != field}


@pytest.mark.parametrize(
    ("count", "change", "message"),
    [
        (30, drop("gold"), "no finished problem has a gold answer"),
        (30, drop("language"), "problem 'q-0' has paths that do not say their language"),
        (30, lambda row: row | {"language": "en"}, "all paths are in en"),
        (12, lambda row: row, "12 items with gold are too few"),
        (30, lambda row: row | {"item": "same"}, "1 items with gold are too few"),
    ],
)
def test_what_cannot_be_learned_from_is_named(count, change, message, tmp_path):
    rows = map(change, generations(count, {"en": 0.5, "de": 0.5}))
    done = call("calibrate", write(tmp_path / "g.jsonl", rows))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_bad_options_are_named(file, tmp_path):
    done = call("calibrate", file, "--budget", 7)
    assert (done.returncode, "budget is 7 paths a problem; give 1 to 6" in done.stderr) == (2, True)
    done = call("calibrate", file, "--out", tmp_path / "none" / "p.json")
    assert (done.returncode, "cannot be written" in done.stderr) == (2, True)
    assert "not a run folder" in call("calibrate", tmp_path).stderr
    assert "not both" in call("calibrate", tmp_path, file).stderr
    assert "No such file" in call("calibrate", tmp_path / "none.jsonl").stderr


def sure_and_unsure(count):
    """Problems on which three languages agree and are right, and as many on which they do not."""
    for number in range(count):
        for language, answer in (("en", 1), ("de", 1), ("sw", 1 + number % 2)):
            yield {
                "id": f"q-{number}",
                "language": language,
                "response": f"{LABELS[language]}: {answer}",
                "gold": "1" if number % 2 == 0 else "2",
            }


def test_a_threshold_for_a_precision(tmp_path):
    file = write(tmp_path / "dev.jsonl", sure_and_unsure(200))
    done = call("calibrate", file, "--precision", "0.95", "--out", tmp_path / "t.json")
    assert done.returncode == 0, done.stderr
    assert "50.0% of the 200 problems are answered. Use it with --abstain-below 1" in done.stdout
    found = json.loads((tmp_path / "t.json").read_text())
    assert (found["abstain_below"], found["coverage"], found["precision"]) == (1, 0.5, 0.95)
    assert found == json.loads(call("calibrate", file, "--precision", "0.95", "--json").stdout)


def test_a_precision_that_nothing_shows_writes_nothing(tmp_path):
    file = write(tmp_path / "dev.jsonl", sure_and_unsure(40))
    done = call("calibrate", file, "--precision", "0.95", "--out", tmp_path / "t.json")
    assert done.returncode == 1
    assert "no agreement shows a precision of 0.95" in done.stderr
    assert "20 have the highest agreement (1), and 20 of them are right" in done.stderr
    assert not (tmp_path / "t.json").exists()


def test_a_threshold_of_a_run(tmp_path):
    with Store(tmp_path) as store:
        run((replace(one, gold="7") for one in problems(80)), store, paths=3)
    done = call("calibrate", tmp_path, "--precision", "0.5", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == 80
    refused = call("calibrate", tmp_path, "--precision", "0.999", "--json")
    assert "of 80 problems" in refused.stderr


def in_two_languages(count):
    """Questions in German and Swahili; each has answers in German and English, right in one."""
    rng = random.Random(5)
    for number in range(count):
        for asked, good in (("de", "de"), ("sw", "en")):
            for language in ("de", "en"):
                for _ in range(3):
                    right = rng.random() < (0.95 if language == good else 0.4)
                    answer = number if right else number + rng.randint(1, 9)
                    yield {
                        "id": f"{asked}-{number}",
                        "item": f"q-{number}",
                        "question_language": asked,
                        "language": language,
                        "response": f"{LABELS[language]}: {answer}",
                        "gold": str(number),
                    }


def test_routes_and_the_prior_are_in_the_file_and_used(tmp_path, monkeypatch):
    path = write(tmp_path / "dev.jsonl", in_two_languages(80))
    out = tmp_path / "p.json"
    done = call("calibrate", path, "--budget", 3, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "Routes by question language, on held-out items" in done.stdout
    assert "Use a route for each question language" in done.stdout
    assert "the learned prior" in " ".join(done.stdout.split())
    data = json.loads(out.read_text())
    assert data["routes"]["by_language"]["de"]["sequence"] == ["de", "de", "de"]
    assert data["unit"] == "characters"
    assert data["prior"]["paths"] == 6

    questions = [
        {"id": code, "language": code, "question": f"{text} 3 + 4?"}
        for code, text in (("de", "Wie viel ist"), ("sw", "Ni ngapi"), ("fr", "Combien font"))
    ]
    monkeypatch.setattr("clc.engines.factory.open_engine", lambda *_, **__: ScriptedEngine())
    solved = call("solve", write(tmp_path / "q.jsonl", questions), "--portfolio", out,
                  "--out", tmp_path / "run")  # fmt: skip
    assert solved.returncode == 0, solved.stderr
    with Store(tmp_path / "run") as store:
        drawn = {code: [arm.language for arm, _ in store.plan(code).paths] for code in LABELS
                 if store.plan(code)}  # fmt: skip
    assert drawn == {
        "de": ["de", "de", "de"],
        "sw": data["routes"]["by_language"]["sw"]["sequence"],
        "fr": data["sequence"],
    }
    # Another order is another run.
    data["routes"] = None
    out.write_text(json.dumps(data))
    other = call("solve", tmp_path / "q.jsonl", "--portfolio", out, "--out", tmp_path / "run")
    assert (other.returncode, "routes" in other.stderr) == (2, True)


def test_at_equal_tokens(file):
    done = call("calibrate", file, "--equal", "tokens", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["equal"] == "tokens"
    table = call("calibrate", file, "--equal", "tokens").stdout
    assert "characters" in table


def test_options_of_a_portfolio_do_not_go_with_a_precision(file):
    for option in (("--budget", 3), ("--folds", 4), ("--seed", 1), ("--equal", "tokens")):
        done = call("calibrate", file, "--precision", "0.9", *option)
        assert done.returncode == 2
        assert f"{option[0]} does not go with --precision" in done.stderr


def test_the_threshold_withholds_none_of_its_own_answers(tmp_path):
    rows = (
        {"id": f"q-{n}", "language": code, "response": f"{LABELS[code]}: {value}", "gold": "1"}
        for n in range(200)
        for code, value in (("en", 1), ("de", 1), ("sw", 2))
    )
    file = write(tmp_path / "dev.jsonl", rows)
    found = json.loads(call("calibrate", file, "--precision", "0.9", "--json").stdout)
    assert found["coverage"] == 1.0
    voted = call("vote", file, "--abstain-below", found["abstain_below"], "--json")
    assert "withheld" not in json.loads(voted.stdout)
