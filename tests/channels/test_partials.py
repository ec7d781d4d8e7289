"""Partials and layouts written into the sources that name them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader, Environment

from channels.compiled import BadTemplate
from channels.partials import expand, names

KEYS = ("a", "b", "c")
TEXT = st.text(alphabet="xyz \n", max_size=4)
PIECES = ["{% include 'a' %}", '{%- include "b" -%}', "x", " ", "{{ v }}"]
SOURCES = st.fixed_dictionaries({
    "a": TEXT,
    "b": st.tuples(TEXT, TEXT).map(lambda one: one[0] + "{% include 'a' %}" + one[1]),
    "c": st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
})  # fmt: skip


@given(SOURCES)
def test_what_is_included_reads_as_jinja_would_include_it(sources: dict[str, str]) -> None:
    loader = DictLoader(sources)
    environment = Environment(loader=loader, autoescape=True, keep_trailing_newline=True)
    wanted = environment.get_template("c").render(v="V")
    assert environment.from_string(expand(sources["c"], sources.get)).render(v="V") == wanted


def test_a_layout_reads_as_jinja_would_extend_it() -> None:
    sources = {
        "layout": "<{% block all %}{% block top %}T{% endblock %}-{% endblock %}"
        "{% block body %}B{% endblock body %}>",
        "middle": "{% extends 'layout' %}{% block top %}[{{ super() }}]{% endblock %}",
        "page": "{# words #}{% extends 'middle' %}\n{% block body %}{{ v }}{% endblock %}",
    }
    made = expand(sources["page"], sources.get)
    environment = Environment(loader=DictLoader(sources), autoescape=True)
    wanted = environment.get_template("page").render(v="V")
    assert environment.from_string(made).render(v="V") == wanted == "<[T]-V>"


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("{% include 'a' %}{% include \"b\" %}", {"a", "b"}),
        ("{% raw %}{% include 'a' %}{% endraw %}", set()),
        ("{# {% include 'a' %} #} include", set()),
        ("{% include a %}", set()),
        ("{% if", set()),
    ],
)
def test_names_are_told(source: str, named: set[str]) -> None:
    assert names(source) == named


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{% include 'self' %}", "inside itself"),
        ("{% include 'none' %}", "does not exist"),
        ("{% include 'wide5' %}", "more than 500 times"),
        ("{% include 'long' %}{% include 'long' %}", "1,000,000 characters"),
    ],
)
def test_what_has_no_end_is_refused(source: str, words: str) -> None:
    known = {"self": "{% include 'self' %}", "long": "x" * 600_000, "wide0": ""}
    known |= {f"wide{n}": f"{{% include 'wide{n - 1}' %}}" * 10 for n in range(1, 6)}
    with pytest.raises(BadTemplate, match=words):
        expand(source, known.get)
