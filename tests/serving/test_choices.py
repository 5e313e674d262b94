"""Votes that choose a path, and paths without a translation, in replies of the server."""

import pytest

from tests.solving.test_semantic_clusters import TEXTS, Writes
from tests.solving.test_untranslated import Mistranslates

from .serving import FRAGE, ask, client, serving


@pytest.mark.parametrize("strategy", ["mbr", "semantic"])
def test_the_text_of_the_chosen_path_is_the_reply(strategy):
    defaults = {"strategy": strategy, "languages": None, "paths": 4}
    with serving(Writes(), defaults=defaults) as running:
        body = {"model": "clc", "messages": ask("Why does ice float?")}
        reply = client(running).chat.completions.create(**body)
    votes = reply.model_extra["clc"]
    assert votes["answer"] in TEXTS
    assert reply.choices[0].message.content == votes["answer"]
    if strategy == "semantic":
        assert votes["answer"] == TEXTS[0]
        assert (votes["support"], votes["total"]) == (2, 4)
        assert votes["entropy"] == pytest.approx(1.04, abs=0.01)
    else:
        assert votes["entropy"] is None


def test_paths_without_a_translation_are_stated():
    with serving(Mistranslates("Chinese"), defaults={"paths": 6}) as running:
        reply = client(running).chat.completions.create(model="clc", messages=ask(FRAGE))
    votes = reply.model_extra["clc"]
    assert votes["paths"] == 6
    assert votes["untranslated"] == {
        "rule": "give", "paths": {"zh": 2}, "given_to": {"en": 1, "de": 1},
    }  # fmt: skip


def test_the_servers_rule_holds_for_requests():
    defaults = {"paths": 6, "untranslated": "abstain"}
    with serving(Mistranslates("Chinese"), defaults=defaults) as running:
        reply = client(running).chat.completions.create(model="clc", messages=ask(FRAGE))
    votes = reply.model_extra["clc"]
    assert (votes["paths"], votes["untranslated"]) == (4, None)
