"""Tells a running server of fakes how to behave, what it took, and to send receipts.

POST /_control/twilio {"always": "unavailable"} or {"script": ["throttle", "accept"]} or
{"by_address": {"+14155550100": "reject_recipient"}}; GET /_control/twilio lists what was taken;
POST /_control/twilio/receipt {"event": "delivered", "url": "…", "tag": "att_…", "times": 3,
"forgery": "wrong_key"} sends a receipt of the latest message, or of the one with that tag.
Of `smtp` a receipt is a mail: {"event": "failed 5.1.1", "url": "smtp://127.0.0.1:2526"}.
"""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web

from fakes.http_vendor import Behaviour, Call, FakeVendor, Forgery, Taken
from fakes.smtp_mail import SMTP, hand_over


async def control(request: web.BaseRequest, vendor: FakeVendor, what: str) -> web.Response:
    """Answer one call of the control interface."""
    if request.method == "GET":
        return web.json_response({"taken": [_shown(one) for one in vendor.taken]})
    try:
        given = json.loads(await request.read() or b"{}")
        if what == "receipt":
            return await _send_receipt(vendor, given)
        _behave(vendor, given)
    except (ValueError, TypeError, KeyError) as error:
        known = ", ".join(Behaviour)
        return web.json_response({"error": str(error), "behaviours": known}, status=422)
    return web.json_response({"always": vendor.always, "by_address": vendor.by_address})


def _behave(vendor: FakeVendor, given: dict[str, Any]) -> None:
    vendor.script(*(Behaviour(one) for one in given.get("script", ())))
    if "always" in given:
        vendor.always = Behaviour(given["always"])
    for address, behaviour in given.get("by_address", {}).items():
        vendor.by_address[address] = Behaviour(behaviour)
    if given.get("forget"):
        vendor.taken.clear()
        vendor.asked.clear()


async def _send_receipt(vendor: FakeVendor, given: dict[str, Any]) -> web.Response:
    fitting = [one for one in vendor.taken if given.get("tag") in (None, one.tag)]
    if not fitting:
        return web.json_response({"error": "no such message was taken"}, status=404)
    forgery = Forgery(given["forgery"]) if "forgery" in given else None
    try:
        call = vendor.receipt(
            fitting[-1], given["event"], url=given.get("url", ""), forgery=forgery
        )
    except NotImplementedError:
        raise ValueError(f"{vendor.name} sends no receipts") from None
    send = _hand_over if call.method == SMTP else _post
    answers = await asyncio.gather(*(send(call) for _ in range(int(given.get("times", 1)))))
    return web.json_response({"url": call.url, "answers": answers})


async def _post(call: Call) -> int:
    async with (
        aiohttp.ClientSession(trust_env=False) as session,
        session.request(call.method, call.url, headers=call.headers, data=call.body) as answer,
    ):
        return answer.status


async def _hand_over(call: Call) -> int:
    """Hand a mail to the server of an URL and return its last word."""
    return await asyncio.to_thread(hand_over, call)


def _shown(taken: Taken) -> dict[str, Any]:
    return {
        "id": taken.id,
        "address": taken.address,
        "tag": taken.tag,
        "method": taken.asked.method,
        "path": taken.asked.path,
        "body": taken.asked.body.decode("utf-8", "replace"),
    }
