"""/v1/notifications: ask, look, change, cancel, resend, delete."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody, checked, read_json
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit, When
from domain.contract.batch import BatchRequest
from domain.contract.notification import NotificationPatch, NotificationRequest
from domain.errors import Problem
from services import acknowledging, changes
from services import notifications as use
from services.notification_filters import NotificationFilters

router = APIRouter(prefix="/v1/notifications", tags=["notifications"])

_EXAMPLE = {
    "recipient": {"email": "ada@example.com", "name": "Ada"},
    "content": {
        "email": {
            "subject": "Your order {{ order }} is on its way",
            "html": "<p>Hello, order <b>{{ order }}</b> left our house.</p>",
        }
    },
    "data": {"order": "A-1001"},
}
_DIGEST = {
    "recipient": {"email": "ada@example.com"},
    "content": {
        "email": {
            "subject": "{{ who }} commented",
            "text": "{{ what }}",
            "digest": {
                "subject": "{{ count }} comments",
                "text": "{% for one in items %}{{ one.data.who }}: {{ one.body }}\n{% endfor %}",
            },
        }
    },
    "data": {"who": "Sample", "what": "It works."},
    "digest": {"key": "comments", "window_seconds": 900},
}
_ESCALATION = {
    "recipient": {"email": "ada@example.com", "phone": "+14155550100"},
    "content": {
        "email": {"subject": "Disk full", "text": "Acknowledge: {{ ack_url }}"},
        "sms": {"text": "The disk is full. {{ ack_url }}"},
    },
    "escalation": {
        "steps": [
            {"channels": ["email"]},
            {"channels": ["sms"], "wait_seconds": 300, "stop_on": "read"},
            {"channels": ["email", "sms"], "wait_seconds": 600, "stop_on": "acknowledged"},
        ]
    },
}
_PUSH = {
    "recipient": {
        "push": [
            "dGhpcyBpcyBhIHRva2Vu:APA91bFZx",
            {"token": "740f4707bebcf74f9b7c25d48e3358945f6aa01da5ddb387462c7eaf61bb78ad",
             "platform": "ios"},
        ]
    },
    "content": {"push": {"title": "It rang", "body": "Somebody is at the door."}},
}  # fmt: skip
_BATCH = {
    "notifications": [
        {"recipient": {"email": "ada@example.com"},
         "content": {"email": {"subject": "One", "text": "First of two."}}},
        {"recipient": {"phone": "+14155550100"}, "content": {"sms": {"text": "Second of two."}}},
    ]
}  # fmt: skip
_Many = Annotated[list[str] | None, Query()]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post(
    "",
    status_code=202,
    openapi_extra=body(
        NotificationRequest, _EXAMPLE, push=_PUSH, digest=_DIGEST, escalation=_ESCALATION
    ),
)
async def ask(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[NotificationRequest, JsonBody(NotificationRequest)],
) -> JSONResponse:
    """Ask for one notification to one recipient; 202 is the promise."""
    told = await use.accept(app, actor, request, idempotency(http))
    return replayable(_located(told))


@router.post("/batch", status_code=202, openapi_extra=body(BatchRequest, _BATCH))
async def ask_many(http: Request, app: Services, actor: Caller) -> JSONResponse:
    """Ask for up to 1,000 notifications; each is judged on its own."""
    document = await read_json(http)
    batch = checked(BatchRequest, document)
    requests = [_judged(one) for one in batch.notifications]
    return replayable(await use.accept_batch(app, actor, requests, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    state: _Many = None,
    priority: _Many = None,
    channel: _Many = None,
    category: _Many = None,
    module: _Many = None,
    recipient: _Many = None,
    group: _Many = None,
    campaign: _Many = None,
    digest: _Many = None,
    template: _Many = None,
    reason: _Many = None,
    created_after: When = None,
    created_before: When = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    tocsin_position: Annotated[str | None, Header(max_length=40)] = None,
) -> JSONResponse:
    """List notifications, newest first; a repeated filter means OR."""
    page = await use.find(
        app,
        actor,
        NotificationFilters(
            state=state or (),
            priority=priority or (),
            channel=channel or (),
            category=category or (),
            module=module or (),
            recipient=recipient or (),
            group=group or (),
            campaign=campaign or (),
            digest=digest or (),
            template=template or (),
            reason=reason or (),
            created_after=created_after,
            created_before=created_before,
            q=q,
            limit=limit,
            cursor=cursor,
        ),
        tocsin_position,
    )
    return answer(page.body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a notification: its state, deliveries, timeline and what it says."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(NotificationPatch, {"send_at": "2030-01-31T09:00:00Z"}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[NotificationPatch, JsonBody(NotificationPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a notification until it is being sent (RFC 7396)."""
    return answer(await changes.change(app, actor, id, patch, expected_version(if_match)))


@router.post("/{id}/cancel")
async def cancel(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Cancel a notification that is not being sent yet; repeatable."""
    return answer(await use.cancel(app, actor, id))


@router.post("/{id}/acknowledge")
async def acknowledge(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Say that somebody took notice of a notification, which stops its escalation; repeatable."""
    return answer(await acknowledging.acknowledge(app, actor, id))


@router.post("/{id}/resend", status_code=202)
async def resend(http: Request, app: Services, actor: Caller, id: str) -> JSONResponse:
    """Ask anew for what a finished notification asked for."""
    return replayable(_located(await use.resend(app, actor, id, idempotency(http))))


@router.delete("/{id}", status_code=204)
async def delete(app: Services, actor: Caller, id: str) -> Response:
    """Delete a finished notification; the audit line stays."""
    await use.delete(app, actor, id)
    return no_content()


def _judged(document: Any) -> NotificationRequest | Problem:
    try:
        return checked(NotificationRequest, document)
    except Problem as problem:
        return problem


def _located(told: Any) -> Any:
    told.headers["Location"] = f"/v1/notifications/{told.content['id']}"
    return told
