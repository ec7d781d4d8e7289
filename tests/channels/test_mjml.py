"""MJML: compiled once with its template tags kept, refused where that cannot be."""

import threading

import pytest

from channels import html_templates, mjml
from channels.compiled import BadTemplate
from channels.email_content import transform
from channels.markup_tags import with_names
from channels.rendering import RenderFailed, check, render
from domain.errors import FieldError
from domain.vocabulary import Channel

ORDER = """{% set brand = colour | default("#c00") %}
<mjml lang="en">
  <mj-head>
    <mj-title>Order {{ order }}</mj-title>
    <mj-preview>It left {% if express %}by express{% endif %}</mj-preview>
    <mj-style inline="inline">.cell { color: green }</mj-style>
  </mj-head>
  <mj-body>
    {# never seen #}<!-- greeting -->
    <mj-section background-color="{{ brand }}"><mj-column>
      <mj-text>Grüße, {{ name }} — 3 > 2</mj-text>
    </mj-column></mj-section>
    {% for line in lines %}
    <mj-section><mj-column><mj-table>
      {% for cell in line %}<tr><td class="cell">{{ cell }}</td></tr>{% endfor %}
    </mj-table></mj-column></mj-section>
    {% endfor %}
    <mj-section><mj-column>
      <mj-button href="{{ url }}?a=1&amp;b={{ order | urlencode }}">See</mj-button>
    </mj-column></mj-section>
  </mj-body>
</mjml>
"""
DATA = {
    "order": "A&1", "express": True, "name": "<Sample>", "url": "https://example.com/o",
    "lines": [["a", "<b>"], ["c"], []],
}  # fmt: skip


def html(source: str, data: dict[str, object] | None = None) -> str:
    return str(render(Channel.EMAIL, {"subject": "s", "html": source}, data or {})["html"])


def body(inner: str) -> str:
    return f"<mjml><mj-body>{inner}</mj-body></mjml>"


def column(inner: str) -> str:
    return body(f"<mj-section><mj-column>{inner}</mj-column></mj-section>")


def failure(source: str) -> BadTemplate:
    with pytest.raises(BadTemplate) as caught:
        mjml.to_html(source)
    return caught.value


def test_mjml_becomes_html_with_its_values() -> None:
    made = html(ORDER, DATA)
    assert made.lower().startswith('<!doctype html><html lang="en"')
    assert "<title>Order A&amp;1</title>" in made
    assert "It left by express" in made
    assert "background-color:#c00" in made
    assert "Grüße, &lt;Sample&gt; — 3 &gt; 2" in made
    assert made.count("max-width:600px") >= 5
    assert 'href="https://example.com/o?a=1&amp;b=A%261"' in made
    assert "<!-- greeting -->" in made
    for left in ("mj-", "{{", "{%", "never seen"):
        assert left not in made.replace("mj-outlook", "").replace("mj-column-per", "")


def test_rows_of_a_loop_stand_in_one_table_body() -> None:
    made = html(ORDER, DATA)
    cells = '<tr><td class="cell" style="color: green;">{}</td></tr>'
    assert f"<tbody>{cells.format('a')}{cells.format('&lt;b&gt;')}" in made
    assert made.count("<tbody>") == made.count("</tbody>")


def test_no_font_is_fetched_unless_it_is_asked_for() -> None:
    assert "fonts.googleapis.com" not in html(ORDER, DATA)


def test_a_text_part_says_what_is_seen() -> None:
    text = transform({"subject": "s", "html": html(ORDER, DATA)})["text"]
    assert "Grüße, <Sample> — 3 > 2" in text
    assert "by express" not in text


def test_a_source_is_compiled_once() -> None:
    source = column("<mj-text>{{ x }} compiled once</mj-text>")
    made = html_templates.prepare(source)
    assert [html(source, {"x": n}).count(f">{n} compiled once<") for n in range(3)] == [1, 1, 1]
    assert html_templates.prepare(source) is made


def test_several_threads_may_compile() -> None:
    made: list[str] = []

    def work(number: int) -> None:
        made.append(mjml.to_html(column(f"<mj-text>number {number}</mj-text>")))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(text.partition("number ")[2][0] for text in made) == list("01234567")


@pytest.mark.parametrize("char", ["é", "漢", "😀"])
def test_what_is_not_ascii_may_stand_anywhere(char: str) -> None:
    source = column(
        f'<mj-text css-class="{char}">{char} > x {char}{{{{ x }}}}{char}</mj-text>'
        f"<mj-raw><!-- {char} --></mj-raw>"
    )
    made = html(source, {"x": char})
    assert f"{char} > x {char * 3}" in made
    assert f"<!-- {char} -->" in made


def test_a_panic_of_the_compiler_is_a_refusal() -> None:
    named = with_names("<mjml></mjml>")
    with pytest.raises(BadTemplate, match="cannot be compiled"):
        mjml._compiled(named, column("<mj-text>é > x</mj-text>"), 0)


@pytest.mark.parametrize(
    ("source", "message", "line"),
    [
        ("<mjml>\n<mj-body>\n<mj-section>\n</mj-body></mjml>", "unexpected end of stream", None),
        ("<mjml>\n<mj-body>\n<mj-attributes/>\n{% if x %}a{% endif %}<b</mj-body></mjml>",
         "is not MJML: unable to parse", None),
        ("<mjml>\n<mj-head>\n<mj-attributes>{% if x %}{% endif %}</mj-attributes></mj-head></mjml>",
         "is not MJML: unexpected token", 3),
        ("<mjml><mj-body>\n{# a\nb #}\n<mj-include path='/etc/hosts'/></mj-body></mjml>",
         "is not MJML: unable to load included template", 4),
        (column("\n\n<mj-text {{ x }}>a</mj-text>"), "has {{ x }} inside a tag", 3),
        (column("\n<mj-image width='{{ x }}px' src='a'/>"), "puts {{ x }} where MJML can", 2),
        ("<mjml><mj-head>{% if x %}<mj-style>a</mj-style>{% endif %}</mj-head></mjml>",
         "puts {% if x %} where MJML can do nothing with it", 1),
        (f"{column('')} and more", "<mjml> must hold everything", None),
        (column("<mj-text>{% if x %}</mj-text>"), "Unexpected end of template", 1),
        (column("<!-- a"), "it holds a declaration, or a comment that does not end", None),
        (column("<![CDATA[x]]>"), "it holds a declaration", None),
        (column("<?x?>"), "it holds a declaration", None),
        (column("<![foo"), "is not MJML", None),
        (body("<mj-wrapper>" * 250 + "</mj-wrapper>" * 250), "nested more than 200", None),
        (column(f"<mj-text>{'<b>' * 100_000}</mj-text>"), "more than 300,000", None),
        (column(f"<mj-text>{'<b>' * 90_000}</mj-text>"), "nested more than 200", None),
        (column(f"<mj-style inline='inline'>{'.a{b:c}' * 2_000}</mj-style>{'<mj-text/>' * 1_000}"),
         "too many rules", None),
    ],
)  # fmt: skip
def test_mjml_that_cannot_be_made_html(source: str, message: str, line: int | None) -> None:
    found = failure(source)
    assert message in str(found)
    assert found.line == line


def test_deep_mjml_does_not_end_the_process() -> None:
    with pytest.raises(BadTemplate):
        mjml.to_html(body("<mj-wrapper>" * 10_000 + "</mj-wrapper>" * 10_000))


def test_hidden_ends_do_not_make_it_look_flat() -> None:
    for hidden in ("<!-- -- > </b> -->", "<!--> </b> -->", "<i a='</b>'></i>"):
        nested = f"<b>{hidden}" * 8_000 + "</b>" * 8_000
        with pytest.raises(BadTemplate, match="nested more than 200"):
            mjml.to_html(column(f"<mj-text>{nested}</mj-text>"))


def test_mjml_without_template_tags_is_checked_too() -> None:
    assert check({"email": {"html": column("<mj-text>")}}) == [
        FieldError("content.email.html", "is not MJML: unexpected end of stream")
    ]


def test_a_missing_value_is_named_as_always() -> None:
    with pytest.raises(RenderFailed) as caught:
        html(column("<mj-text>{{ order.total }}</mj-text>"), {"order": {}})
    [error] = caught.value.errors
    assert error.field == "data.order.total"


def test_lines_of_what_was_compiled_are_not_told() -> None:
    with pytest.raises(RenderFailed) as caught:
        html(column("\n\n<mj-text>{{ 1 // x }}</mj-text>"), {"x": 0})
    [error] = caught.value.errors
    assert error.field == "content.email.html"
    assert "(line" not in error.message
