"""Templates written to files read back as they were."""

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cli import template_files

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)
LINE = TEXT.map(lambda text: "".join(text.split("\n"))).map(
    lambda text: text.replace("\r", "") or "x"
)
JSON = st.dictionaries(TEXT, st.none() | st.booleans() | st.integers() | TEXT, max_size=3)
CONTENT = st.fixed_dictionaries(
    {"email": st.fixed_dictionaries({"subject": LINE, "text": TEXT}, optional={"html": TEXT})},
    optional={"sms": st.fixed_dictionaries({"text": TEXT}),
              "push": st.fixed_dictionaries({"title": TEXT, "body": TEXT, "data": JSON})},
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(content=CONTENT, other=CONTENT, name=LINE)
def test_any_words_come_back(content: Any, other: Any, name: str) -> None:
    document = {
        "key": "order", "name": name, "category": None, "priority": "low", "locale": "en",
        "content": content, "locales": {"fr": other}, "schema": {"properties": {"a": {}}},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        template_files.write_template(Path(folder), document)
        (read,) = template_files.read_templates(Path(folder))
    kept = read.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert kept["content"] == content
    assert kept["locales"] == {"fr": other}
    assert (read.name, read.priority) == (name, "low")
