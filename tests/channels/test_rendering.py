"""Rendering: faithful to plain text, strict about data, escaped where it is HTML, never endless."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.rendering import RenderFailed, check, render, variables
from domain.errors import FieldError
from domain.vocabulary import Channel


def sms(source: str, data: dict[str, Any] | None = None, **options: Any) -> str:
    return str(render(Channel.SMS, {"text": source}, data or {}, **options)["text"])


def html(source: str, data: dict[str, Any] | None = None) -> str:
    return str(render(Channel.EMAIL, {"subject": "s", "html": source}, data or {})["html"])


def errors(
    channel: Channel, content: dict[str, Any], data: dict[str, Any] | None = None
) -> list[FieldError]:
    with pytest.raises(RenderFailed) as caught:
        render(channel, content, data or {})
    return caught.value.errors


def failure(source: str, data: dict[str, Any] | None = None) -> FieldError:
    (error,) = errors(Channel.SMS, {"text": source}, data)
    return error


plain_text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])).filter(
    lambda text: not any(sign in text for sign in ("{{", "{%", "{#"))
)


@given(plain_text)
def test_text_without_syntax_renders_to_itself(text: str) -> None:
    assert sms(text) == text
    assert html(text) == text


@given(plain_text)
def test_a_value_is_written_as_it_is(text: str) -> None:
    assert sms("{{ word }}", {"word": text}) == text


def test_every_text_is_rendered_and_the_rest_is_left() -> None:
    content = {
        "text": "Hello {{ name }}",
        "buttons": [[{"text": "Pay {{ amount }}", "url": "https://example.com/{{ id }}"}]],
    }
    data = {"name": "Sample", "amount": 3, "id": "x1"}
    assert render(Channel.TELEGRAM, content, data) == {
        "text": "Hello Sample",
        "buttons": [[{"text": "Pay 3", "url": "https://example.com/x1"}]],
    }


def test_attachments_and_numbers_are_left_alone() -> None:
    attachment = {"filename": "{{ x }}.txt", "base64": "e3sgeCB9fQ=="}
    content = {"subject": "a", "attachments": [attachment]}
    assert render(Channel.EMAIL, content, {}) == content
    notice = {"title": "a", "data": {"count": 3, "on": True, "none": None}}
    assert render(Channel.PUSH, notice, {}) == notice


def test_only_html_is_escaped() -> None:
    content = {"subject": "{{ x }}", "html": "<p>{{ x }}</p>", "text": "{{ x }}"}
    rendered = render(Channel.EMAIL, content, {"x": "<b>&"})
    assert rendered == {"subject": "<b>&", "html": "<p>&lt;b&gt;&amp;</p>", "text": "<b>&"}


def test_telegram_html_is_escaped_and_other_modes_are_not() -> None:
    text = {"text": "<b>{{ x }}</b>", "parse_mode": "HTML"}
    assert render(Channel.TELEGRAM, text, {"x": "<"})["text"] == "<b>&lt;</b>"
    assert render(Channel.TELEGRAM, {"text": "{{ x }}"}, {"x": "<"})["text"] == "<"


def test_line_ends_of_a_template_are_kept() -> None:
    assert sms("{{ x }}\n", {"x": 1}) == "1\n"


def test_null_is_written_as_nothing() -> None:
    assert sms("[{{ x }}]", {"x": None}) == "[]"


def test_the_datas_own_names_win_over_methods() -> None:
    assert sms("{{ order.items }} {{ order.keys }}", {"order": {"items": 2, "keys": 3}}) == "2 3"


def test_methods_of_objects_without_such_a_name_work() -> None:
    assert sms("{% for k, v in o.items() %}{{ k }}={{ v }};{% endfor %}", {"o": {"a": 1}}) == "a=1;"


def test_every_missing_value_is_named() -> None:
    content = {"subject": "{{ order }}", "text": "Hi {{ name }}", "html": "{{ order }}"}
    assert errors(Channel.EMAIL, content) == [
        FieldError("data.order", "is used by the template and missing"),
        FieldError("data.name", "is used by the template and missing"),
    ]


@pytest.mark.parametrize(
    ("source", "field"),
    [
        ("{{ user.name.first }}", "data.user.name"),
        ("{{ user['mail'] }}", "data.user.mail"),
        ("{% if user.age > 3 %}x{% endif %}", "data.user.age"),
        ("{% for x in user.list %}{{ x.gone }}{% endfor %}", "content.sms.text"),
    ],
)
def test_a_missing_nested_value_is_named_by_its_path(source: str, field: str) -> None:
    assert failure(source, {"user": {"id": 1, "list": [{}]}}).field == field


def test_a_value_may_be_missing_where_the_template_asks() -> None:
    assert sms("{{ x | default('nobody') }}{% if y is defined %}y{% endif %}") == "nobody"


def test_a_syntax_error_names_field_and_line() -> None:
    assert failure("a\n{{ 1 + }}") == FieldError(
        "content.sms.text", "unexpected 'end of print statement' (line 2)"
    )


def test_a_failing_expression_names_field_and_line() -> None:
    error = failure("a\n\n{{ 1 / zero }}", {"zero": 0})
    assert error.field == "content.sms.text"
    assert error.message.endswith("(line 3)")


@pytest.mark.parametrize("field", ["subject", "from", "reply_to"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x00"])
def test_data_cannot_add_a_header(field: str, end: str) -> None:
    content = {"subject": "s", "text": "t", field: "{{ x }}"}
    (error,) = errors(Channel.EMAIL, content, {"x": f"a{end}Bcc: other@example.com"})
    assert error.field == f"content.email.{field}"


def test_an_address_of_a_page_is_one_line() -> None:
    (error,) = errors(Channel.PUSH, {"title": "t", "url": "{{ x }}"}, {"x": "a\nb"})
    assert error.field == "content.push.url"


def test_text_that_cannot_be_stored_is_refused() -> None:
    assert "NUL" in failure(r"{{ '\x00' }}").message
    assert "surrogate" in failure(r"{{ '\ud800' }}").message


def test_dates_numbers_and_plurals_follow_the_locale() -> None:
    data = {"at": "2030-01-31T22:30:00Z", "n": 2, "sum": "1234.5"}
    assert sms("{{ at | date('long') }}", data, locale="fr-CA") == "31 janvier 2030"
    assert (
        sms("{{ at | datetime('yyyy-MM-dd HH:mm', 'Europe/Paris') }}", data) == "2030-01-31 23:30"
    )
    assert sms("{{ '2030-01-31' | date('short', 'Pacific/Honolulu') }}", data) == "1/31/30"

    assert sms("{{ sum | money('EUR') }}", data, locale="de") == "1.234,50\xa0€"
    assert sms("{{ sum | number }}", data) == "1,234.5"
    assert sms("{{ 0.25 | percent }}", data) == "25%"
    assert sms("{{ n }} {{ n | plural('file', 'files') }}", data) == "2 files"
    polish = "{{ n | plural('plik', 'pliku', few='pliki', many='plików') }}"
    assert [sms(polish, {"n": n}, locale="pl") for n in (1, 2, 5)] == ["plik", "pliki", "plików"]


def test_an_unknown_locale_is_written_in_english() -> None:
    assert sms("{{ 1234.5 | number }}", locale="xx-YY") == "1,234.5"


def test_variables_are_the_top_level_names_of_all_channels() -> None:
    content = {
        "email": {"subject": "{{ order.id }}", "html": "{% for x in rows %}{{ x }}{% endfor %}"},
        "push": {"title": "t", "data": {"link": "{{ link }}"}},
        "sms": {"text": "{{ broken"},
    }
    assert variables(content) == {"order", "rows", "link"}


def test_check_names_every_wrong_field() -> None:
    content = {
        "email": {"subject": "{{ a", "html": "ok {{ b }}", "text": "{% if %}"},
        "telegram": {"text": "t", "buttons": [[{"text": "{{ x | nofilter }}"}]]},
    }
    assert [error.field for error in check(content)] == [
        "content.email.subject",
        "content.email.text",
        "content.telegram.buttons[0][0].text",
    ]
    assert check({"sms": {"text": "{{ fine }}"}}) == []


@pytest.mark.parametrize(
    ("timezone", "written"),
    [(None, "22:30"), ("Europe/Paris", "23:30"), ("Asia/Tokyo", "07:30"), ("Mars/Base", "22:30")],
)
def test_times_are_written_in_the_recipients_zone(timezone: str | None, written: str) -> None:
    words = {"text": "{{ at | time('HH:mm') }}"}
    data = {"at": "2030-01-31T22:30:00Z"}
    assert render(Channel.SMS, words, data, timezone=timezone) == {"text": written}
