"""Judges how a request is to escalate: the steps of the request, else of its template version."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.category import Category
from domain.contract.escalation import EscalationRequest
from domain.contract.notification import NotificationRequest
from domain.contract.profile_ref import ByExternalId
from domain.errors import FieldError, Invalid
from domain.escalation import StopOn
from domain.ids import InvalidId, decode, encode
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass, Channel
from stores import profiles, rotas

_Ref = str | ByExternalId


@dataclass(frozen=True, slots=True)
class Named:
    """The profiles and rotas that steps name, by how they name them."""

    profiles: Mapping[str, UUID] = field(default_factory=dict)
    rotas: Mapping[str, UUID] = field(default_factory=dict)


NOTHING: Final = Named()
"""What requests without steps name."""


def asked_for(
    request: NotificationRequest, template: TemplateVersion | None, category: Category
) -> EscalationRequest | None:
    """Return how a request escalates: as it says itself, null meaning not at all, else as its
    template says. Raises Invalid for a one-time password; a template's steps are not for those.
    """
    if category.class_ is not CategoryClass.OTP:
        return named_by(request, template)
    if request.escalation is not None:
        raise Invalid.field("escalation", "is not for one-time passwords: they are useful now")
    return None


def named_by(
    request: NotificationRequest, template: TemplateVersion | None
) -> EscalationRequest | None:
    """Return the steps of a request, else those of its template version, whatever the category."""
    if "escalation" in request.model_fields_set:
        return request.escalation
    if template is None or template.escalation is None:
        return None
    return EscalationRequest.model_validate(template.escalation)


async def look_up(
    conn: AsyncConnection, module_id: UUID, asked: Iterable[EscalationRequest | None]
) -> Named:
    """Look up what steps name, in one query per kind, whatever their number."""
    steps = [step for one in asked if one is not None for step in one.steps]
    refs = {_name(one.recipient) for one in steps if one.recipient is not None}
    rota_names = {one.rota for one in steps if one.rota is not None}
    return Named(
        await _profiles(conn, module_id, refs) if refs else {},
        await _rotas(conn, module_id, rota_names) if rota_names else {},
    )


def judge(
    asked: EscalationRequest,
    known: Named,
    words: Mapping[str, Any],
    chosen: Sequence[Channel],
    errors: list[FieldError],
) -> dict[str, Any]:
    """Return steps as they are stored, each with its channels, waits and ids; `errors` gets what
    is wrong with them. `chosen` are the channels of steps that name none.
    """
    errors += [FieldError(f"escalation.{one.field}", one.message)
               for one in check(asked, known, words)]  # fmt: skip
    return {"steps": list(_stored(asked, known, chosen))}


def check(asked: EscalationRequest, known: Named, words: Mapping[str, Any]) -> Iterator[FieldError]:
    """Yield what is wrong with steps: names of nothing, channels without words."""
    for number, step in enumerate(asked.steps):
        place = f"steps[{number}]"
        if step.recipient is not None and _name(step.recipient) not in known.profiles:
            yield FieldError(f"{place}.recipient", "names no profile of this module")
        if step.rota is not None and step.rota not in known.rotas:
            yield FieldError(f"{place}.rota", "names no rota of this module")
        for position, channel in enumerate(step.channels or ()):
            if words.get(channel) is None:
                yield FieldError(
                    f"{place}.channels[{position}]", "has no content in this request or template"
                )


async def check_template(
    conn: AsyncConnection,
    module_id: UUID,
    asked: EscalationRequest | None,
    words: Mapping[str, Any],
) -> None:
    """Raise Invalid for steps of a template version that name nothing, or channels without words.

    Who is named may be gone when it is sent; that is judged anew with each request.
    """
    if asked is None:
        return
    known = await look_up(conn, module_id, [asked])
    if errors := list(check(asked, known, words)):
        raise Invalid(errors=errors).inside("escalation")


def channels_of(escalation: Mapping[str, Any]) -> list[Channel]:
    """Return the channels of stored steps, each once, in their order."""
    listed = (Channel(one) for step in escalation["steps"] for one in step["channels"])
    return list(dict.fromkeys(listed))


def as_request(escalation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return stored steps as they could be asked for anew."""
    if escalation is None:
        return None
    first, *others = escalation["steps"]
    waitless = {name: value for name, value in first.items()
                if name not in ("wait_seconds", "stop_on")}  # fmt: skip
    return {"steps": [waitless, *others]}


def _stored(
    asked: EscalationRequest, known: Named, chosen: Sequence[Channel]
) -> Iterator[dict[str, Any]]:
    for step in asked.steps:
        stored: dict[str, Any] = {
            "channels": list(step.channels or chosen),
            "wait_seconds": step.wait_seconds or 0,
            "stop_on": step.stop_on or StopOn.READ,
        }
        if step.recipient is not None and _name(step.recipient) in known.profiles:
            stored["recipient"] = encode("prf", known.profiles[_name(step.recipient)])
        if step.rota is not None and step.rota in known.rotas:
            stored["rota"] = encode("rot", known.rotas[step.rota])
        yield stored


def _name(ref: _Ref) -> str:
    """Return a reference as a key: ids begin with prf_, external ids are told apart by a mark."""
    return ref if isinstance(ref, str) else f"external {ref.external_id}"


async def _profiles(conn: AsyncConnection, module_id: UUID, refs: set[str]) -> dict[str, UUID]:
    external = [one.removeprefix("external ") for one in refs if one.startswith("external ")]
    ids = [id for one in refs if (id := _id("prf", one)) is not None]
    found, named = await profiles.find_ids(conn, module_id, sorted(ids), sorted(external))
    known = {encode("prf", id): id for id in found}
    return known | {f"external {name}": id for name, id in named.items()}


async def _rotas(conn: AsyncConnection, module_id: UUID, names: set[str]) -> dict[str, UUID]:
    ids = [id for one in names if (id := _id("rot", one)) is not None]
    found, named = await rotas.find_ids(conn, module_id, sorted(ids), sorted(names))
    return {name: id for name, id in named.items() if name in names} | {
        encode("rot", id): id for id in found
    }


def _id(prefix: str, text: str) -> UUID | None:
    try:
        return decode(prefix, text)
    except InvalidId:
        return None
