"""Files of languages: values that nothing could use."""

import pytest

from clc.errors import TemplateError
from clc.languages.files import read_language_files


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('script = "Foo"', "script is 'Foo', no script of ISO 15924; write its code"),
        ('script = "latn"', "script is 'latn', no script of ISO 15924; did you mean 'Latn'"),
        ("script = 3", "script is 3; write a text"),
        ('locale = "xx_nope"', "locale is 'xx_nope', no locale of CLDR"),
        ('locale = "x"', "locale is 'x', no locale of CLDR"),
    ],
)
def test_what_cldr_does_not_know_is_refused(tmp_path, line, why):
    path = tmp_path / "languages" / "qu.toml"
    path.parent.mkdir()
    path.write_text(line)
    with pytest.raises(TemplateError) as refused:
        read_language_files(tmp_path)
    assert str(refused.value).startswith(f"{path}: {why}")


def test_scripts_and_locales_of_cldr_are_taken(tmp_path):
    path = tmp_path / "languages" / "qu.toml"
    path.parent.mkdir()
    for locale in ("qu", "qu_PE", "zh-Hant"):
        path.write_text(f'script = "Latn"\nlocale = "{locale}"\n')
        (file,) = read_language_files(tmp_path)
        assert file.tables == {"script": "Latn", "locale": locale}
