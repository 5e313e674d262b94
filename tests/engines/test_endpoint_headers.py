"""Headers of endpoints: what no request can carry is refused before anything is sent."""

import pytest

from clc.engines.engine_file import load_engine_file
from clc.engines.openai.error_bodies import read_json
from clc.errors import ConfigurationError

START = 'model = "m"\n[[endpoint]]\nurl = "http://127.0.0.1:9/v1"\n'


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('headers = { Content-Length = "3" }', "'Content-Length' belongs to the connection"),
        ('headers = { Transfer-Encoding = "chunked" }', "belongs to the connection"),
        ('headers = { "bad name" = "3" }', "'bad name' is no name of an HTTP header"),
        ('key = "GOOD"\nkey_header = "bad header:"', "'bad header:' is no name"),
        ('key = "GOOD"\nkey_header = "Content-Length"', "belongs to the connection"),
        ('key_header = "api-key"', "there is no key for it"),
        ('key = "GOOD"\nheaders = { authorization = "x" }', "is the header of the key"),
        ('key = "BROKEN"', "holds a character"),
    ],
)
def test_bad_headers_are_named_with_file_and_line(lines, message, tmp_path, monkeypatch):
    monkeypatch.setenv("GOOD", "sk-1")
    monkeypatch.setenv("BROKEN", "sk\n1")
    file = tmp_path / "e.toml"
    file.write_text(START + lines + "\n")
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_engine_file(file)
    assert str(caught.value).startswith(f"{file}:")


def test_half_a_surrogate_pair_is_a_sign_in_the_text():
    body = rb'{"text": "bad \ud800 text", "pair": "\ud83d\ude00", "end": "\udc00"}'
    assert read_json(body) == {"text": "bad \ufffd text", "pair": "\U0001f600", "end": "\ufffd"}
    assert read_json(rb'{"text": "\ud800"') is None
