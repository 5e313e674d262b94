"""Which engine is opened, and with what."""

import pytest

from clc.engines.chat_options import ChatOptions
from clc.engines.factory import open_engine
from clc.engines.openai.engine import OpenAIEngine
from clc.errors import ConfigurationError
from clc.thoughts import Marks

URL = ["http://127.0.0.1:1/v1"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"engine": "gpt"}, "unknown engine 'gpt'; there are: auto, vllm"),
        ({"window": 0}, "window must be from 1 to 65536, not 0"),
        ({"engine": "openai"}, "needs a base URL"),
        ({"engine": "vllm", "base_urls": URL}, "goes with engine 'openai', not with 'vllm'"),
        ({"base_urls": URL, "time_out": 3}, "OpenAIEngine has no option 'time_out'.*timeout_s"),
        ({"base_urls": URL, "engine_args": {}}, "OpenAIEngine has no option 'engine_args'"),
    ],
)
def test_options_that_cannot_be_right_are_refused(options, says):
    with pytest.raises(ConfigurationError, match=says):
        open_engine("m", **options)


def test_chat_options_and_marks_reach_the_engine():
    options, marks = ChatOptions(thinking="on"), Marks(())
    engine = open_engine("m", base_urls=URL, chat_options=options, marks=marks, timeout_s=3)
    assert isinstance(engine, OpenAIEngine)
    assert (engine.chat_options, engine._marks, engine._timeout_s) == (options, marks, 3)
