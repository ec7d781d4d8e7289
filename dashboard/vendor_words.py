"""What is said about vendor accounts: whether they work, how one stands, what its settings are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.figures import percent, plain, thousands
from dashboard.overview import Verdict
from dashboard.vendor_inputs import Input, Kind, text_of
from domain.routing import Circuit
from services.accounts import PAUSED


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account stands: `kind` for whoever writes the sentence, a word, and the state whose
    colour and icon it takes.
    """

    kind: str
    word: str
    tone: str


_STANDINGS = {
    "broken": Standing("broken", "settings unusable", "failed"),
    PAUSED: Standing(PAUSED, "paused", "cancelled"),
    Circuit.OPEN: Standing("open", "circuit open", "failed"),
    Circuit.HALF_OPEN: Standing("half_open", "half open", "sending"),
    "throttled": Standing("throttled", "throttled", "waiting"),
    Circuit.CLOSED: Standing("closed", "healthy", "delivered"),
}


@dataclass(frozen=True, slots=True)
class Fact:
    """A setting and what it is; of secrets only whether they are set."""

    label: str
    text: str
    of_connection: bool


def standing(health: Mapping[str, Any]) -> Standing:
    """Return how an account stands, what matters most first."""
    if health["state"] == PAUSED:
        return _STANDINGS[PAUSED]
    if health["settings_problem"]:
        return _STANDINGS["broken"]
    slowed = health["state"] == Circuit.CLOSED and health["slowed_until"]
    return _STANDINGS["throttled" if slowed else health["state"]]


def judge(found: Sequence[Mapping[str, Any]]) -> Verdict:
    """Return whether everything can be sent, worst news first."""
    if not found:
        return Verdict("There is no account yet", "Nothing can be sent without one.", "bad")
    channels = dict.fromkeys(one["channel"] for one in found)
    able = {one["channel"] for one in found if one["in_use"]}
    mute = [channel for channel in channels if channel not in able]
    idle = [one for one in found if not one["in_use"] and one["state"] != PAUSED]
    sent = _sent(found)
    if mute:
        names = ", ".join(mute)
        waits = "No account is in use there. What is asked for waits until one is."
        return Verdict(f"Nothing can be sent now by {names}", f"{waits} {sent}", "bad")
    if idle:
        out = f"{len(idle)} of {len(found)} accounts {'is' if len(idle) == 1 else 'are'} out of use"
        return Verdict(out, f"The others send instead. {sent}", "warn")
    return Verdict("Every account works", sent, "good")


def pace(health: Mapping[str, Any]) -> str:
    """Return an account's messages per second, and what a throttling vendor has left of them."""
    limit = health["per_second"]
    if limit is None:
        return "no limit"
    if health["pace"] < 1:
        return f"{plain(round(limit * health['pace'], 2))} of {plain(limit)}/s"
    return f"{plain(limit)}/s"


def facts(inputs: Sequence[Input], account: Mapping[str, Any]) -> list[Fact]:
    """Return the settings of an account in words."""
    settings = account["settings"] or {}
    told = []
    for one in inputs:
        name = one.name.partition(".")[2]
        if one.secret:
            text = "set" if name in account["secrets"] else "not set"
        elif one.kind is Kind.SWITCH:
            text = "yes" if settings.get(name) else "no"
        else:
            text = text_of(one.kind, settings.get(name)) or "–"  # noqa: RUF001 - a dash
        told.append(Fact(one.label, text, one.of_connection))
    return told


def _sent(found: Sequence[Mapping[str, Any]]) -> str:
    hours = [one["last_hour"] for one in found]
    total = sum(hour["total"] for hour in hours)
    if not total:
        return "Nothing was sent in the last hour."
    bad = sum(hour["transient"] + hour["unknown"] + hour["refused"] for hour in hours)
    return f"{thousands(total)} tries in the last hour, {percent(bad / total)} of them failed."
