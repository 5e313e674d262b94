"""Engine files: what is read, what is refused with its place, and the engine that is made."""

import json
import pickle

import pytest

from clc.engines.chat_options import ChatOptions
from clc.engines.engine_file import EngineSpec, load_engine_file
from clc.engines.engine_file.lines import find_lines
from clc.engines.engine_file.parse import parse_arguments
from clc.engines.openai.endpoint_spec import EndpointSpec
from clc.engines.vllm.engine import VllmEngine
from clc.errors import ConfigurationError

ENDPOINT = 'model = "m"\n[[endpoint]]\nurl = "http://127.0.0.1:1/v1"\n'


@pytest.fixture
def write(tmp_path):
    def write(text, name="engine.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_whole_file_becomes_one_frozen_record(write, monkeypatch):
    monkeypatch.setenv("FIRST_KEY", "sk-first")
    spec = load_engine_file(
        write(
            """
engine = "openai"
model = "big"
revision = "2"
[args]
max_attempts = 3
[chat]
enable_thinking = true
system = "Be brief."
reasoning_effort = "low"
[chat.template_kwargs]
style = "kurz"
[sampling]
temperature = 1
stop = ["###"]
[body]
user = "me"
[[endpoint]]
url = "http://h:1/v1/"
key = "FIRST_KEY"
key_header = "api-key"
requests_per_minute = 60
headers = { "X-Team" = "blue" }
query = { "api-version" = "2024-10-21" }
[[endpoint]]
url = "http://h:2/v1"
[prices]
prompt = 1
completion = 4.0
[translator.chat]
thinking = false
"""
        )
    )
    chat = ChatOptions(
        template_kwargs={"style": "kurz", "enable_thinking": True},
        reasoning_effort="low",
        system="Be brief.",
    )
    assert spec.chat == chat
    assert spec.endpoints == (
        EndpointSpec(
            "http://h:1/v1",
            "FIRST_KEY",
            "api-key",
            {"X-Team": "blue"},
            {"api-version": "2024-10-21"},
            requests_per_minute=60,
        ),
        EndpointSpec("http://h:2/v1"),
    )
    assert spec.sampling == {"temperature": 1.0, "stop": ("###",)}
    assert (spec.args, spec.body) == ({"max_attempts": 3}, {"user": "me"})
    assert spec.prices.cost(1_000_000, 1_000_000) == 5
    assert isinstance(spec.translator, ChatOptions)
    assert (spec.translator.thinking, spec.translator.reasoning_effort) == ("off", None)
    assert spec.translator.template_kwargs == {"style": "kurz"}
    assert pickle.loads(pickle.dumps(spec)) == spec
    engine, translator = spec.open_both()
    assert engine.fingerprint.startswith('openai:big@2 {"user":"me"}+chat-')
    assert translator.fingerprint != engine.fingerprint


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("model = [", r"engine\.toml:1: not TOML in UTF-8"),
        ('model = "clc-tiny"\nmodle = "m"', r":2: modle: unknown key 'modle': the nearest one is 'model'"),
        ('engine = "vlm"', r":1: engine: 'vlm' is no engine, such as 'vllm'"),
        ('engine = "openai"\nmodel = "m"', r":1: engine: engine 'openai' needs an \[\[endpoint\]\]"),
        ('[[endpoint]]\nurl = "http://h/v1"', "model: give the name by which"),
        (ENDPOINT + "[args]\ngpu_memory_utilization = 0.7", (r":5: args\.gpu_memory_utilization: engine "
         "openai has no argument 'gpu_memory_utilization', which is one of engine vllm: leave it")),
        (ENDPOINT + "[args]\ntimeout = 3", r":5: args\.timeout: .*nearest one is 'timeout_s'"),
        (ENDPOINT + '[args]\nmax_attempts = "six"', (r":5: args\.max_attempts: max_attempts is 'six': "
         "give a value of type int")),
        (ENDPOINT + 'lora = "x"', r":4: endpoint 1: lora: unknown key"),
        ('lora = "x"\n' + ENDPOINT, r":1: lora: goes with engines 'vllm' and 'transformers', and this is 'openai'"),
        ('engine = "vllm"\n[body]\nuser = "me"', r":2: body: goes with engine 'openai'"),
        ('engine = "vllm"\n' + ENDPOINT, r":3: endpoint: goes with engine 'openai'"),
        ('model = "/no/such/folder"', r":1: model: model '/no/such/folder': there is no such folder"),
        (ENDPOINT + 'key = "NO_SUCH_VARIABLE_18"', (r":4: endpoint 1: key: the environment variable "
         "NO_SUCH_VARIABLE_18 is not set: export")),
        (ENDPOINT + 'key = "sk-12-34"', r":4: endpoint 1: key: it is the name of an environment"),
        (ENDPOINT + 'api_key = "K"', r":4: endpoint 1: api_key: unknown key 'api_key': the nearest"),
        (ENDPOINT + 'server = "vlm"', r":4: endpoint 1: server: 'vlm' is none: choose vllm or sglang or llamacpp"),
        (ENDPOINT + "window = 0", r":4: endpoint 1: window: is 0: give a whole number above 0"),
        ('model = "m"\n[[endpoint]]\nurl = "h:80/v1"', r":3: endpoint 1: url: the base URL"),
        (ENDPOINT + "[body]\nmessages = []", r":5: body\.messages: extra_body sets 'messages'"),
        (ENDPOINT + "[sampling]\ntemperature = 3", r":5: sampling\.temperature: temperature must be"),
        (ENDPOINT + "[sampling]\ntempertaure = 1", r":5: sampling\.tempertaure: unknown key"),
        (ENDPOINT + "[sampling]\nmodel = true", r":5: sampling\.model: an endpoint does not show"),
        (ENDPOINT + "[prices]\nprompt = -1\ncompletion = 1", r":5: prices\.prompt: is -1: give the"),
        (ENDPOINT + "[prices]\nprompt = 1", r":4: prices: completion is missing"),
        (ENDPOINT + '[chat]\ntemplate = "t.jinja"', r":5: chat\.template: 't\.jinja': there is no"),
        (ENDPOINT + "[chat]\nenable_thinking = 3", r":5: chat\.enable_thinking: give true or false"),
        (ENDPOINT + '[chat]\nsystem = "Be brief."\nthinking = "x"',
         r":6: chat\.thinking: thinking is 'x': choose"),
        (ENDPOINT + "[chat]\nthinking_budget = 0", r":5: chat\.thinking_budget: .* not 0"),
        (ENDPOINT + "[chat]\nreasoning_effort = 5", r":5: chat\.reasoning_effort: .* is 5: give a"),
        (ENDPOINT + "[chat]\n[chat.template_kwargs]\nx = nan",
         r":5: chat\.template_kwargs: the variable 'x' of the chat template is nan"),
        (ENDPOINT + '[chat]\nthinking = "off"\nthinking_budget = 9', ":4: chat: thinking is 'off' and"),
        (ENDPOINT + "[body]\npenalty = nan", r":5: body\.penalty: .*'penalty' to nan, which JSON"),
        (ENDPOINT + "[body]\na = [1, { b = -inf }]", r":5: body\.a: .* which JSON cannot express"),
        (ENDPOINT + "[body]\nday = 2020-01-01", r":5: body\.day: .* which JSON cannot express"),
        (ENDPOINT + "[args]\ntimeout_s = nan", r":5: args\.timeout_s: timeout_s is nan: give a"),
        (ENDPOINT + "[translator]\nmodel = 3", r":5: translator\.model: is 3: give a text"),
        (ENDPOINT + "[translator.sampling]\ntop_p = 1", "translator.sampling: unknown key"),
        (ENDPOINT + "chat = 3", "endpoint 1: chat: unknown key"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(write, text, says, monkeypatch):
    monkeypatch.delenv("NO_SUCH_VARIABLE_18", raising=False)
    with pytest.raises(ConfigurationError, match=says) as raised:
        load_engine_file(write(text))
    assert "sk-12-34" not in str(raised.value)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("{% for m in messages %}{{ m.content }}", r"mine\.jinja: line 1: "),
        ("{{ raise_exception('no users') }}", "it refuses one user message: no users"),
        ("{{ messages[3].content }}", "one user message cannot be rendered: UndefinedError"),
        ("Hello", "it leaves out the text of the message"),
    ],
)
def test_a_template_is_tried_on_one_message(write, template, says):
    write(template, "mine.jinja")
    path = write('engine = "transformers"\nmodel = "clc-tiny"\n[chat]\ntemplate = "mine.jinja"')
    with pytest.raises(ConfigurationError, match=f":4: chat.template: .*{says}"):
        load_engine_file(path)


def test_template_and_system_prompt_change_the_fingerprint_and_speed_does_not(write):
    write("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", "mine.jinja")
    base = 'engine = "vllm"\nmodel = "clc-tiny"\n'

    def fingerprint(text):
        return load_engine_file(write(base + text)).open().fingerprint

    plain = fingerprint("")
    assert fingerprint("[args]\ngpu_memory_utilization = 0.5\nwindow = 4") == plain
    others = {
        fingerprint('[chat]\ntemplate = "mine.jinja"'),
        fingerprint('[chat]\nsystem = "Be brief."'),
        fingerprint('[args]\nquantization = "fp8"'),
    }
    assert len(others | {plain}) == 4


def test_the_fingerprint_is_that_of_the_same_engine_without_a_file(write):
    from clc.engines.factory import open_engine

    spec = load_engine_file(
        write('engine = "vllm"\nmodel = "clc-tiny"\n[args]\nmax_model_len = 512')
    )
    assert spec.open().fingerprint == open_engine(engine="vllm", max_model_len=512).fingerprint
    assert EngineSpec().open().fingerprint == open_engine().fingerprint


def test_a_lora_adapter_is_hashed_with_its_weights(write, tmp_path):
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"r": 12}))
    (adapter / "adapter_model.safetensors").write_bytes(b"one")
    path = write('engine = "vllm"\nmodel = "clc-tiny"\nlora = "adapter"')
    engine = load_engine_file(path).open()
    assert isinstance(engine, VllmEngine)
    assert engine._args["max_lora_rank"] == 16
    before = engine.fingerprint
    (adapter / "adapter_model.safetensors").write_bytes(b"two")
    assert load_engine_file(path).open().fingerprint != before
    with pytest.raises(ConfigurationError, match="enable_lora without an adapter"):
        load_engine_file(
            write('engine = "vllm"\nmodel = "clc-tiny"\n[args]\nenable_lora = true')
        ).open()


def test_the_models_own_sampling_stands_below_the_files(write, tmp_path):
    from clc.engines.models import resolve_model

    model = tmp_path / "model"
    model.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (model / name).write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    values = {"temperature": 0.6, "top_k": 20, "do_sample": True, "eos_token_id": 1}
    (model / "generation_config.json").write_text(json.dumps(values))
    assert resolve_model(str(model)) == str(model)
    spec = load_engine_file(
        write(f'engine = "vllm"\nmodel = "{model}"\n[sampling]\nmodel = true\ntop_p = 0.95')
    )
    assert spec.sampling_settings() == {"temperature": 0.6, "top_k": 20, "top_p": 0.95}
    assert spec.with_settings({"temperature": 1.5, "paths": None}) == {
        "temperature": 1.5, "top_k": 20, "top_p": 0.95,
    }  # fmt: skip


def test_a_translator_may_be_another_engine(write):
    spec = load_engine_file(write(ENDPOINT + '[translator]\nmodel = "small"'))
    assert isinstance(spec.translator, EngineSpec)
    assert (spec.translator.model, spec.translator.endpoints) == ("small", spec.endpoints)
    assert spec.translator.chat.thinking == "avoid"
    _, translator = spec.open_both()
    assert translator.fingerprint == "openai:small"


def test_arguments_of_the_command_line_stand_above_the_files(write):
    path = write(ENDPOINT + "[args]\nmax_attempts = 2\nwindow = 3")
    spec = load_engine_file(path, parse_arguments(["max_attempts=5", "timeout_s=2.5"]))
    assert spec.args == {"max_attempts": 5, "window": 3, "timeout_s": 2.5}
    with pytest.raises(ConfigurationError, match=r"-E timeout: .*nearest one is 'timeout_s'"):
        load_engine_file(path, {"timeout": 3})


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["a"], "it reads NAME=VALUE"),
        (["a=1", "a=2"], "-E a is given twice"),
        (["=1"], "NAME=VALUE"),
    ],
)
def test_arguments_that_cannot_be_read_are_refused(texts, says):
    with pytest.raises(ConfigurationError, match=says):
        parse_arguments(texts)


def test_lines_are_found_in_nested_tables_and_texts_of_many_lines():
    text = 'a = """\nb = 1\n"""\nc.d = 2\n[e."f-g"]\nh = 3\n[[i]]\nj = 1\n[[i]]\n[i.k]\nl = 4'
    assert find_lines(text) == {
        "a": 1, "c.d": 4, "e.f-g": 5, "e.f-g.h": 6, "i.0": 7, "i.0.j": 8, "i.1": 9, "i.1.k": 10,
        "i.1.k.l": 11,
    }  # fmt: skip


def test_the_template_for_base_models_is_ours(write):
    from clc.engines.plain_prompt import BASE_TEMPLATE

    path = write('engine = "transformers"\nmodel = "clc-tiny"\n[chat]\ntemplate = "base"')
    assert load_engine_file(path).chat.template == BASE_TEMPLATE


def test_a_gguf_file_is_a_model_of_transformers(tmp_path, monkeypatch, write):
    from clc.engines import models

    file = tmp_path / "small.Q4.gguf"
    file.write_bytes(b"GGUF")
    monkeypatch.setattr(models, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="is a GGUF file: pip install gguf"):
        models.find_gguf(str(file))
    monkeypatch.setattr(models, "find_spec", lambda _: object())
    assert models.find_gguf(str(file)) == (str(tmp_path), "small.Q4.gguf")
    one = EngineSpec(engine="transformers", model=str(file)).open().fingerprint
    file.write_bytes(b"GGUF, others")
    assert EngineSpec(engine="transformers", model=str(file)).open().fingerprint != one
    with pytest.raises(ConfigurationError, match="engine transformers reads a GGUF file"):
        EngineSpec(engine="vllm", model=str(file)).open()
    assert load_engine_file(write(f'engine = "transformers"\nmodel = "{file}"')).model == str(file)
    with pytest.raises(
        ConfigurationError, match=r":2: model: .*\(engine transformers reads a GGUF"
    ):
        load_engine_file(write(f'engine = "vllm"\nmodel = "{file}"'))
    with pytest.raises(ConfigurationError, match="a GGUF file recommends no sampling: write"):
        EngineSpec("transformers", str(file), sampling_of_model=True).sampling_settings()
    monkeypatch.chdir(tmp_path)
    spec = EngineSpec(engine="transformers", model=file.name).with_absolute_folders()
    assert spec.model == str(file)


def test_an_error_of_vllm_is_told_from_a_refusal():
    from clc.engines.vllm.drivers import explain_failure

    class EngineGenerateError(Exception):
        pass

    def wrapped(cause):
        error = EngineGenerateError()
        error.__cause__ = cause
        return str(explain_failure(error))

    assert (
        wrapped(ValueError("prompt of 9 tokens")) == "vLLM refuses the request: prompt of 9 tokens"
    )
    assert (
        wrapped(RuntimeError("no kernel")) == "vLLM failed at the request: RuntimeError: no kernel"
    )
    assert wrapped(None) == "vLLM failed at the request: EngineGenerateError: EngineGenerateError"


def test_the_window_counts_every_data_parallel_rank():
    from types import SimpleNamespace

    from clc.engines.vllm.drivers import EngineLimits

    config = SimpleNamespace(
        model_config=SimpleNamespace(max_model_len=512, max_logprobs=20),
        scheduler_config=SimpleNamespace(max_num_seqs=64),
        parallel_config=SimpleNamespace(data_parallel_size=4),
    )
    config.model_config.get_vocab_size = lambda: 100
    assert EngineLimits.from_config(config) == EngineLimits(512, 256, 20)


def test_what_makes_the_engine_goes_to_other_processes(write):
    spec = load_engine_file(write(ENDPOINT + '[translator]\nmodel = "small"'))
    for maker in (spec.maker(), spec.translator_maker()):
        assert callable(maker)
        again = pickle.loads(pickle.dumps(maker))
        assert again().fingerprint == maker().fingerprint


@pytest.mark.parametrize("content", ["", "\n", "# model = 'm'\n"])
def test_an_empty_file_is_no_engine(tmp_path, content):
    path = tmp_path / "engine.toml"
    path.write_text(content)
    with pytest.raises(
        ConfigurationError, match=f"^{path}: nothing is in it; name at least a model"
    ):
        load_engine_file(path)
