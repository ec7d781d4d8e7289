"""A user's own account: who they are, and a new password."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.rendering import page, see_other
from domain.errors import Invalid
from services import access
from services.times import stamp

router = APIRouter(prefix="/account")


@router.get("")
async def show(request: Request, session: Signed) -> Response:
    """Show who is signed in, and the form for a new password."""
    return _page(request, session, errors={})


@router.post("/password")
async def change_password(
    request: Request, app: Console, session: Signed, fields: Form
) -> Response:
    """Set a new password; other sessions of the user end."""
    old, new, again = (fields.get(name, "") for name in ("old", "new", "again"))
    if new != again:
        return _page(request, session, errors={"again": "Differs from the new password."})
    if new == old:
        return _page(request, session, errors={"new": "This is the present password."})
    try:
        await access.change_password(app, session, old, new)
    except Invalid as problem:
        errors = {
            one.field: f"{one.message[:1].upper()}{one.message[1:]}." for one in problem.errors
        }
        return _page(request, session, errors=errors)
    return see_other("/account", flash="Your password is changed. Other sessions were ended.")


def _page(request: Request, session: access.Session, *, errors: dict[str, Any]) -> Response:
    status = 422 if errors else 200
    return page(
        request, "account.html", status=status,
        errors=errors, until=stamp(session.expires_at), least=access.MIN_PASSWORD,
    )  # fmt: skip
