"""``clc languages``, and faults in a user's files of languages."""

import json

import pytest

from .running import call


def folder(tmp_path, text, name="qu.toml"):
    (tmp_path / "languages").mkdir(exist_ok=True)
    (tmp_path / "languages" / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_list(tmp_path):
    done = call(
        "languages", "list", "--prompts", folder(tmp_path, '[prompt]\nlabel = "Kutichiy:"\n')
    )
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert lines["qu"].split() == ["qu", "Quechua", "prompt"]
    assert {"prompt", "answers", "numbers", "demonstrations"} <= set(lines["de"].split())
    assert "und" not in lines


def test_show_prints_the_file_and_a_users_before_it(tmp_path):
    prompts = folder(tmp_path, '[prompt]\nlabel = "Lösung:"\n', "de.toml")
    shown = call("languages", "show", "German", "--prompts", prompts).stdout
    assert shown.startswith(f'# {prompts}/languages/de.toml\n[prompt]\nlabel = "Lösung:"\n')
    assert shown.index("Lösung:") < shown.index("Denken wir Schritt für Schritt.")


def test_check_says_what_a_file_lacks_and_what_that_costs(tmp_path):
    done = call("languages", "check", folder(tmp_path, '[prompt]\nlabel = "Kutichiy:"\n'))
    assert done.returncode == 0
    file = f"{tmp_path}/languages/qu.toml: "
    for lack in (
        "[prompt] has no think, final, reason_in, only: English ones are used",
        "[answers] has no sorry, unable: a refusal is not known as one",
        "[numbers] has no cardinals: numbers in words are not read, digits are",
        "no demonstrations notebooks, bus,",
        "readers is none: no speaker has read it",
    ):
        assert file + lack in done.stdout
    assert "[answers] has no answer" not in done.stdout  # the label is one
    assert done.stdout.endswith("1 languages are read without error\n")


def test_check_of_a_users_file_counts_what_ours_has(tmp_path):
    done = call("languages", "check", folder(tmp_path, '[prompt]\nlabel = "Lösung:"\n', "de.toml"))
    assert "[prompt]" not in done.stdout
    assert "[answers]" not in done.stdout


def test_our_files_are_without_fault():
    done = call("languages", "check")
    assert done.returncode == 0, done.stderr
    assert "languages are read without error" in done.stdout


FAULTS = [
    ('[answrs]\nanswer = ["a"]', "unknown table [answrs]; did you mean 'answers'?"),
    ('[answers]\nanswr = ["kutichiy"]', "[answers] has unknown key 'answr'; did you mean 'answer'?"),
    ('[answers]\nanswer = "kutichiy"', "[answers] answer is 'kutichiy'; write a list of texts"),
    ("[answers]\nanswer = [3]", "[answers] answer holds a word that is 3; write a text"),
    ('[answers]\nanswer = ["kuti(chiy"]', "[answers] answer holds 'kuti(chiy', no regular expression: "),
    ('[answers]\nanswer = [".*"]', "[answers] answer holds '.*'; begin it with a letter"),
    ('[answers]\nanswer = ["(kuti"]', "holds '(kuti', with a parenthesis that does not close; write"),
    ('[answers]\nanswer = ["kuti+"]', "with '+' after a letter; write \"(a|b)\" for alternatives"),
    ('[answers]\nanswer = ["kuti{2}"]', "with '{2}' after a letter; write"),
    ('answers = ["kutichiy"]', "answers is ['kutichiy']; write a table [answers]"),
    ('[units.tiem]\nhour = ["ura"]', "[units] has unknown key 'tiem'; did you mean 'time'?"),
    ('[units.time]\nhuor = ["ura"]', "[units.time] has unknown key 'huor'; did you mean 'hour'?"),
    ('[options]\nletters = ["a*|"]', "[options] letters holds 'a*|'; write letters"),
    ('[options]\nnouns = ["(k"]', "[options] nouns holds '(k', no regular expression: "),
    ('[powers]\npower = ["(k N"]', "[powers] power holds '(k N', no regular expression: "),
    ("[prompt]\nlabel = 3", "[prompt] label is 3; write a text"),
    ("prompt = 3", "prompt is 3"),
    ("[answers", "not TOML"),
    ('[demonstrations.bus]\nquestion = ["?"]\nsteps = ["1"]', "[demonstrations.bus] has 1 sentences in 'qu' and 3 in 'en'"),
    ('[demonstrations.llama]\nquestion = ["?"]\nsteps = ["1"]', "[demonstrations.llama] answer is None"),
    ('[demonstrations.llama]\nanswer = "1"\nquestion = ["?"]\nsteps = ["1"]', "/languages/en.toml; every problem needs English"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "why"), FAULTS, ids=lambda value: value[:30])
def test_a_fault_is_named_before_anything_is_read(tmp_path, text, why):
    prompts = folder(tmp_path, text + "\n")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"id": "a", "language": "qu", "response": "Answer: 1"}) + "\n")
    commands: list[tuple[object, ...]] = [("languages", "check", prompts)]
    if "demonstrations" not in text:
        commands += [(one, rows, "--prompts", prompts) for one in ("vote", "extract")]
    for command in commands:
        done = call(*command)
        assert done.returncode == 2, command
        assert f"{prompts}/languages/qu.toml" in done.stderr
        assert why in done.stderr
        assert done.stdout == ""


def test_a_name_that_is_no_language_and_two_files_of_one(tmp_path):
    done = call("languages", "check", folder(tmp_path, "", "xx.toml"))
    assert (done.returncode, "xx.toml: unknown language 'xx'" in done.stderr) == (2, True)
    (tmp_path / "languages" / "xx.toml").unlink()
    folder(tmp_path, "", "iw.toml")
    done = call("languages", "check", folder(tmp_path, "", "he.toml"))
    assert "iw.toml: he.toml is of the same language, 'he'" in done.stderr


def test_what_is_not_there_is_named(tmp_path):
    assert "there is no file of 'qu'; there are: " in call("languages", "show", "qu").stderr
    assert "no files CODE.toml of languages" in call("languages", "check", tmp_path).stderr
    assert "no such folder" in call("languages", "check", tmp_path / "none").stderr


@pytest.mark.parametrize("wrong", ["{foo}", "{name.__class__}", "{", "{name"])
def test_a_placeholder_that_no_instruction_has_is_named(tmp_path, wrong):
    prompts = folder(tmp_path, f'[prompt]\nthink = "Think in {{name}}. {wrong}"\n', "und.toml")
    for command in (
        ("languages", "check", prompts),
        ("prompts", "check", "--prompts", prompts),
        ("ask", "1 + 1?", "--languages", "en", "--prompts", prompts),
    ):
        done = call(*command)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert f"und.toml: [prompt] think holds {wrong!r}; the only placeholder is" in done.stderr


def test_a_folder_may_hold_und_alone(tmp_path):
    prompts = folder(tmp_path, '[prompt]\nthink = "Reason in {name}, please."\n', "und.toml")
    assert call("languages", "check", prompts).returncode == 0
