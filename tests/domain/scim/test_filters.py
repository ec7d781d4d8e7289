"""Filters of SCIM: what the standard allows is read, and the rest is refused with its place."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scim.errors import ScimRefusal, ScimType
from domain.scim.expressions import And, Compare, Filter, Not, Op, Or, Path, Some, Target
from domain.scim.filters import parse_filter, parse_target
from domain.scim.schemas import ENTERPRISE, USER

names = st.sampled_from(["userName", "title", "x-y", "$ref", "a1"])
paths = st.builds(Path, names, st.none() | names, st.none() | st.just(ENTERPRISE))
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
values = st.none() | st.booleans() | st.integers(-9, 99) | texts
with_value = st.sampled_from([op for op in Op if op is not Op.PR])


def comparisons(of: st.SearchStrategy[Path]) -> st.SearchStrategy[Filter]:
    return st.builds(Compare, of, with_value, values) | st.builds(Compare, of, st.just(Op.PR))


def joined(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return several.map(And) | several.map(Or) | inner.map(Not)


simple = comparisons(st.builds(Path, names))
bracketed = st.builds(Some, st.builds(Path, names), st.recursive(simple, joined, max_leaves=4))
filters = st.recursive(comparisons(paths) | bracketed, joined, max_leaves=8)


def written(one: Filter) -> str:
    """Write a filter down with all its parentheses."""
    match one:
        case And():
            return " and ".join(f"({written(part)})" for part in one.parts)
        case Or():
            return " OR ".join(f"({written(part)})" for part in one.parts)
        case Not():
            return f"not ({written(one.part)})"
        case Some():
            return f"{one.path}[{written(one.filter)}]"
        case Compare(op=Op.PR):
            return f"{one.path} pr"
        case Compare():
            return f"{one.path} {one.op} {json.dumps(one.value)}"


@given(filters)
def test_what_is_written_is_read(one: Filter) -> None:
    assert parse_filter(written(one)) == one


@given(st.text(max_size=40) | st.lists(st.sampled_from(
    ["a", "eq", '"x"', "and", "or", "not", "(", ")", "[", "]", ".b", "pr", "1", "urn:x:User:"]
), max_size=9).map(" ".join))  # fmt: skip
def test_anything_else_is_refused_and_nothing_breaks(text: str) -> None:
    refused = None
    try:
        parse_filter(text)
    except ScimRefusal as refusal:
        refused = refusal
    assert refused is None or (refused.scim_type is ScimType.INVALID_FILTER and refused.detail)


def test_and_binds_closer_than_or_and_words_have_any_case() -> None:
    a, b, c = (Compare(Path(name), Op.PR) for name in "abc")
    assert parse_filter("a pr Or b PR aNd c pr") == Or((a, And((b, c))))
    assert parse_filter("(a pr or b pr) and c pr") == And((Or((a, b)), c))


def test_names_with_their_schema() -> None:
    assert parse_filter(f'{USER}:userName eq "x"') == Compare(Path("userName"), Op.EQ, "x")
    manager = parse_filter(f'{ENTERPRISE.lower()}:manager.value eq "7"')
    assert manager == Compare(Path("manager", "value", ENTERPRISE), Op.EQ, "7")


def test_what_entra_asks_for_an_address() -> None:
    found = parse_filter('emails[type eq "work"].value eq "a@example.com"')
    wanted = And((
        Compare(Path("type"), Op.EQ, "work"), Compare(Path("value"), Op.EQ, "a@example.com"),
    ))  # fmt: skip
    assert found == Some(Path("emails"), wanted)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the name of an attribute is missing (at the end)"),
        ("userName", "a comparison such as eq is missing (at the end)"),
        ("userName is 1", "a comparison is missing: one of eq, ne"),
        ("userName eq bob", "a value is missing"),
        ('userName eq "bob', "cannot be read from '\"bob'"),
        ('userName eq "a" title pr', "`and` or `or` is missing"),
        ("(userName pr", ") is missing"),
        ("emails[value pr", "] is missing"),
        ("not userName pr", "( is missing"),
        ("name.given.x pr", "this is no name of an attribute"),
        ('userName eq "\\u0000"', "a value holds what no text"),
        ('userName eq "\\ud800"', "a value holds what no text"),
        ("userName eq 1e999", "a value holds what no text"),
        (f"{'(' * 30}a pr{')' * 30}", "nested more than 20 levels"),
        (" and ".join(["a pr"] * 300), "more than 500 parts"),
    ],
)
def test_a_refusal_says_what_and_where(text: str, says: str) -> None:
    with pytest.raises(ScimRefusal) as caught:
        parse_filter(text)
    assert says in caught.value.detail


def test_targets_of_operations() -> None:
    work = Compare(Path("type"), Op.EQ, "work")
    assert parse_target("name.givenName") == Target(Path("name", "givenName"))
    assert parse_target('emails[type eq "work"].value') == Target(Path("emails", "value"), work)
    assert parse_target(f"{ENTERPRISE}:department") == Target(Path("department", None, ENTERPRISE))
    assert parse_target(ENTERPRISE) == Target(Path("", None, ENTERPRISE))
    for wrong in ("", "a b", 'a[type eq "x"', "a..b", "1"):
        with pytest.raises(ScimRefusal) as caught:
            parse_target(wrong)
        assert caught.value.scim_type is ScimType.INVALID_PATH
