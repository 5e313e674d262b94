"""``clc view``: the report's page from a server on this machine."""

import html
import os
import re
import signal
import threading
import urllib.error
import urllib.request
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer

import pytest

from clc.analysis.report import write
from clc.analysis.report.page_server import page_server
from tests.analysis.report.conftest import report

from .running import call, start


@pytest.fixture
def served(run):
    page = report(run, run / "report.html", most_inline=100).page
    server = page_server(page, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], page
    server.shutdown()
    server.server_close()


def get(port, path, host="127.0.0.1"):
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={"Host": f"{host}:{port}"})
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_only_the_report_is_served(served):
    port, page = served
    assert get(port, "/") == get(port, "/report.html") == (200, page.read_bytes())
    (part,) = write.data_folder(page).iterdir()
    assert get(port, f"/report.data/{part.name}") == (200, part.read_bytes())
    (page.parent / "report.data" / "secret.txt").write_text("no")
    for path in ("/run.sqlite", "/manifest.json", "/report.data/", "/report.data",
                 "/report.data/secret.txt", "/report.data/../run.sqlite", "/../report.html",
                 "/report.data/%2e%2e/run.sqlite", "//etc/passwd", "/etc/passwd"):  # fmt: skip
        assert get(port, path)[0] == 404, path
    assert get(port, "/", host="somewhere.example")[0] == 403
    assert get(port, "/", host="localhost")[0] == 200


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_view_serves_until_it_is_interrupted(run, number, tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    process = start("view", run, "--no-browser")
    try:
        line = process.stdout.readline()
        url = re.search(r"http://127\.0\.0\.1:\d+/", line)[0]
        assert line == f"The report of {run} is at {url} - Ctrl-C ends this\n"
        with urllib.request.urlopen(url, timeout=120) as answer:
            assert answer.read() == report(run, tmp_path / "report.html").page.read_bytes()
        assert not (run / "report.html").exists()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{url}run.sqlite", timeout=120)
    finally:
        process.send_signal(number)
        _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors
    assert errors == ""
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_port_that_is_taken(served, run):
    port, _ = served
    done = call("view", run, "--port", port, "--no-browser")
    assert done.returncode == 2
    assert f"port {port} of 127.0.0.1" in done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "LOCALHOST:1", "localhost"])
def test_a_host_needs_no_port(run, host):
    page = report(run, run / "report.html").page
    server = page_server(page, 0)
    threading.Thread(target=server.handle_request, daemon=True).start()
    connection = HTTPConnection("127.0.0.1", server.server_address[1])
    connection.request("GET", "/", headers={"Host": host})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, page.read_bytes())
    connection.close()
    server.server_close()


def _page_of_the_future(run, _):
    (run / "report.html").write_text("<script>steal()</script>")
    os.utime(run / "report.html", (2e9, 2e9))


HOSTILE = {
    "a page": lambda run, secret: (run / "report.html").write_text("<script>steal()</script>"),
    "a link": lambda run, secret: (run / "report.html").symlink_to(secret),
    "a page of the future": _page_of_the_future,
    "a folder": lambda run, secret: (run / "report.html").mkdir(),
    "a FIFO": lambda run, secret: os.mkfifo(run / "report.html"),
    "texts": lambda run, secret: (
        (run / "report.data").mkdir(),
        (run / "report.data" / "0.js").symlink_to(secret),
    ),
    "a folder of texts": lambda run, secret: (run / "report.data").symlink_to(secret.parent),
    "nothing to write into": lambda run, secret: run.chmod(0o500),
    "a page nobody may read": lambda run, secret: (run / "report.html").touch(0o000),
    "a temporary folder": lambda run, secret: (run / "tmp").symlink_to(secret.parent),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.slow
def test_view_shows_its_own_page_whatever_lies_in_the_folder(run, kind, tmp_path, monkeypatch):
    secret = tmp_path / "home" / "0.js"
    secret.parent.mkdir()
    secret.write_text("secret")
    HOSTILE[kind](run, secret)
    before = {path: path.lstat() for path in run.rglob("*") if "sqlite-" not in path.name}
    seen = {}

    def serve(self):
        threading.Thread(target=ThreadingHTTPServer.serve_forever, args=(self,)).start()
        seen[""] = get(self.server_address[1], "/")
        seen["part"] = get(self.server_address[1], "/report.data/0.js")
        self.shutdown()

    monkeypatch.setattr("clc.analysis.report.page_server.PageServer.serve_forever", serve)
    done = call("view", run, "--no-browser")
    run.chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert seen[""][0] == 200
    assert seen[""][1].startswith(b"<!doctype html>")
    assert b"steal()" not in seen[""][1]
    assert seen["part"][0] == 404
    after = {path: path.lstat() for path in run.rglob("*") if "sqlite-" not in path.name}
    assert {path: (old.st_ino, old.st_mtime_ns) for path, old in before.items()} == {
        path: (new.st_ino, new.st_mtime_ns) for path, new in after.items()
    }


def test_links_beside_a_page_are_not_served(run, tmp_path):
    (tmp_path / "secret").write_text("secret")
    page = report(run, run / "report.html", most_inline=100).page
    server = page_server(page, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    (part,) = write.data_folder(page).iterdir()
    (part.parent / "aa.js").symlink_to(tmp_path / "secret")
    assert get(port, "/report.data/aa.js")[0] == 404
    part.parent.rename(tmp_path / "moved")
    part.parent.symlink_to(tmp_path / "moved")
    assert get(port, f"/report.data/{part.name}")[0] == 404
    page.unlink()
    page.symlink_to(tmp_path / "secret")
    assert get(port, "/")[0] == 404
    page.unlink()
    os.mkfifo(page)
    assert get(port, "/")[0] == 404
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("most_inline", [100, 10**9])
def test_the_server_sends_the_policy_of_the_page(run, most_inline):
    page = report(run, run / "report.html", most_inline=most_inline).page
    server = page_server(page, 0)
    threading.Thread(target=server.handle_request, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    with urllib.request.urlopen(url, timeout=120) as answer:
        policy = answer.headers["Content-Security-Policy"]
    server.server_close()
    own, _, frames = policy.rpartition("; ")
    assert frames == "frame-ancestors 'none'"
    assert html.escape(own).replace("&#x27;", "&#39;") in page.read_text("utf-8")
    assert ("'strict-dynamic'" in own) == (most_inline == 100)


@pytest.mark.parametrize(
    ("error", "printed"), [(ConnectionResetError(), False), (ValueError(), True)]
)
def test_a_connection_that_the_browser_closes_is_no_error(run, error, printed, capsys):
    server = page_server(report(run, run / "report.html").page, 0)
    try:
        raise error
    except (ConnectionError, ValueError):
        server.handle_error(None, ("127.0.0.1", 1))
    server.server_close()
    assert ("Traceback" in capsys.readouterr().err) == printed
