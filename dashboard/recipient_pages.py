"""What the pages that recipients open by signed links have in common."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from dashboard.centre_words import WORDS, choose_language
from dashboard.rendering import page
from domain.errors import Gone, NotFound


def no_link(request: Request, problem: NotFound | Gone) -> HTMLResponse:
    """Say that a link is wrong or expired."""
    what = "wrong" if isinstance(problem, NotFound) else "expired"
    return render(
        request, "link_wrong.html", language_of(request, None), status=problem.status, what=what
    )


def language_of(request: Request, locale: str | None) -> str:
    """Return the language of a page: as asked for, else the recipient's, else the browser's."""
    asked = request.query_params.get("lang")
    return choose_language(asked, locale, request.headers.get("accept-language", ""))


def render(request: Request, template: str, language: str, **context: Any) -> HTMLResponse:
    """Return a page for a recipient, in a language; search engines leave it out."""
    languages = {key: words["language"] for key, words in WORDS.items()}
    known = {"look": None, **context}
    answer = page(
        request, template, words=WORDS[language], language=language, languages=languages, **known
    )
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
