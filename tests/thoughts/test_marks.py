"""The table of marks: ours, a user's before it, and what is wrong with a file."""

import dataclasses

import pytest

from clc.errors import TemplateError
from clc.thoughts import load_marks, split
from clc.thoughts.mark_files import own_marks_key

BUNDLED = load_marks()


def test_the_table_is_frozen_and_read_once():
    assert load_marks() is BUNDLED
    with pytest.raises(dataclasses.FrozenInstanceError):
        BUNDLED.families[0].name = "x"  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        BUNDLED.families = ()  # type: ignore[misc]


def test_names_and_marks_are_not_repeated():
    names = [family.name for family in BUNDLED.families]
    assert len(set(names)) == len(names)
    marks = [(mark, family.name) for family in BUNDLED.families for mark in family.open]
    assert len({mark.casefold() for mark, _ in marks}) == len(marks)


@pytest.mark.parametrize("family", BUNDLED.families, ids=lambda family: family.name)
def test_every_mark_of_every_family_splits(family):
    for opening in (*family.open, *(f"{word}5" for word in family.bare_open)):
        for closing in (*family.close, *family.bare_close):
            result = split(f"{opening} is it 5? No.{closing}Six.")
            assert (result.visible, result.closed) == ("Six.", True), (opening, closing)
        assert split(f"{opening} is it 5?").closed is False


def test_a_folder_without_the_file_has_ours(tmp_path):
    assert load_marks(tmp_path) is BUNDLED


def test_a_users_marks_come_first(tmp_path):
    (tmp_path / "thoughts.toml").write_text(
        '[[marks]]\nname = "mind"\nopen = ["<mind>"]\nclose = ["</mind>"]\n'
        '[[marks]]\nname = "reasoning"\nopen = ["<reason>"]\nclose = ["</reason>"]\n',
        encoding="utf-8",
    )
    marks = load_marks(tmp_path)
    assert [family.name for family in marks.families[:2]] == ["mind", "reasoning"]
    assert len(marks.families) == len(BUNDLED.families) + 1
    assert split("<mind>5?</mind>6", marks) == ("5?", "6", True)
    assert split("<reason>5?</reason>6", marks).visible == "6"
    assert split("<reasoning>5?</reasoning>6", marks).closed is None  # theirs replaces ours
    assert split("<think>5?</think>6", marks).visible == "6"
    assert split("<mind>5?</mind>6").closed is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[marks]\n", "thoughts.toml:1: not TOML"),
        ("[think]\nopen = []\n", r"\[think\] is none of \[\[marks\]\], \[\[turns\]\]"),
        ("marks = 3\n", "marks is no list of tables"),
        ('[[marks]]\nopen = ["<a>"]\n', r"\[\[marks\]\] 1: name = None is no name"),
        ('[[marks]]\nname = "a"\nopne = ["<a>"]\n', r"\[\[marks\]\] 1: unknown 'opne'; known are name, open, close"),
        ('[[marks]]\nname = "a"\nopen = "<a>"\n', r"1 \(a\): open = '<a>' is no list of texts"),
        ('[[marks]]\nname = "a"\nopen = ["<"]\nclose = ["</a>"]\n', "open holds '<'; a mark has two characters or more"),
        ('[[marks]]\nname = "a"\nopen = [3]\nclose = ["</a>"]\n', "open holds 3"),
        ('[[marks]]\nname = "a"\nopen = ["think:"]\nclose = ["</a>"]\n', "begins like a word; give it as bare_open"),
        ('[[marks]]\nname = "a"\nopen = ["<a>"]\n', "open without close: no thought would ever end"),
        ('[[marks]]\nname = "a"\nspecial = "yes"\n', "special = 'yes' is neither true nor false"),
        ('[[turns]]\nothers = ["<u>"]\n', r"\[\[turns\]\] 1: unknown 'others'"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file(tmp_path, text, message):
    (tmp_path / "thoughts.toml").write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=message):
        load_marks(tmp_path)


def test_the_key_of_a_users_marks_stays(tmp_path):
    """It is part of the fingerprints of stored runs."""
    (tmp_path / "thoughts.toml").write_text(
        '[[marks]]\nname = "mind"\nopen = ["<mind>"]\nclose = ["</mind>"]\n', encoding="utf-8"
    )
    assert own_marks_key(load_marks(tmp_path)) == "0ff92b3b1848"
