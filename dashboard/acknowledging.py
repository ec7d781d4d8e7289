"""The page behind `ack_url`: a recipient takes notice of a message, without sign-in.

Mail scanners open every link, so only the form's button acknowledges, never looking at the page.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, read_form
from dashboard.recipient_pages import language_of, no_link, render
from domain.errors import Gone, NotFound
from services import acknowledging as use
from services.acknowledging import Notice
from services.times import stamp

router = APIRouter()


@router.get("/a/{token}")
async def ask(request: Request, app: Console, token: str) -> Response:
    """Ask whether to acknowledge; nothing is changed by looking."""
    try:
        notice = await use.look(app, token)
    except (NotFound, Gone) as problem:
        return no_link(request, problem)
    return _page(request, notice, done=False)


@router.post("/a/{token}")
async def acknowledge(request: Request, app: Console, token: str) -> Response:
    """Acknowledge, as the button asks."""
    await read_form(request)
    try:
        notice = await use.acknowledge_by_link(app, token)
    except (NotFound, Gone) as problem:
        return no_link(request, problem)
    return _page(request, notice, done=True)


def _page(request: Request, notice: Notice, *, done: bool) -> Response:
    return render(
        request, "acknowledge.html", language_of(request, notice.locale), notice=notice, done=done,
        asked=stamp(notice.asked_at), acknowledged=stamp(notice.acknowledged_at),
        look=notice.look,
    )  # fmt: skip
