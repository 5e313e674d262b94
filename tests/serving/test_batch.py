"""A batch: what its lines may be, what its output may hold, and how it goes on."""

import asyncio
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from clc.errors import ConfigurationError, DatasetError, InputError, StoreError
from clc.serving import batch as module
from clc.serving.batch import Output, answer_lines, open_batch, read_lines
from clc.serving.errors import ApiError
from tests.engines.scripted import ScriptedEngine

from .test_completions import body, make

URL = "/v1/chat/completions"


def row(custom_id, wanted=None, **more):
    said = {"custom_id": custom_id, "method": "POST", "url": URL, "body": wanted or body()}
    return json.dumps(said | more)


def write(folder, *rows, name="in.jsonl"):
    path = folder / name
    path.write_text("".join(f"{one}\n" for one in rows), encoding="utf-8")
    return path


def solve(source, out, engine=None, *, retry=False, **settings):
    """Answer a batch; return its counts, what was answered now, and the engine."""
    engine = engine or ScriptedEngine()
    completions = make(engine, **({"paths": 3} | settings))

    async def main(output):
        try:
            return [done async for done in answer_lines(source, output, completions)]
        finally:
            await completions.close()

    with Output(out, completions.fingerprint, retry=retry) as output:
        batch = open_batch(source, output)
        return batch, asyncio.run(main(output)), engine


def rows(out):
    return [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("kind", ["/dev/full", "/dev/zero", "/dev/null", "FIFO", "link to a FIFO"])
def test_replies_go_to_a_regular_file(tmp_path, kind):
    """They are read back: a device may have no end, and a FIFO no beginning."""
    out = Path(kind)
    if "FIFO" in kind:
        out = tmp_path / "fifo"
        os.mkfifo(out)
        if "link" in kind:
            (tmp_path / "link").symlink_to(out)
            out = tmp_path / "link"
    with pytest.raises(InputError, match="no regular file"):
        Output(out, "f")


def test_a_line_for_a_line(tmp_path):
    source = write(tmp_path, *(row(f"q{n}", body(f"What is {n} and 4?")) for n in range(30)))
    out = tmp_path / "out.jsonl"
    _, answered, _ = solve(source, out)
    assert sorted(one["custom_id"] for one in rows(out)) == sorted(f"q{n}" for n in range(30))
    for one in rows(out):
        assert set(one) == {"id", "custom_id", "response", "error"}
        assert one["id"].startswith("batch_req_")
        assert one["response"]["status_code"] == 200
        assert one["response"]["request_id"].startswith("req_")
        assert one["response"]["body"]["object"] == "chat.completion"
        assert one["error"] is None
    assert len({one["id"] for one in rows(out)}) == 30
    assert sum(one.paths for one in answered) == 90
    assert all(one.tokens for one in answered)


NESTED = "[" * 1000 + "]" * 1000  # deeper than repr goes

WRONG = [
    ("not json", "no JSON: ", None),
    ('{"custom_id": "a", ', "no JSON: ", None),
    ("[1]", r"no JSON object \[1\]", None),
    ("{}", "custom_id is missing; give a text of its own", "custom_id"),
    (row(7), "custom_id must be a text of its own that is not empty, not 7", "custom_id"),
    (row(""), "custom_id must be a text", "custom_id"),
    (row("a", method="GET"), "method must be 'POST', not 'GET'", "method"),
    (row("a", url="/v1/embeddings"), "url must be '/v1/chat/completions', not '/v1/emb", "url"),
    (row("a", body=[1]), r"body must be the request, an object, not \[1\]", "body"),
    ('{"custom_id": "a", "method": "POST"}', "url is missing; give '/v1/chat", "url"),
    (row("a", body("x" * 9, temprature=1)), "unknown parameter 'temprature'", "temprature"),
    (row("a", body("x" * 9, model="gpt")), "there is no model 'gpt'", "model"),
    ("\udcff", "no JSON: ", None),
    (NESTED, r"no JSON object \[\[\[\[\[\.\.\.", None),
    (row("a")[:-1] + f', "method": {NESTED}}}', r"method must be 'POST', not \[\[", "method"),
    (row("a", body("x"))[:-2] + f', "tools": {NESTED}}}}}', "tools is", "tools"),
]


@pytest.mark.parametrize(("wrong", "words", "param"), WRONG)
def test_a_wrong_line_says_where_and_what_and_loses_nothing(tmp_path, wrong, words, param):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    text = f"{row('first')}\n\n{wrong}\n{row('last')}\n"
    source.write_bytes(text.encode(errors="surrogateescape"))
    solve(source, out)
    done = {one["custom_id"]: one for one in rows(out)}
    assert len(rows(out)) == 3
    assert done["first"]["error"] is done["last"]["error"] is None
    (failed,) = [one for one in rows(out) if one["error"]]
    assert failed["error"]["line"] == 3
    with pytest.raises(AssertionError, match=rf"line 3: .*{words}"):
        raise AssertionError(failed["error"]["message"])
    assert failed["response"]["status_code"] in {400, 404}
    assert failed["response"]["body"]["error"]["param"] == param
    assert failed["response"]["body"]["error"]["code"] == failed["error"]["code"]


def test_a_mark_of_byte_order_is_no_fault(tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + row("a").encode())
    (line,) = read_lines(source)
    assert line.custom_id == "a"


def test_one_custom_id_twice_is_refused_before_anything_is_drawn(tmp_path):
    source = write(tmp_path, row("a"), "not json", row("b"), row("a"))
    out = tmp_path / "out.jsonl"
    engine = ScriptedEngine()
    with pytest.raises(DatasetError, match=r"in\.jsonl:4: custom_id 'a' stands on line 1 already"):
        solve(source, out, engine)
    assert not engine.requests
    assert out.read_bytes() == b""


def test_what_is_there_is_not_done_again(tmp_path):
    source = write(tmp_path, row("a"), "not json", row("b", body("What is 4 and 4?")))
    out = tmp_path / "out.jsonl"
    solve(source, out)
    before = out.read_bytes()
    batch, answered, engine = solve(source, out)
    assert batch == (3, 3)
    assert answered == []
    assert engine.started == 0
    assert out.read_bytes() == before


def test_it_goes_on_where_it_was_cut(tmp_path):
    source = write(tmp_path, *(row(f"q{n}", body(f"What is {n} and 4?")) for n in range(4)))
    whole, out = tmp_path / "whole.jsonl", tmp_path / "out.jsonl"
    solve(source, whole)
    lines = whole.read_bytes().splitlines(keepends=True)
    texts = {one["custom_id"]: one["response"]["body"]["choices"] for one in rows(whole)}
    for cut in (0, 1, 9, len(lines[2]) // 2, len(lines[2]) - 1):
        out.write_bytes(b"".join(lines[:2]) + lines[2][:cut])
        batch, answered, _ = solve(source, out)
        assert batch.answered == 2
        assert len(answered) == 2
        assert out.read_bytes().startswith(b"".join(lines[:2]))
        assert {o["custom_id"]: o["response"]["body"]["choices"] for o in rows(out)} == texts


def test_failed_lines_are_done_again_when_that_is_asked(tmp_path):
    source = write(tmp_path, row("a"), row("b", body("lost 3 4")), "not json")
    out = tmp_path / "out.jsonl"
    solve(source, out, ScriptedEngine(lose=lambda r: "gone" if "lost" in str(r.messages) else None))
    assert {o["custom_id"]: o["response"]["status_code"] for o in rows(out)} == {
        "a": 200, "b": 502, None: 400,
    }  # fmt: skip
    assert solve(source, out)[1] == []
    source = write(tmp_path, row("a"), row("b", body("lost 3 4")), row("c"))
    batch, answered, _ = solve(source, out, retry=True)
    assert batch == (3, 1)
    assert sorted(one.key for one in answered) == ["b", "c"]
    assert sorted(one["custom_id"] for one in rows(out)) == ["a", "b", "c"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_a_mended_line_needs_a_retry(tmp_path):
    out = tmp_path / "out.jsonl"
    solve(write(tmp_path, row("a"), "not json"), out)
    with pytest.raises(InputError, match=r"in\.jsonl:2: was wrong before .*; retry what failed"):
        solve(write(tmp_path, row("a"), row("b")), out)


@pytest.mark.parametrize(
    "strange",
    ['{"question": "?"}\n', "text\n", "text", '{"id": 1', "[]\n", "7\n",
     '{"custom_id": null, "response": {"body": {}}, "error": null}\n'],
)  # fmt: skip
def test_some_other_file_is_left_alone(tmp_path, strange):
    out = tmp_path / "notes.txt"
    out.write_text(strange)
    with pytest.raises(InputError, match=r"notes\.txt:1: is no line of a batch's output"):
        solve(write(tmp_path, row("a")), out)
    assert out.read_text() == strange


def test_the_output_of_another_batch_is_refused(tmp_path):
    out = tmp_path / "out.jsonl"
    solve(write(tmp_path, row("a")), out)
    with pytest.raises(InputError, match=r"holds the reply to 'a', which .*other\.jsonl does not"):
        solve(write(tmp_path, row("b"), name="other.jsonl"), out)


def test_other_settings_are_refused(tmp_path):
    source, out = write(tmp_path, row("a"), row("b")), tmp_path / "out.jsonl"
    solve(source, out)
    with pytest.raises(ConfigurationError, match=r"out\.jsonl:1: was answered with other settings"):
        solve(source, out, paths=4)


def test_one_process_at_a_time(tmp_path):
    out = tmp_path / "out.jsonl"
    with Output(out, "fp"), pytest.raises(InputError, match="another process writes to it"):
        Output(out, "fp")
    Output(out, "fp").__exit__()


def test_it_stays_locked_after_a_retry(tmp_path):
    source, out = write(tmp_path, "not json"), tmp_path / "out.jsonl"
    solve(source, out)
    completions = make(paths=3)
    with Output(out, completions.fingerprint, retry=True) as output:
        assert output.done == set()
        with pytest.raises(InputError, match="another process"):
            Output(out, completions.fingerprint)


def test_a_file_that_cannot_be_written(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be written: No such file"):
        Output(tmp_path / "no" / "out.jsonl", "fp")
    line = next(read_lines(write(tmp_path, row("a"))))
    with (
        open("/dev/full", "ab", buffering=0) as full,  # noqa: PTH123
        Output(tmp_path / "out.jsonl", "fp") as output,
    ):
        output._file = full
        with pytest.raises(StoreError, match="No space left on device"):
            output.add(line, ApiError(400, "x", code="y"))


def test_what_cannot_be_read_twice(tmp_path):
    with Output(tmp_path / "out.jsonl", "fp") as output:
        for source in (tmp_path, tmp_path / "none.jsonl", "/dev/stdin"):
            with pytest.raises(InputError, match="is no file"):
                open_batch(source, output)


def test_memory_does_not_grow_with_the_file(tmp_path):
    """Each question is 20 kB: a file that was held would take 8 MB more."""

    def peak(count):
        wanted = [body(f"{n} {'x' * 20_000}", model="scripted") for n in range(count)]
        source = write(tmp_path, *(row(f"q{n}", one) for n, one in enumerate(wanted)))
        del wanted
        tracemalloc.start()
        try:
            solve(source, tmp_path / f"{count}.jsonl", _Terse())
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(40)  # imports
    assert peak(440) < peak(40) + 4_000_000


class _Terse(ScriptedEngine):
    """Keeps no requests."""

    async def complete(self, request):
        done = await super().complete(request)
        self.requests.clear()
        self.asked.clear()
        return done


def vote(**settings):
    return row("a", body("x" * 9, clc=settings))


def plain(**more):
    return row("a", body("What is 3 and 4?", model="scripted", **more))


def odd(text, **more):
    """Write a row whose body has a field ``odd`` with this JSON."""
    return row("a", body("x" * 9, odd="ODD", **more)).replace('"ODD"', text)


POISON = {
    "paths 1e9": (vote(paths=10**9), "1000000000 paths are asked for"),
    "paths 257": (vote(paths=257), "257 paths are asked for"),
    "paths 2^64": (vote(paths=2**64 - 1), "paths"),
    "paths 2^70": (vote(paths=2**70), "clc.paths is"),
    "paths 5000.0": (vote(paths=5000.0), "clc.paths is 5000.0"),
    "paths in a text": (vote(paths="5000"), "clc.paths is '5000'"),
    "paths true": (vote(paths=True), "clc.paths is True"),
    "paths -1": (vote(paths=-1), "clc.paths is -1"),
    "paths null in a list": (vote(paths=[None]), "clc.paths is"),
    "languages": (vote(languages=["en"] * 1000), "1000 languages are asked for"),
    "a language": (vote(languages=["x" * 9999]), "xxx"),
    "n 6e8": (plain(n=600_000_000), "n is 600000000"),
    "n 2^64": (plain(n=2**64 - 1), "n"),
    "n 1e9": (plain(n=1e9), "n is 1000000000.0"),
    "n true": (plain(n=True), "n is True"),
    "n -5": (plain(n=-5), "n is -5"),
    "n in a text": (plain(n="1000"), "n is '1000'"),
    "max_tokens 1e9": (plain(max_tokens=10**9), "max_tokens"),
    "max_tokens 1e9 as a double": (plain(max_tokens=1e9), "max_tokens is 1000000000.0"),
    "max_tokens in all": (plain(n=256, max_tokens=4096), "are 1048576"),
    "max_tokens of a vote": (row("a", body("x" * 9, max_tokens=2**20)), "max_tokens"),
    "seed": (plain(seed=2**63), "seed is"),
    "temperature": (plain(temperature=1e308), "temperature is"),
    "stops": (plain(stop=["a"] * 1000), "stop is"),
    "a long question": (row("a", body("x" * 40_000)), "40000 characters"),
    "long turns": (plain(messages=[{"role": "user", "content": "x" * 300_000}]), "300000 char"),
    "nested": (odd(NESTED), "unknown parameter 'odd'"),
    "nested too deep": (odd("[" * 99_999 + "]" * 99_999), "no JSON"),
    "nested without an end": (odd("[" * 99_999), "no JSON"),
    "nested objects": (odd('{"a":' * 1000 + "1" + "}" * 1000), "unknown parameter"),
    "nested content": (row("a", body("x")).replace('"x"', NESTED), "content"),
    "nested metadata": (row("a", body("x", metadata="M")).replace('"M"', NESTED), "metadata"),
    "an integer of 5000 digits": (odd("7" * 5000), "no JSON"),
    "a double of 5000 digits": (odd("0." + "7" * 5000), "unknown parameter"),
    "a number beyond doubles": (odd("1e999"), "no JSON"),
    "not a number": (odd("NaN"), "no JSON"),
    "a lone surrogate": (row("a", body("\ud800")), "no JSON"),
    "a lone surrogate as a name": (odd('{"\\udfff": 1}'), "no JSON"),
    "a lone surrogate as an id": (row("\ud800"), "no JSON"),
    "NUL": ("\x00", "no JSON"),
    "NUL in the question": (row("a", body("\x00")), None),
    "NUL in the id": (row("a\x00b", body("gpt", model="gpt")), "no model"),
    "not UTF-8": (row("a").replace("custom_id", "custom_id\udcff"), "no JSON"),
    "UTF-16": ("\udcff\udcfe" + "\x00".join(row("a")), "no JSON"),
    "a long id": (row("x" * 99_999, body("x", model="gpt")), "no model"),
}  # fmt: skip


@pytest.mark.parametrize("poison", POISON)
def test_a_poisoned_line_costs_that_line(tmp_path, poison):
    line, words = POISON[poison]
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    text = f"{row('first')}\n{line}\n{row('last')}\n"
    source.write_bytes(text.encode(errors="surrogateescape"))
    tracemalloc.start()
    solve(source, out)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 50_000_000
    done = {one["custom_id"]: one for one in rows(out)}
    assert len(rows(out)) == 3
    assert done["first"]["error"] is done["last"]["error"] is None
    failed = [one for one in rows(out) if one["error"]]
    assert len(failed) == (words is not None)
    if words is not None:
        assert failed[0]["error"]["message"].startswith("line 2: ")
        assert words in failed[0]["error"]["message"]
        assert len(failed[0]["error"]["message"]) < 1000
        assert failed[0]["response"]["status_code"] in {400, 404}
    batch, answered, engine = solve(source, out)  # nothing is left, however often it is called
    assert (batch, answered, engine.started) == ((3, 3), [], 0)


def test_a_line_without_an_end_costs_that_line(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LINE_BYTES", 10_000)
    long = row("x" * 35_000)
    for ending in ("\n", ""):
        source = write(tmp_path, row("first"), long, row("b"), long + "x" * 5001)
        source.write_text(source.read_text().removesuffix("\n") + ending)
        lines = list(read_lines(source))
        assert [line.number for line in lines] == [1, 2, 3, 4]
        assert [line.custom_id for line in lines] == ["first", None, "b", None]
        assert "longer than 10,000 bytes" in lines[1].body.message


def test_what_the_options_ask_for_is_within_the_limits(tmp_path):
    source, out = write(tmp_path, row("a")), tmp_path / "out.jsonl"
    _, answered, _ = solve(source, out, paths=300, max_tokens=4096)
    assert answered[0].paths == 300
