"""The real LangChain: our chat model in chains, and its OpenAI client against our server."""

import asyncio
import runpy

import pytest

from clc.errors import InputError
from tests.cli.running import ROOT
from tests.serving.serving import serving

from .running import MODEL, QUESTION, framework, url  # noqa: F401 - a fixture

pytestmark = pytest.mark.filterwarnings("ignore")
framework("langchain_core", "langchain")
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage  # noqa: E402
from langchain_core.output_parsers import StrOutputParser  # noqa: E402
from langchain_core.prompts import ChatPromptTemplate  # noqa: E402

from clc.serving.integrations.langchain import ChatClc  # noqa: E402


@pytest.fixture
def chat(url, monkeypatch):  # noqa: F811
    monkeypatch.setenv("OPENAI_API_KEY", "unused")
    model = ChatClc(**MODEL, base_url=url)
    yield model
    model.close()


def test_one_reply(chat):
    reply = chat.invoke(QUESTION)
    assert isinstance(reply, AIMessage)
    assert "Answer: " in reply.content
    assert reply.response_metadata["clc"]["paths"] == 3
    assert reply.response_metadata["finish_reason"] == "stop"
    spent = reply.usage_metadata
    assert spent["total_tokens"] == spent["input_tokens"] + spent["output_tokens"] > 0


def test_chains_batches_and_streams(chat):
    chain = ChatPromptTemplate.from_messages([("user", "{question}")]) | chat | StrOutputParser()
    questions = [{"question": f"What is {n} and 4?"} for n in range(20)]
    replies = chain.batch(questions)
    assert len(replies) == 20
    assert asyncio.run(chain.abatch(questions)) == replies
    assert "".join(chain.stream(questions[0])) == replies[0]


def test_a_conversation(chat):
    turns = [SystemMessage("Be brief."), HumanMessage("What is 1 and 1?"), AIMessage("Answer: 2"),
             HumanMessage("Und was ist 3 und 4 zusammen?")]  # fmt: skip
    assert chat.invoke(turns).response_metadata["clc"]["question_language"] == "de"


def test_a_call_says_more(chat):
    reply = chat.invoke(QUESTION, clc={"paths": 2}, seed=5)
    assert reply.response_metadata["clc"]["paths"] == 2
    assert reply.response_metadata["clc"]["seed"] == 5


def test_what_cannot_be_honoured_is_refused(chat):
    with pytest.raises(InputError, match="no tools are called here"):
        chat.invoke(QUESTION, tools=[{"type": "function"}])
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with pytest.raises(InputError, match="only text is read here"):
        chat.invoke([HumanMessage([image])])
    with pytest.raises(InputError, match="unknown strategy 'nosuch'"):
        ChatClc(**MODEL, strategy="nosuch")


def test_their_client_against_our_server():
    openai = framework("langchain_openai", "langchain")
    with serving() as it:
        chat = openai.ChatOpenAI(model="clc", base_url=it.url, api_key="unused")
        reply = chat.invoke(QUESTION)
        streamed = list(chat.stream(QUESTION))
        more = chat.invoke(QUESTION, extra_body={"clc": {"paths": 3}})
    assert "Answer: 7" in reply.content
    assert reply.usage_metadata["total_tokens"] > 0
    assert "".join(chunk.content for chunk in streamed) == reply.content
    assert "Answer: " in more.content


@pytest.mark.engine
@pytest.mark.usefixtures("only_bundled_vllm")
def test_the_example_with_the_bundled_model(capsys):
    runpy.run_path(str(ROOT / "examples/langchain_chat.py"), run_name="__main__")
    first, second = capsys.readouterr().out.splitlines()
    for line in (first, second):
        answer, support, _, total = line.split()[:4]
        assert answer.isdigit()
        assert 0 < int(support) <= int(total) <= 11
