"""Schemathesis on the server's own OpenAPI document: no 5xx, and nothing that it does not say."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from .serving import http, serving

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="needs schemathesis")
@pytest.mark.slow
def test_the_server_does_what_its_document_says(tmp_path):
    with serving(limits={"deadline_s": 30}) as it:
        base = it.url.removesuffix("/v1")
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "run", f"{base}/openapi.json", "--seed", "1",
             "--max-examples", "40", "--no-color", "--checks", ",".join(CHECKS)],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=280,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr
        assert http(it).get("/health").status_code == 200


def test_the_document_names_models_errors_and_the_key():
    with serving(keys=("a-key-of-ours",)) as it:
        document = (
            http(it, headers={"Authorization": "Bearer a-key-of-ours"}).get("/openapi.json").json()
        )
    chat = document["paths"]["/v1/chat/completions"]["post"]
    assert {"200", "400", "401", "408", "413", "429", "502", "503"} <= set(chat["responses"])
    body = document["components"]["schemas"]["ChatRequest"]
    assert "clc:sc" in body["properties"]["model"]["enum"]
    assert body["additionalProperties"] is False
    assert document["security"] == [{"key": []}]
