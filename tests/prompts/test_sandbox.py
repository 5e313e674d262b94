"""A template of the user's cannot take all time or all memory, and ordinary ones notice nothing."""

import tracemalloc

import pytest

from clc.errors import TemplateError
from clc.prompts.sandbox import MOST_CHARACTERS
from clc.prompts.template import PromptTemplate

R = "range(100000)"
HUNGRY = [
    "{% for a in R %}{% for b in R %}{% endfor %}{% endfor %}",
    "{% for a in R %}{% for b in R %}x{% endfor %}{% endfor %}",
    "{% for a in R %}{% for b in question * 1000 %}{% endfor %}{% endfor %}",
    "{% for a in R %}{% if a %}{% for b in R if b %}{{ a }}{% endfor %}{% endif %}{% endfor %}",
    "{% for a in 'ab' recursive %}{{ loop('ab') if loop.depth < 60 }}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "{% for a in R %}{{ 'x' * 1000000 }}{% endfor %}",
    "{% for a in R %}" + "plain text " * 100 + "{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for a in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for a in range(60) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x='a') %}{% for a in range(60) %}{% set n.x = [n.x, n.x]|join %}{% endfor %}",
    "{% set n = namespace(x=9) %}{% for a in range(90) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "{{ 'a' * 10**12 }}", "{{ 10**12 * 'a' }}", "{{ 'a' * 1000000000000 }}", "{{ [1] * 10**10 }}",
    "{{ (1,) * 10**10 }}", "{{ 10**(10**10) }}", "{{ 9**(9**9) }}", "{{ 2**(2**40) }}", "{{ 'ab'|center(10**12) }}",
    "{{ 'ab'|center(1000000000) }}", "{{ 'a\nb'|indent(10**11) }}", "{{ 'ab'.center(10**12) }}",
    "{{ 'ab'.ljust(10**12) }}", "{{ 'ab'.zfill(10**12) }}", "{{ '\t'.expandtabs(10**12) }}",
    "{{ '%1000000000000d' % 1 }}", "{{ '%*d' % (10**12, 1) }}", "{{ '%.1000000000f' % 1.0 }}",
    "{{ '%1000000000d'|format(1) }}", "{{ '{:1000000000000}'.format(1) }}",
    "{{ '{:{}}'.format('a', 10**12) }}", "{{ '{a:{b}}'.format_map({'a': 1, 'b': 10**11}) }}",
    "{{ ('a' * 100000)|replace('', 'b' * 100000) }}", "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
    "{{ R|join('a' * 100000) }}", "{{ ('a' * 100000).join('b' * 100000) }}",
    "{{ [1]|tojson(indent=10**11) }}", "{{ 'ab'|slice(10**12)|list }}", "{{ R|batch(10**12, 'x')|list }}",
    "{{ range(10**12) }}", "{% for x in range(10**12) %}{% endfor %}",
    "{% set x %}{% for a in R %}{{ question * 1000 }}{% endfor %}{% endset %}",
    "{{ '" + "a" * 5_000_000 + "' * 3 }}",
]  # fmt: skip
BIG = "{% set x = 'a b ' * 2000000 %}"  # 8 MB of text
LISTS = "{% set x = ['abcdefgh'] * 900000 %}"
HUNGRY_WITHIN = [  # of a filter, test or operation: each takes long, or much memory, in a few steps
    BIG + "{% for a in range(9000) %}{% set y = x|upper|lower %}{% endfor %}",
    BIG + "{% for a in range(9000) %}{% if x|trim == x|title %}{% endif %}{% endfor %}",
    BIG + "{% for a in range(9000) %}{% if x == x ~ '' %}{% endif %}{% endfor %}",
    BIG + "{% for a in range(9000) %}{% set y = x[1:] %}{% endfor %}",
    BIG + "{% for a in range(9000) %}{% set y = x.split() %}{% endfor %}",
    BIG + "{% for a in range(9000) %}{% set y = x|wordcount %}{% endfor %}",
    BIG + "{% for a in range(9000) %}{% if 'zz' in x %}{% endif %}{% set y = x.count('b a') %}{% endfor %}",
    BIG + "{{ x|pprint }}", BIG + "{{ x|urlencode }}", BIG + "{{ [x] * 1000 }}", BIG + "{{ [x, x]|string }}",
    BIG + "{{ [x, x]|tojson }}", BIG + "{{ {'a': x, 'b': x} }}", BIG + "{{ {'a': x, 'b': x}.items() }}",
    BIG + "{{ x ~ x ~ x ~ x }}", BIG + "{{ '%s%s' % (x, x) }}", BIG + "{{ '{0}{0}'.format(x) }}",
    BIG + "{{ '%(a)s%(a)s' % {'a': x} }}", BIG + "{{ '{0}{0}'|format(x) }}{{ '%s%s'|format(x, x) }}",
    BIG + "{% set n = namespace(x=[x, x]) %}{{ n }}", BIG + "{{ [x, x]|join }}", BIG + "{{ [[x, x]]|join }}",
    LISTS + "{% for a in range(9000) %}{% set y = x|sort|unique|list %}{% endfor %}",
    LISTS + "{% for a in range(9000) %}{% if 'b' in x %}{% endif %}{% if x == x[:] %}{% endif %}{% endfor %}",
    LISTS + "{% for a in range(9000) %}{% set y = x|reverse|list %}{% endfor %}", LISTS + "{{ x }}",
    LISTS + "{% for a in range(9000) %}{% set y = x|groupby('a')|length %}{% endfor %}", LISTS + "{{ x|select|list }}",
    "{{ ([[1] * 1000] * 1000)|sum(start=[])|length }}", "{{ R|select|select|select|list|length }}",
    "{{ range(1, 100000)" + "|select" * 90 + "|list|length }}", "{{ R|map(attribute='real')|map(attribute='imag')|list }}",
    "{% for a in R %}{% set y = R|list|length %}{% endfor %}", "{% for a in R %}{% if R|max %}{% endif %}{% endfor %}",
    "{{ (2 ** 900000 + 1) // (2 ** 450000 + 1) }}", "{{ 2 ** 4000000 % 7 }}", "{{ (9 ** 9999) * (9 ** 9999) }}",
    "{% set x = '<!---->' * 1000000 %}{{ x|striptags }}", "{% set x = '(' * 1000000 %}{{ x|urlize }}",
    "{% set x = 'a-' * 1000000 %}{{ x|wordwrap(9) }}", "{% set x = 'a ' * 40000 %}{{ x|wordwrap(1, wrapstring='b' * 4000) }}",
    "{% set x = 'a\n' * 40000 %}{{ x|indent('b' * 4000) }}", "{{ ('a\n' * 9000)|indent(9000) }}",
    "{% set n = namespace(x=['ab']) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=['ab']) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x|tojson }}",
    "{% set n = namespace(x=['ab']) %}{% for a in range(60) %}{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x == [n.x] }}{{ n }}",
    "{% set n = namespace(x='ab') %}{% for a in range(60) %}{% set n.x = '%s%s' % (n.x, n.x) %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for a in range(60) %}{% set n.x = [n.x, n.x]|string %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) ~ m(n - 1) }}{% else %}x{% endif %}{% endmacro %}{{ m(40)|length }}",
]  # fmt: skip
BROKEN = [
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", "{{ " + "-" * 5000 + "1 }}", "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "{% for a in R %}" * 25 + "{% endfor %}" * 25, "{% if a %}" * 3000 + "{% endif %}" * 3000,
    "{{ " + "9" * 5000 + " }}", "{{ 1" + " + 1" * 5000 + " }}", "{{ question" + "|upper" * 3000 + " }}",
    "{{ [] + 1 }}", "{{ 'a' % 1 }}", "{{ '{'.format() }}", "{{ 5.0 ** 9999 }}",
    "{{ question.translate({}) }}", "{% call x %}{% endcall %}", "{{ loop }}", "{{ self }}{{ self.x() }}", "{{ caller() }}",
]  # fmt: skip
FINE = {
    "{% for a in range(1000) %}{{ a }},{% endfor %}": ",".join(map(str, range(1000))) + ",",
    "{% for a in 'abc' %}{{ loop.index }}/{{ loop.length }}{{ a }}{{ '' if loop.last else ' ' }}{% endfor %}":
        "1/3a 2/3b 3/3c",
    "{% for a in [] %}x{% else %}none{% endfor %}": "none",
    "{% for a in [3, 1] if a > 1 %}{{ a }}{% endfor %}": "3",
    "{% for a, b in {'x': 1}.items() %}{{ a }}{{ b }}{% endfor %}": "x1",
    "{% for a in [1, [2, 3]] recursive %}{{ loop(a) if a is iterable else a }}{% endfor %}": "123",
    "{{ 'ab'|center(6) }}|{{ 'a\nb'|indent(2) }}": "  ab  |a\n  b",
    "{{ 'a' ~ 1 ~ 'b' }}{{ 'x' * 3 }}{{ 2 ** 10 }}{{ 7 % 4 }}": "a1bxxx10243",
    "{{ '%05d %s' % (7, 'a') }} {{ '%s'|format(12345678) }} {{ '{:>3}|{}'.format(1, 87654321) }}":
        "00007 a 12345678   1|87654321",
    "{{ [1, 2]|join(', ') }} {{ 'aXa'|replace('X', 'bb') }} {{ ['a', 'b']|map('upper')|join }}":
        "1, 2 abba AB",
    "{{ 'a,b'.split(',')|length }}{{ 'ab'.ljust(3) }}{{ ' '.join(['a', 'b']) }}{{ 'a'.replace('a', 'c') }}":
        "2ab a bc",
    "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(1) }}{{ m('a') }}": "<1><a>",
    "{% set n = namespace(x=0) %}{% for a in range(10) %}{% set n.x = n.x + a %}{% endfor %}{{ n.x }}": "45",
    "{% for a in [1,2,3]|batch(2) %}{{ a|join('-') }};{% endfor %}": "1-2;3;",
    "{{ [[1], [2, 3]]|sum(start=[]) }}{{ [1, 2]|sum }}{{ [{'a': 2}]|sum(attribute='a') }}": "[1, 2, 3]32",
    "{{ 'of 80000000: %s, {} {}' % 1 }}{{ '{}: 99999999 of {}'.format(1, 2) }}":
        "of 80000000: 1, {} {}1: 99999999 of 2",
    "{{ 'abcd'[1:3] }}{{ [1, 2, 3][::-1] }}{{ 1 < 2 < 3 }}{{ 'a' in 'ab' }}{{ 7 // 2 - 1 }}{{ 7 / 2 }}":
        "bc[3, 2, 1]TrueTrue23.5",
    "{{ 'a' ~ none ~ [1] ~ 'b' ~ 1.5 }}{{ [1, none, 'a'] }}{{ {'a': [1]} }}": "aNone[1]b1.5[1, None, 'a']{'a': [1]}",
    "{{ [{'a': 1}, {'a': 2}]|selectattr('a', 'gt', 1)|map(attribute='a')|list }}{{ 'a b'|wordcount }}": "[2]2",
    "{{ 'b a'|wordwrap(1) }}{{ '<b>x</b>'|striptags }}{{ ['b', 'a']|sort|first }}{{ 'ab'|reverse }}": "b\naxaba",
    "{% set n = namespace(x=1) %}{{ n }}{{ ''|upper }}{{ [3, 1]|max }}{{ 'x' is string }}{{ 4 is divisibleby 2 }}":
        "<Namespace {'x': 1}>3TrueTrue",
    "{{ 'a\nb'|indent('> ') }}|{{ ['x']|groupby(0) }}": "a\n> b|[('x', ['x'])]",
    "{{ {'a': 1}|tojson }}{{ 3.14159|round(2) }}{{ none }}{{ true }}": '{"a": 1}3.14NoneTrue',
}  # fmt: skip


def render(body, question="x" * 100):
    template = PromptTemplate("mine", "--- user\n" + body.replace("R", R), "mine.jinja")
    return template.render({"question": question})[0]["content"]


@pytest.mark.parametrize("body", HUNGRY, ids=lambda body: body[:50])
@pytest.mark.slow
def test_a_template_that_takes_too_much_is_refused(body):
    with pytest.raises(TemplateError, match=r"^mine\.jinja") as refused:
        render(body)
    assert len(str(refused.value)) < 300
    assert "memory" not in str(refused.value)  # it is refused before it is tried


@pytest.mark.parametrize("body", HUNGRY_WITHIN, ids=range(len(HUNGRY_WITHIN)))
@pytest.mark.slow
def test_work_within_filters_and_operations_counts(body):
    with pytest.raises(TemplateError, match=r"^mine\.jinja: (it|its|\w+) \w+( and \w+ read)? "):
        render(body)


@pytest.mark.slow
def test_what_costs_more_than_its_characters_ends_after_some_seconds(monkeypatch):
    monkeypatch.setattr("clc.prompts.budget._SECONDS", 1.0)
    with pytest.raises(TemplateError, match=r"^mine\.jinja: it takes more than 1 seconds"):
        render(BIG + "{% for a in R %}{% if a|string in x %}{% endif %}{% endfor %}")


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: body[:50])
def test_a_template_that_is_broken_is_refused(body):
    with pytest.raises(TemplateError, match=r"^mine\.jinja"):
        render(body)


@pytest.mark.parametrize("body", FINE)
def test_an_ordinary_template_renders_as_in_jinja(body):
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    plain = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True).from_string(body)
    assert render(body) == FINE[body] == plain.render()


@pytest.mark.parametrize(
    "body",
    [
        "{% for a in R %}{{ 'x' * 1000000 }}{% endfor %}",
        "{% set x %}{% for a in R %}{{ question * 1000 }}{% endfor %}{% endset %}",
    ],
)
def test_a_rendering_that_is_refused_has_not_filled_the_memory(body):
    tracemalloc.start()
    with pytest.raises(TemplateError, match="characters"):
        render(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * MOST_CHARACTERS


@pytest.mark.parametrize(
    "body",
    ["{% include 'cot.jinja' %}", "{% if 1 %}{% include question %}{% endif %}", "{% extends 'a' %}",
     "{% import 'a' as a %}", "{% from 'a' import b %}"],
)  # fmt: skip
def test_a_template_is_one_file(body):
    with pytest.raises(TemplateError, match=r"^mine\.jinja:3: a template is one file: write here "):
        render("\n" + body)


def test_the_budget_is_that_of_one_rendering():
    template = PromptTemplate("mine", "--- user\n{% for a in R %}x{% endfor %}".replace("R", R), "")
    for _ in range(5):
        assert len(template.render({})[0]["content"]) == 100_000
