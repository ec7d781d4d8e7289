"""Notifications as the API answers them: rows folded into one document with its timeline."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from channels.occasion import Occasion
from channels.rendering import RenderFailed, render
from channels.transforms import transform
from domain.ids import encode
from domain.masking import mask
from domain.outcome import read_record
from domain.preference_links import with_examples
from domain.vocabulary import WAITING, Channel, State
from services.engagements import views
from services.times import stamp


def summary(
    row: Row[Any], deliveries: Sequence[Row[Any]], digests: Mapping[UUID, Row[Any]]
) -> dict[str, Any]:
    """Return a notification as lists show it; `digests` are those of its deliveries."""
    return {
        "id": encode("ntf", row.id),
        "state": row.state,
        "reason": _reason(row.state, deliveries),
        "priority": row.priority,
        "category": row.category,
        "class": row.class_,
        "module": row.module_key,
        "recipient": shown_recipient(row),
        "template": row.template_key,
        "template_version": row.template_version,
        "channels": list(row.channels),
        "channel_policy": row.channel_policy,
        "created_at": stamp(row.created_at),
        "send_at": stamp(row.send_at),
        "expires_at": stamp(row.expires_at),
        "due_at": stamp(row.due_at) if row.finished_at is None else None,
        "finished_at": stamp(row.finished_at),
        "resend_of": encode("ntf", row.resend_of) if row.resend_of else None,
        "campaign": encode("cmp", row.campaign_id) if row.campaign_id else None,
        "metadata": row.metadata,
        "digest": _first_digest(deliveries, digests),
        "deliveries": [delivery(one, digests) for one in deliveries],
        "version": row.version,
    }


def detail(
    row: Row[Any],
    deliveries: Sequence[Row[Any]],
    attempts: Sequence[Row[Any]],
    receipts: Sequence[Row[Any]],
    words: Mapping[str, Any],
    engaged: Mapping[UUID, Sequence[Row[Any]]],
    replies: Sequence[Row[Any]],
    digests: Mapping[UUID, Row[Any]],
    locale: str | None,
    timezone: str | None = None,
) -> dict[str, Any]:
    """Return a notification with attempts, receipts, what its recipient did, replies, timeline and
    what it says.

    `engaged` are engagements by delivery; `words` is the content in the recipient's `locale`,
    before rendering.
    """
    tries = _by_delivery(attempts)
    told = _by_delivery(receipts)
    full = [
        {
            **delivery(one, digests),
            "decision": one.decision or [],
            "tries": [_attempt(number, t) for number, t in _numbered(tries[one.id], one)],
            "receipts": [
                {"kind": r.kind, "at": stamp(r.at), "reason": r.raw.get("reason") or ""}
                for r in told[one.id]
            ],
            "engagements": views(engaged.get(one.id, ())),
        }
        for one in deliveries
    ]
    return {
        **summary(row, deliveries, digests),
        "data": row.data,
        "workflow_id": row.workflow_id,
        "otp": encode("otp", row.otp_id) if row.otp_id else None,
        "deliveries": full,
        "timeline": _timeline(row, full, deliveries, replies),
        "content": _said(row, words, locale, timezone),
    }


def source(row: Row[Any]) -> dict[str, Any]:
    """Return what of a notification can be changed; content is None where a template has it."""
    return {
        "id": encode("ntf", row.id),
        "state": row.state,
        "template": row.template_key,
        "content": row.content,
        "data": row.data,
        "priority": row.priority,
        "send_at": stamp(row.send_at),
        "expires_at": stamp(row.expires_at),
        "version": row.version,
    }


def delivery(row: Row[Any], digests: Mapping[UUID, Row[Any]]) -> dict[str, Any]:
    """Return a delivery; its address is masked."""
    return {
        "id": encode("dlv", row.id),
        "channel": row.channel,
        "address": mask(row.address),
        "state": row.state,
        "reason": row.reason,
        "vendor": row.vendor,
        "account": row.account,
        "attempts": row.attempts,
        "due_at": stamp(row.due_at) if row.state in WAITING else None,
        "digest": _digest(digests.get(row.digest_id)),
        "receipts": [],
    }


def _digest(row: Row[Any] | None) -> dict[str, Any] | None:
    """Return the digest that a delivery waits for, or went out with."""
    if row is None:
        return None
    return {
        "id": encode("dgs", row.id),
        "source": row.source,
        "key": row.key,
        "count": row.collected,
        "due_at": stamp(row.due_at),
    }


def _first_digest(
    deliveries: Sequence[Row[Any]], digests: Mapping[UUID, Row[Any]]
) -> dict[str, Any] | None:
    found = (digests[one.digest_id] for one in deliveries if one.digest_id in digests)
    return _digest(next(found, None))


def shown_recipient(row: Row[Any]) -> Any:
    """Return whom it is for: the profile's id, or the given addresses, masked."""
    if row.profile_id is not None:
        return encode("prf", row.profile_id)
    shown: dict[str, Any] = {}
    for key, value in row.recipient.items():
        if key in ("email", "phone", "telegram", "whatsapp"):
            shown[key] = mask(value)
        elif key == "push":
            shown[key] = [_masked_device(one) for one in value]
        else:
            shown[key] = value
    return shown


def _masked_device(given: str | Mapping[str, Any]) -> Any:
    return mask(given) if isinstance(given, str) else {**given, "token": mask(given["token"])}


def _said(
    row: Row[Any], words: Mapping[str, Any], locale: str | None, timezone: str | None
) -> dict[str, Any]:
    """Return what each channel says, as its vendors are handed it; but for the recipient's own
    links, which open their preferences: examples stand for them.
    """
    said: dict[str, Any] = {}
    data = with_examples(row.data)
    for channel in map(Channel, row.channels):
        if words.get(channel) is None:
            continue
        try:
            rendered = render(channel, words[channel], data, locale=locale, timezone=timezone)
            said[channel] = transform(channel, rendered, Occasion(locale))
        except RenderFailed as error:
            said[channel] = {"error": "; ".join(one.message for one in error.errors)}
    return said


def _reason(state: str, deliveries: Sequence[Row[Any]]) -> str:
    for one in deliveries:
        if one.reason and (one.state == state or state == State.SENDING):
            return str(one.reason)
    return ""


def _by_delivery(rows: Sequence[Row[Any]]) -> defaultdict[UUID, list[Row[Any]]]:
    found: defaultdict[UUID, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[row.delivery_id].append(row)
    return found


def _numbered(earlier: Sequence[Row[Any]], latest: Row[Any]) -> list[tuple[int, Row[Any]]]:
    numbered = [(row.number, row) for row in earlier]
    if latest.attempts:
        numbered.append((latest.attempts, latest))
    return numbered


def _attempt(number: int, row: Row[Any]) -> dict[str, Any]:
    return {
        "number": number,
        "at": stamp(row.attempted_at),
        "settled_at": stamp(row.settled_at) if row.outcome else None,
        "vendor": row.vendor,
        "vendor_id": row.vendor_id,
        "account": row.account,
        "outcome": read_record(row.outcome),
        "route": row.route or [],
    }


def _timeline(
    row: Row[Any],
    full: Sequence[Mapping[str, Any]],
    deliveries: Sequence[Row[Any]],
    replies: Sequence[Row[Any]],
) -> list[dict[str, Any]]:
    """Tell the story in order; nothing of it is stored twice, it is derived from the rows."""
    story: list[dict[str, Any]] = [{"at": stamp(row.created_at), "event": "accepted"}]
    if row.send_at is not None:
        story.append(
            {"at": stamp(row.created_at), "event": "scheduled", "until": stamp(row.send_at)}
        )
    for shown, stored in zip(full, deliveries, strict=True):
        story += _delivery_story(shown, stored)
    story += [
        {"at": stamp(one.at), "event": "reply", "channel": one.channel, "text": one.text,
         "keyword": one.keyword, "delivery": encode("dlv", one.delivery_id)}
        for one in replies
    ]  # fmt: skip
    return sorted(story, key=lambda event: str(event["at"]))


def _delivery_story(shown: Mapping[str, Any], stored: Row[Any]) -> list[dict[str, Any]]:
    where = {"delivery": shown["id"], "channel": shown["channel"]}
    story: list[dict[str, Any]] = []
    if stored.attempts:
        story.append({"at": stamp(stored.created_at), "event": "claimed", **where})
    for one in shown["tries"]:
        via = {**where, "vendor": one["vendor"], "account": one["account"]}
        story.append(
            {
                "at": one["at"], "event": "attempted", "number": one["number"], **via,
                "passed_over": one["route"],
            }
        )  # fmt: skip
        if one["outcome"]:
            story.append({"at": one["settled_at"], "event": "settled", **via, **_result(one)})
    if stored.state == State.CANCELLED:
        story.append({"at": stamp(stored.settled_at), "event": "cancelled", **where})
    elif stored.settled_at is not None and not shown["tries"]:
        why = {
            "state": stored.state,
            "reason": stored.reason,
            "decision": stored.decision or [],
        }
        story.append({"at": stamp(stored.settled_at), "event": "settled", **where, **why})
    elif stored.state == State.HELD:
        why = {
            "reason": stored.reason,
            "until": stamp(stored.due_at),
            "passed_over": stored.route or [],
            "decision": stored.decision or [],
        }
        story.append({"at": stamp(stored.settled_at), "event": "held", **where, **why})
    done = {one["kind"] for one in shown["engagements"]}
    story += [
        {
            "at": told["at"],
            "event": "receipt",
            "kind": told["kind"],
            "reason": told["reason"],
            **where,
        }
        for told in shown["receipts"]
        if told["kind"] not in done
    ]
    story += [
        {"at": one["at"], "event": one["kind"], **where,
         **{name: one[name] for name in ("link", "url", "times", "machine", "reason")}}
        for one in shown["engagements"]
    ]  # fmt: skip
    return story


def _result(attempt: Mapping[str, Any]) -> dict[str, Any]:
    outcome = attempt["outcome"]
    return {"outcome": outcome["kind"], "reason": outcome["reason"], "number": attempt["number"]}
