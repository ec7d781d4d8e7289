"""Inputs of campaigns' forms and the contract: an input is named as the contract names it."""

from collections.abc import Mapping
from typing import Any, Final

PACE: Final = (
    "pace.per_second", "pace.ramp.start_per_second", "pace.ramp.over_seconds",
    "pace.ramp.doubles_every_seconds",
)  # fmt: skip

CANARY: Final = (
    "canary.share", "canary.at_least", "canary.wait_seconds", "canary.bounds.bounced",
    "canary.bounds.complained", "canary.bounds.failed",
)  # fmt: skip
USUAL: Final = {
    "canary.at_least": "100", "canary.wait_seconds": "600", "canary.bounds.bounced": "5",
    "canary.bounds.complained": "0.1", "canary.bounds.failed": "10",
}  # fmt: skip
IDENTITY: Final = ("sender.from", "sender.reply_to", "brand.name", "brand.colour")
TEST: Final = (
    "ab_test.decide_after_seconds", "ab_test.measure", "ab_test.event_type", "ab_test.at_least",
)  # fmt: skip
MOST_VARIANTS: Final = 3
"""That the form offers; the API knows more."""
VARIANT: Final = "ab_test.variants."
VARIANTS: Final = tuple(
    f"ab_test.variants[{n}].{name}" for n in range(MOST_VARIANTS) for name in ("template", "share")
)
"""How errors name the inputs of variants."""
WHOLE: Final = (
    "canary.bounds", "sender", "ab_test", "ab_test.variants",
    *(f"ab_test.variants[{n}]" for n in range(MOST_VARIANTS)),
)  # fmt: skip
"""Errors about several inputs, which stand beside the first of them."""
_PERCENT: Final = ("canary.share", *CANARY[3:])
_BOUNDS: Final = ("bounced", "complained", "failed")


def pace_of(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the pace of a form, with its ramp; None where nothing of it was filled in."""
    return nested(fields, PACE).get("pace")


def pace_fields(pace: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a pace as its inputs have it."""
    return flat({"pace": pace or {}}, PACE)


def test_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the test of a form, with those of its variants that name a template."""
    rows = [
        {"template": fields.get(f"{VARIANT}{n}.template", "").strip(),
         "share": _share(fields.get(f"{VARIANT}{n}.share", ""))}
        for n in range(MOST_VARIANTS)
    ]  # fmt: skip
    told: dict[str, Any] = nested(fields, TEST).get("ab_test", {})
    return {**told, "variants": [one for one in rows if one["template"]]}


def test_fields(test: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a test as its inputs have it, shares in percent."""
    if test is None:
        return {}
    shown = flat({"ab_test": test}, TEST)
    for n, one in enumerate(test["variants"]):
        shown[f"{VARIANT}{n}.template"] = one["template"]
        shown[f"{VARIANT}{n}.share"] = f"{100 * one['share']:.6g}"
    return shown


def identity_of(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the sender and the brand of a form, as far as they were filled in."""
    return nested(fields, IDENTITY)


def identity_fields(found: Mapping[str, Any]) -> dict[str, str]:
    """Return a campaign's sender and brand as their inputs have them."""
    return flat(found, IDENTITY)


def canary_of(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the canary of a form, None where no share is given; a bound left empty is none."""
    if not fields.get("canary.share", "").strip():
        return None
    shares = {name: _share(fields.get(name, "")) for name in _PERCENT}
    canary: dict[str, Any] = nested({**fields, **shares}, CANARY)["canary"]
    return {**canary, "bounds": {**dict.fromkeys(_BOUNDS), **canary.get("bounds", {})}}


def canary_fields(canary: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a canary as its inputs have it, shares in percent."""
    if canary is None:
        return dict(USUAL)
    given = flat({"canary": canary}, CANARY)
    percents = {name: f"{100 * float(given[name]):.6g}" for name in _PERCENT if given[name]}
    return {**given, **percents}


def nested(fields: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """Return what was filled in of inputs whose dotted names say where they belong."""
    document: dict[str, Any] = {}
    for name in names:
        value = fields.get(name, "").strip()
        if value:
            *path, last = name.split(".")
            inside = document
            for part in path:
                inside = inside.setdefault(part, {})
            inside[last] = value
    return document


def flat(document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """Return the inputs of a document; the opposite of `nested`."""
    return {name: _at(document, name.split(".")) for name in names}


def _share(percent: str) -> str:
    """Return what was given in percent as a share; what is no number is left to be refused."""
    try:
        return f"{float(percent.strip()) / 100:.12g}" if percent.strip() else ""
    except ValueError:
        return percent


def _at(document: Any, path: list[str]) -> str:
    for part in path:
        document = document.get(part) if isinstance(document, Mapping) else None
    return (
        ""
        if document is None
        else f"{document:g}"
        if isinstance(document, float)
        else str(document)
    )
