"""Keys, secrets and addresses: what leads nowhere is refused, and no error shows a secret."""

import asyncio
import json

import pytest

from clc.engines.openai.connections import _tls, open_client
from clc.engines.openai.engine import OpenAIEngine
from clc.engines.openai.secrets import Secrets
from clc.errors import ConfigurationError, EngineError
from tests.engines.openai_engine import KEY, ask, request
from tests.engines.test_openai_hostile import FEW

from .faulty_replies import raw, status
from .faulty_server import FaultyServer


@pytest.mark.parametrize("before", [0, 1, 250, 270, 280, 290, 299, 300, 1100, 1190, 1199, 1200])
@pytest.mark.parametrize("shape", ["message", "detail", "text", "page", "location", "escaped"])
def test_a_key_at_any_place_of_an_error_is_hidden(before, shape):
    text = "y" * before + KEY
    error = json.dumps({"error": {"message": text}}).encode()
    replies = {
        "message": status(400, text),
        "detail": raw(json.dumps({"detail": [text]}).encode(), 500),
        "text": raw(text.encode(), 400),
        "page": raw(b" " * before + f"<p>{KEY}</p>".encode(), 200),
        "location": raw(b"", 302, {"Location": f"http://h/{text}"}),
        "escaped": raw(error.replace(KEY[:2].encode(), b"\\u0073k"), 400),
    }
    try:
        got, _ = ask(replies[shape], api_key=KEY, **FEW)
        shown = got.error
    except EngineError as caught:
        shown = str(caught)
    assert shown is not None
    for length in range(8, len(KEY)):
        assert KEY[:length] not in shown
        assert KEY[-length:] not in shown


def test_secrets_are_the_values_of_headers_in_every_form():
    secrets = Secrets({"Authorization": "Basic dXNlcjpwYXNz", "X-Key": 'a"b/c+d=e', "Content-Type":
                       "application/json", "X-Team": "x"})  # fmt: skip
    for text in (
        "dXNlcjpwYXNz",
        "Basic dXNlcjpwYXNz",
        'a"b/c+d=e',
        r"a\"b/c+d=e",
        "a%22b%2Fc%2Bd%3De",
    ):
        assert secrets.hide(f"say {text}.") == "say ***."
    plain = "the Basic scheme of x takes application/json"
    assert secrets.hide(plain) == plain
    assert "dXN" not in repr(secrets)
    assert secrets.quote("z" * 290 + "dXNlcjpwYXNz") == "z" * 290 + "***"
    assert secrets.quote(b"\xff " + b" " * 9000 + b"dXNlcjpwYXNz") == "\ufffd"


def test_a_key_goes_to_no_other_host():
    async def run():
        async with FaultyServer() as other:
            for code in (301, 302, 303, 307, 308):
                moved = raw(b"", code, {"Location": f"{other.url}/chat/completions"})
                async with FaultyServer(moved, models=moved) as server:
                    engine = OpenAIEngine("m", [server.url], api_key=KEY)
                    await engine.start()
                    with pytest.raises(EngineError, match="moved to"):
                        await engine.complete(request())
                    await engine.close()
            assert (other.requests, other.lists) == ([], 0)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:99999/v1", "its port is 99999"),
        ("http://127.0.0.1:65536/v1", "its port is 65536"),
        ("http://127.0.0.1:-1/v1", "its port is -1"),
        ("http://127.0.0.1:0/v1", "its port is 0"),
        ("http://xn--a/v1", "is no URL"),
        ("http://xn--zzzz--/v1", "is no URL"),
        ("http://\u2603.example/v1", "is no URL"),
        ("http://a..b/v1", "no name of a host"),
        (f"http://{'a' * 64}.example/v1", "no name of a host"),
        (f"http://{'a.' * 200}example/v1", "no name of a host"),
        ("http://a b/v1", "no name of a host"),
        ("http://[::1/v1", "is no URL"),
        ("http://999.1.1.1/v1", "is no URL"),
        ("http://h\x00/v1", "is no URL"),
        ("http://h/v1#fragment", "no #fragment"),
        ("http://h/v1#", "no #fragment"),
        ("http://h/v1?", "no \\?query"),
        ("http://h/v1?api-key=QSECRET", "no \\?query"),
        ("http://h:99999/v1?api-key=QSECRET", "its port is 99999"),
        ("http://h:x/v1?api-key=QSECRET#QSECRET", "is no URL"),
        ("http://h/v1#key=QSECRET", "no #fragment"),
        ("http://me:QSECRET@h/v1", "user or password"),
        ("http://me:QSECRET@h:99999/v1", "leads nowhere|user or password"),
        ("http://me:QSEC/QSECRET@h/v1", "seems to hold a password"),
        ("http://me:QSECRET@[::1/v1", "seems to hold a password"),
        ("ftp://me:QSECRET@h/v1", "user or password"),
    ],
)
def test_a_base_url_that_leads_nowhere_is_refused_without_its_secrets(url, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        OpenAIEngine("m", [url])
    assert "QSEC" not in str(caught.value)
    assert "http://localhost:8000/v1" in str(caught.value) or "base URL" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    ["http://[::1]:8000/v1", "http://gpu_1.local:8000/v1", "http://ä.example/v1", "http://h./v1",
     "HTTPS://Host.Example:443/v1", "http://h/models/@org/v1", "http://10.0.0.1/v1"],
)  # fmt: skip
def test_other_base_urls_stay_allowed(url):
    assert OpenAIEngine("m", [url]).base_urls == (url,)


@pytest.mark.parametrize(
    ("name", "setting", "words"),
    [
        ("ALL_PROXY", "socks5://QSECRET@127.0.0.1:1080", "socksio|no URL"),
        ("ALL_PROXY", "socks5h://127.0.0.1:1080", "pip install socksio"),
        ("HTTP_PROXY", "http://me:QSECRET@127.0.0.1:99999", "its port is 99999"),
        ("HTTPS_PROXY", "127.0.0.1:99999", "its port is 99999"),
        ("HTTPS_PROXY", "http://xn--a:1", "it is no URL"),
        ("ALL_PROXY", "http://[::1", "it is no URL"),
        ("ALL_PROXY", "ftp://me:QSECRET@h:1", "is none"),
        ("http_proxy", "http://a b:1", "no name of a host"),
        ("all_proxy", f"http://{'a' * 64}:1", "no name of a host"),
        ("NO_PROXY", "[::1", "is none"),
        ("SSL_CERT_FILE", "/no/such/file", "SSL_CERT_FILE=/no/such/file"),
        ("SSL_CERT_FILE", "/", "SSL_CERT_FILE=/"),
        ("SSL_CERT_FILE", "/etc/hostname", "SSL_CERT_FILE=/etc/hostname"),
        ("SSLKEYLOGFILE", "/no/such/file", "SSLKEYLOGFILE="),
    ],
)
def test_an_environment_that_cannot_be_used_is_an_error_that_names_it(
    monkeypatch, name, setting, words
):
    for other in ("NO_PROXY", "no_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, setting)
    _tls.cache_clear()
    with pytest.raises(ConfigurationError, match=words) as caught:
        open_client({})
    assert name in str(caught.value)
    assert "QSECRET" not in str(caught.value)
    monkeypatch.undo()
    _tls.cache_clear()
