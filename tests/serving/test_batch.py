"""A batch: what its output may hold, and how it goes on."""

import os
import tracemalloc
from pathlib import Path

import pytest

from clc.errors import ConfigurationError, DatasetError, InputError, StoreError
from clc.serving.batch import open_batch
from clc.serving.batch_lines import read_lines
from clc.serving.batch_output import Output
from clc.serving.errors import ApiError
from tests.engines.scripted import ScriptedEngine

from .batches import row, rows, solve, write
from .test_completions import body, make


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


def test_a_corrected_line_needs_a_retry(tmp_path):
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


def test_what_the_options_ask_for_is_within_the_limits(tmp_path):
    source, out = write(tmp_path, row("a")), tmp_path / "out.jsonl"
    _, answered, _ = solve(source, out, paths=300, max_tokens=4096)
    assert answered[0].paths == 300
