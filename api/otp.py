"""/v1/otp: one-time codes, made, checked and sent again."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.answers import answer, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody, checked, read_optional_json
from api.openapi import body
from domain.contract.otp import OtpRequest, OtpResendRequest, OtpVerifyRequest
from services import otp as use

router = APIRouter(prefix="/v1/otp", tags=["otp"])

_EXAMPLE = {
    "recipient": {"phone": "+14155550100"},
    "channels": ["sms"],
    "data": {"app": "Example Shop", "domain": "shop.example.com"},
}
_RESEND = body(OtpResendRequest, {"channel": "sms"})
_RESEND["requestBody"]["required"] = False


@router.post("", status_code=202, openapi_extra=body(OtpRequest, _EXAMPLE))
async def ask(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[OtpRequest, JsonBody(OtpRequest)],
) -> JSONResponse:
    """Make a code and send it; the answer never tells whether the recipient is known."""
    return replayable(await use.ask(app, actor, request, idempotency(http)))


@router.post("/{id}/verify", openapi_extra=body(OtpVerifyRequest, {"code": "123456"}))
async def verify(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[OtpVerifyRequest, JsonBody(OtpVerifyRequest)],
) -> JSONResponse:
    """Check a guess; a right one uses the code up, five wrong ones spend it."""
    return answer(await use.verify(app, actor, id, request))


@router.post("/{id}/resend", status_code=202, openapi_extra=_RESEND)
async def resend(http: Request, app: Services, actor: Caller, id: str) -> JSONResponse:
    """Send the same code again until the same expiry; the body may be left out."""
    wanted = checked(OtpResendRequest, await read_optional_json(http))
    return replayable(await use.resend(app, actor, id, wanted, idempotency(http)))
