"""The HTML of mails made ready once for each source: MJML compiled, style sheets inlined."""

from dataclasses import dataclass
from typing import Final

from channels import mjml, style_sheets
from channels.budget import MAX_FIELD
from channels.compiled import is_template
from channels.source_cache import SourceCache


@dataclass(frozen=True, slots=True)
class HtmlTemplate:
    """What is rendered in place of a source; `same_lines` says that it is the source."""

    source: str
    same_lines: bool = True
    inline_each: bool = False

    def finish(self, html: str) -> str:
        """Return rendered HTML with its style sheets inlined, if they could not be before."""
        return style_sheets.inline(html) if self.inline_each else html


def prepare(source: str) -> HtmlTemplate:
    """Return a source made ready, from the cache if it is there; raises BadTemplate."""
    return _cache.get((source,))


def _prepare(key: tuple[str]) -> HtmlTemplate:
    (source,) = key
    if mjml.is_mjml(source):
        return HtmlTemplate(mjml.to_html(source), same_lines=False)
    if not style_sheets.has_styles(source):
        return HtmlTemplate(source)
    if not is_template(source):
        return HtmlTemplate(style_sheets.inline(source), same_lines=False)
    made = style_sheets.inline_template(source)
    if made is None:
        return HtmlTemplate(source, inline_each=True)
    return HtmlTemplate(made, same_lines=False)


_cache: Final = SourceCache(_prepare, entries=1024, characters=16 * MAX_FIELD)
