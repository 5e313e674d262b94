"""The run folder of a cluster: what many wrote is one run, in the order of its file."""

import dataclasses
import os
import random

import orjson
import pytest

pytest.importorskip("pyarrow")

from typing import TYPE_CHECKING

from clc.errors import ConfigurationError, StoreError
from clc.plan import ArmRecord, Plan
from clc.records import Confidence, Message, Problem, Prompt, ReasoningPath, Step, Usage, Verdict
from clc.runs.codec import path_row, prompt_row, step_row
from clc.runs.open import open_run, open_runs
from clc.runs.shards import ShardRow, Shards, has_shards
from clc.runs.store import Store

if TYPE_CHECKING:
    from clc.runs.protocol import RunFolder


def path(number, text="Antwort: 7", **more):
    usage = Usage(3, 4, 2)
    return ReasoningPath(f"k{number}", f"pk{number}", "de", 0, 5, text, "stop", usage, **more)


def prompt(number):
    messages = (Message(role="user", content=f"Wie viele sind {number}?"),)
    return Prompt(f"pk{number}", messages, "de", "cot", "abc")


def row(number, *, budget=1, lost=False, set_aside=None, text="Antwort: 7"):
    problem = Problem(f"p-{number}", f"Wie viele sind {number}?", "de", "7", {"en": "?"}, {"a": 1})
    arm = ArmRecord("de", f"pk{number}", 0, 1, 5)
    key = Plan.of([arm]).keys()[0]
    drawn = {
        "prompts": [prompt_row(prompt(number))],
        "paths": [] if lost else [(key, *path_row(path(number, text))[1:])],
        "steps": [step_row(f"t{number}", Step("translation", "en", "?", "stop", Usage(1, 2)))],
        "failures": [(key, "503")] if lost else [],
    }
    plan = None if set_aside else Plan.of([arm])
    verdict = None if set_aside else Verdict(f"p-{number}", "7", 1, 1, 1.0, False, {"7": {"de": 1}})
    return ShardRow(number, f"{number:032x}", budget, problem, plan, drawn, verdict, set_aside)


@pytest.fixture(params=["path", "uri"])
def shards(request, tmp_path):
    folder = tmp_path / "run" if request.param == "path" else (tmp_path / "run").as_uri()
    with Shards(folder) as opened:
        yield opened


def test_a_shard_of_before_the_limits_could_grow_is_read(tmp_path):
    from pyarrow import parquet

    with Shards(tmp_path) as shards:
        name = shards.write_shard([row(0), row(1)])
        file = tmp_path / "shards" / name
        parquet.write_table(parquet.read_table(file).drop_columns(["grown"]), file)
        assert [shards.done(1), shards.done(1, 1)] == [2, 0]
        assert [one.grown for one in shards.read_shard(name)] == [0, 0]
        shards.write_shard([row(2), row(1, text="Antwort: 9")._replace(grown=1)])
        assert [shards.done(1), shards.done(1, 1)] == [3, 1]
        texts = [path.text for one in shards.finished() for path in one.paths.values()]
    assert texts == ["Antwort: 7", "Antwort: 9", "Antwort: 7"]


def test_what_goes_in_comes_out(shards):
    confident = row(0)
    measured = path(
        0, confidence=Confidence(1.5, 1.25, 0.5, -0.25), thought="Drei und", closed=True
    )
    key = confident.drawn["paths"][0][0]
    confident.drawn["paths"][0] = (key, *path_row(measured)[1:])
    (name,) = [shards.write_shard([row(1), confident])]
    assert name.startswith("000000000000-000000000001-")
    first, second = shards.read_shard(name)
    assert (first.position, first.key, first.budget) == (0, f"{0:032x}", 1)
    assert first.problem == confident.problem
    assert first.plan == confident.plan
    assert first.drawn["steps"] == confident.drawn["steps"]
    one = first.finished()
    assert one.paths[key].confidence == measured.confidence
    assert one.paths[key] == dataclasses.replace(measured, key=key)
    (plain,) = second.finished().paths.values()
    assert (plain.thought, plain.closed) == ("", None)
    assert second.problem.id == "p-1"
    assert shards.prompts([f"pk{number}" for number in range(3)]) == {
        "pk0": prompt(0), "pk1": prompt(1),
    }  # fmt: skip


def test_it_is_a_run_folder(shards):
    opened: RunFolder = shards
    assert opened.manifest() is None
    assert list(opened.finished()) == []
    assert opened.find("p-0") is None
    assert opened.started() == 0
    shards.write_manifest({"identity": {"seed": 1}})
    assert opened.manifest() == {"identity": {"seed": 1}}
    assert has_shards(shards.folder)
    with open_run(shards.folder) as run:
        assert run.manifest() == {"identity": {"seed": 1}}


def test_rows_come_in_the_order_of_the_file_and_each_once(shards):
    rng = random.Random(7)
    numbers = list(range(60))
    rng.shuffle(numbers)
    for start in range(0, 60, 7):
        shards.write_shard([row(number) for number in numbers[start : start + 7]])
    shards.write_shard([row(number) for number in numbers[:13]])
    assert [one.problem.id for one in shards.finished()] == [f"p-{n}" for n in range(60)]
    assert shards.started() == 60


def test_spans_hold_each_problem_once_and_name_few_shards(shards):
    for start in range(0, 40, 4):
        shards.write_shard([row(number) for number in range(start, start + 4)])
    shards.write_shard([row(2, budget=2), row(30, budget=2)])  # of a second call, far apart
    spans = list(shards.spans())
    assert [one.first for one in spans] == [0, 2, *range(4, 40, 4)]
    assert [one.last + 1 for one in spans] == [*(one.first for one in spans[1:]), 40]
    assert max(len(one.names) for one in spans) == 2
    found = [[done.problem.id for done in shards.finished(one)] for one in spans]
    assert [one for each in found for one in each] == [f"p-{number}" for number in range(40)]
    assert found[:3] == [["p-0", "p-1"], ["p-2", "p-3"], [f"p-{n}" for n in range(4, 8)]]


def test_of_a_problem_that_is_there_twice_the_one_that_went_furthest_counts(shards):
    twice = (row(0), row(0, budget=2, text="more"), row(1, lost=True), row(1),
             row(2, set_aside="died"), row(2), row(3), row(3, lost=True))  # fmt: skip
    for other, made in enumerate(twice, start=10):
        shards.write_shard([made, row(other)])
    texts = {one.problem.id: next(iter(one.paths.values())) for one in shards.finished()}
    assert texts["p-0"].text == "more"
    assert [texts[f"p-{number}"].error for number in range(4)] == [None] * 4
    assert shards.find("p-1").paths == {texts["p-1"].key: texts["p-1"]}


def test_a_lost_path_is_done_and_one_set_aside_is_not(shards):
    shards.write_shard([row(0, lost=True), row(1, set_aside="it died"), row(2)])
    finished = {one.problem.id: one for one in shards.finished()}
    assert set(finished) == {"p-0", "p-2"}
    assert [path.error for path in finished["p-0"].paths.values()] == ["503"]
    assert shards.find("p-1") is None
    assert shards.started() == 3


def test_the_same_problems_have_the_same_name(shards):
    assert shards.write_shard([row(4), row(3)]) == shards.write_shard([row(3), row(4)])
    assert len(shards.names()) == 1
    assert shards.within(3, 4) == dict.fromkeys((3, 4), shards.names()[0])
    assert shards.within(4, 9) == {}


def test_any_text_survives(shards):
    text = "a\0b\r\n\u2028 ١٢ 😀 ' \" ;"
    shards.write_shard([row(0, text=text)])
    (one,) = shards.finished()
    assert next(iter(one.paths.values())).text == text


def test_columns_are_for_everybody(tmp_path):
    from pyarrow import parquet

    with Shards(tmp_path / "run") as shards:
        shards.write_shard([row(0), row(1, set_aside="it died")])
    table = parquet.read_table(tmp_path / "run" / "shards")
    told = table.select(["position", "id", "answer", "agreement", "lost", "set_aside"]).to_pylist()
    assert told == [
        {"position": 0, "id": "p-0", "answer": "7", "agreement": 1.0, "lost": 0, "set_aside": None},
        {"position": 1, "id": "p-1", "answer": None, "agreement": None, "lost": 0,
         "set_aside": "it died"},
    ]  # fmt: skip
    assert orjson.loads(table["problem"][0].as_py())["id"] == "p-0"


def test_what_is_half_written_is_not_there(shards, tmp_path):
    def half():
        with shards.write("verdicts.jsonl") as file:
            file.write(b"half")
            raise InterruptedError

    with pytest.raises(StoreError):
        half()
    assert not shards._files.is_there("verdicts.jsonl")
    assert not [*tmp_path.glob("run/*.part"), *tmp_path.glob("run/.*.part")]


def test_one_writer_at_a_time(tmp_path):
    with Shards(tmp_path) as shards:
        with pytest.raises(StoreError, match="another process is working on this run"):
            Shards(tmp_path)
        assert Shards(tmp_path, read_only=True).names() == []
        shards.write_shard([row(0)])
    with Shards(tmp_path) as again:
        assert len(again.names()) == 1


def test_folders_that_cannot_be(tmp_path):
    with Store(tmp_path / "one"):
        pass
    with pytest.raises(StoreError, match=r"a run of one machine \(it has run.sqlite\)"):
        Shards(tmp_path / "one")
    with Shards(tmp_path / "many"), pytest.raises(StoreError, match="another process"):
        Store(tmp_path / "many")
    with pytest.raises(StoreError, match="a run of --cluster ray"):
        Store(tmp_path / "many")
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot open the run folder"):
        Shards(tmp_path / "file")
    with pytest.raises(ConfigurationError, match="no place that pyarrow can reach"):
        Shards("nowhere://at/all")


def test_a_broken_shard_is_named(shards):
    name = shards.write_shard([row(0)])
    with shards.write(f"shards/{name}") as file:
        file.write(b"PAR1 and no more")
    with pytest.raises(StoreError, match=f"{name}: cannot be read: .*; delete it"):
        list(shards.finished())


def test_a_manifest_that_is_broken_is_named(shards):
    for content, why in ((b"{", "cannot read the manifest"), (b"[]", "not a JSON object")):
        with shards.write("manifest.json") as file:
            file.write(content)
        with pytest.raises(StoreError, match=why):
            shards.manifest()


def test_only_a_few_shards_are_in_memory(tmp_path):
    import resource

    with Shards(tmp_path / "run") as shards:
        text = os.urandom(200_000).hex()
        for start in range(0, 400, 4):
            shards.write_shard([row(number, text=text) for number in range(start, start + 4)])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert sum(1 for _ in shards.finished()) == 400
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 80_000  # KiB; all 400 texts are 160 MB


@pytest.mark.parametrize(
    "name",
    ["zzz.parquet", "1-2-3.parquet", "000000000000-000000000001.parquet",
     "000000000000-000000000001-a3f08e52dddf (1).parquet", "a-b-c.parquet", "-1-0-a3f08e52dddf.parquet",
     "000000000009-000000000001-a3f08e52dddf.parquet", "000000000000-000000000001-A3F08E52DDDF.parquet",
     "٠٠٠٠٠٠٠٠٠٠٠٠-000000000001-a3f08e52dddf.parquet", "x\udcff.parquet"],
)  # fmt: skip
def test_a_foreign_file_among_the_shards_is_named(name, tmp_path):
    with Shards(tmp_path) as shards:
        shards.write_shard([row(0)])
        (tmp_path / "shards" / name).write_bytes(b"")
        for read in (shards.started, lambda: list(shards.finished()), lambda: shards.done(1)):
            with pytest.raises(StoreError, match="not the name of a shard of clc; move it"):
                read()


@pytest.mark.parametrize("seed", range(40))
def test_damage_of_a_shard_changes_no_figure(seed, tmp_path):
    chance = random.Random(seed)
    with Shards(tmp_path) as shards:
        name = shards.write_shard([row(number) for number in range(20)])
        whole = list(shards.finished())
        file = tmp_path / "shards" / name
        data = bytearray(file.read_bytes())
        size = len(data) if seed % 2 else 9000  # the last part of it is metadata
        for _ in range(chance.choice([1, 1, 40])):
            data[-1 - chance.randrange(size)] ^= 1 << chance.randrange(8)
        file.write_bytes(data)
        try:
            assert list(shards.finished()) == whole
        except StoreError as error:
            assert name in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    "change",
    [
        {"position": [7, 8]}, {"position": ["0", "1"]}, {"problem": ["{}", "[]"]},
        {"plan": ["[]", "7"]}, {"paths": [[], [{"key": 7}]]}, {"budget": [1.5, 2]}, {"lost": None},
        {"paths": [1, 2]}, {"key": ["x", "y"]}, {"prompts": [[{"messages": "[7]"}], []]},
    ],
)  # fmt: skip
def test_a_table_that_is_no_shard_is_named(change, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    with Shards(tmp_path) as shards:
        name = shards.write_shard([row(0), row(1)])
        table = parquet.read_table(tmp_path / "shards" / name, partitioning=None)
        for column, values in change.items():
            table = table.drop_columns([column])
            table = table if values is None else table.append_column(column, pa.array(values))
        parquet.write_table(table, tmp_path / "shards" / name)
        with pytest.raises(StoreError, match=rf"{name}: cannot be read: .*delete it|is damaged"):
            list(shards.states()) + list(shards.finished())


def test_a_finished_run_that_lost_a_shard_has_no_figures(tmp_path):
    with Shards(tmp_path) as shards:
        shards.write_shard([row(0)])
        name = shards.write_shard([row(1)])
        shards.write_manifest({"format": 3, "finished": True, "problems": 2})
        assert len(list(shards.finished())) == 2
        (tmp_path / "shards" / name).unlink()
        with pytest.raises(StoreError, match="1 of the 2 problems of this finished run"):
            list(shards.finished())


@pytest.mark.parametrize("how", ["moved", "replaced", "deleted"])
def test_nothing_is_written_where_the_run_was(how, tmp_path):
    with Shards(tmp_path / "run") as shards, Shards(tmp_path / "run", read_only=True) as replica:
        shards.write_shard([row(0)])
        (tmp_path / "run").rename(tmp_path / "elsewhere")
        if how == "replaced":
            Shards(tmp_path / "run").close()
        for one in (shards, replica):
            with pytest.raises(StoreError, match="moved, replaced or deleted"):
                one.write_shard([row(1)])
            with pytest.raises(StoreError, match="moved, replaced or deleted"):
                one.write_manifest({})
    there = {file.name for file in tmp_path.glob("run/**/*")}
    assert there == ({".lock", "shards"} if how == "replaced" else set())


def test_the_commonest_reason_of_lost_paths(tmp_path):
    with Shards(tmp_path) as shards:
        assert shards.commonest_failure() is None
        shards.write_shard([row(number, lost=True) for number in range(3)])
        other = row(3, lost=True)
        other.drawn["failures"][0] = ("k", "a timeout")
        shards.write_shard([other])
        assert shards.commonest_failure() == "503"


@pytest.mark.parametrize("sampled", ["paths", "steps", None])
def test_shards_are_removed_only_where_nothing_was_sampled(sampled, shards):
    for number in range(3):
        one = row(number, lost=sampled != "paths" or number < 2)
        if sampled != "steps" or number < 2:
            one.drawn["steps"].clear()
        shards.write_shard([one])
    assert shards.clear() is (sampled is None)
    assert len(shards.names()) == (0 if sampled is None else 3)
    assert shards.started() == len(shards.names())


@pytest.mark.parametrize("linked", ["shard", "manifest.json"])
def test_no_link_in_the_folder_is_followed(linked, tmp_path):
    with Shards(tmp_path / "run") as shards:
        name = shards.write_shard([row(0)])
        shards.write_manifest({"format": 3})
    path = tmp_path / "run" / (f"shards/{name}" if linked == "shard" else linked)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match=f"{path.name}: .* link"):
        open_run(tmp_path / "run").manifest()


def test_a_run_without_its_manifest_is_not_read(tmp_path):
    with Shards(tmp_path) as shards:
        shards.write_manifest({"format": 3})
        shards.write_shard([row(0)])
        (tmp_path / "manifest.json").unlink()
        with pytest.raises(StoreError, match=r"its manifest\.json is missing"):
            shards.check_manifest()
    with pytest.raises(StoreError, match=r"its manifest\.json is missing"):
        open_run(tmp_path)
    with pytest.raises(StoreError, match=r"its manifest\.json is missing"), open_runs(tmp_path):
        pass
