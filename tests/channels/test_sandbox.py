"""The sandbox: templates reach nothing of Python, and cost no more than a bounded amount."""

import pytest

from tests.channels.test_rendering import failure, sms


@pytest.mark.parametrize(
    "source",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ x.__init__ }}",
        "{{ x['__class__'].__mro__ }}",
        "{{ range.__globals__ }}",
        "{{ self.__init__.__globals__ }}",
        "{{ x.update({'a': 1}) }}",
        "{{ [1].append(2) }}",
        "{{ '{0.__class__}'.format(1) }}",
        "{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (999999999, 1) }}",
        "{{ '%999999999d' | format(1) }}",
        "{{ 'a'.ljust(999999999) }}",
        "{{ (['a'] | map(attribute='__class__') | list)[0].__mro__ }}",
        "{% include 'x' %}",
        "{% import 'x' as x %}",
        "{% extends 'x' %}",
        "{{ x | attr('items') }}",
        "{{ lipsum() }}",
    ],
)
def test_the_sandbox_holds(source: str) -> None:
    assert failure(source, {"x": {"a": 1}}).field.startswith(("content.sms.text", "data.lipsum"))


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 10 ** 10000 }}",
        "{{ 9 ** (9 ** 9) }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{{ range(10**30) | list }}",
        "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
        "{% for i in range(9999) %}{% for j in range(9999) %}xxxxxxxx{% endfor %}{% endfor %}",
        "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a ~ a %}" * 40,
        "{% set a = 'aaaaaaaaaa' %}" + "{% set a = a + a %}" * 40,
        "{% set a = [1] %}" + "{% set a = a + a %}" * 40,
        "{% set a = x %}" + "{% set a = [a, a, a, a, a, a, a, a, a, a] %}" * 12 + "{{ a }}",
        "{% set a = x %}" + "{% set a = {'a': a, 'b': a} %}" * 40 + "{{ a }}",
        "{% set a = 'aa' %}" + "{% set a = a | replace('a', a) %}" * 30,
        "{{ ('a' * 9999) | join('b' * 9999) | join('b' * 9999) }}",
        "{{ 'a' | indent(10**9, true) }}",
        "{{ [1] | batch(10**9, 'x') | list }}",
        "{{ 1 | round(10**9, 'ceil') }}",
        "{{ [[1], [2]] | sum(start=[]) }}",
        "{{ [1] | tojson(indent=10**9) }}",
        "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
        "{% macro m(n) %}{% if n %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(60) }}",
        "{% set b %}{% for i in range(9999) %}{{ 'a' * 9999 }}{% endfor %}{% endset %}",
        "{% set b %}{% for i in range(9999) %}" + "a" * 9999 + "{% endfor %}{% endset %}",
        "{% set n = namespace(a=1) %}{% for i in range(50) %}{% set n.a = n.a ~ n.a %}{% endfor %}",
        "{% for i in tree recursive %}{{ loop(tree) }}{{ loop(tree) }}{% endfor %}",
    ],
)
def test_nothing_runs_away(source: str) -> None:
    assert failure(source, {"x": "word", "tree": [1, 2]}).field == "content.sms.text"


def test_a_large_but_sensible_list_is_rendered() -> None:
    rows = [{"name": f"row {n}"} for n in range(5000)]
    text = sms("{% for row in rows %}{{ loop.index }} {{ row.name }}\n{% endfor %}", {"rows": rows})
    assert text.count("\n") == 5000
    assert text.startswith("1 row 0\n")


def test_what_is_too_deep_is_an_error() -> None:
    assert failure("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}").field == "content.sms.text"
    nested = "{% for a in x %}" * 30 + "{% endfor %}" * 30
    assert failure(nested, {"x": [1]}).field == "content.sms.text"
