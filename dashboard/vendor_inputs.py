"""The inputs of a vendor account's form: its rules, and its settings by the vendor's schema."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from dashboard.choices import Choices
from dashboard.figures import plain
from domain.vocabulary import Channel

SETTINGS: Final = "settings."
_CONNECTION: Final = frozenset({
    "base_url", "connections", "connect_seconds", "reply_seconds", "final_seconds", "ca_file",
    "client_name", "sns_host",
})  # fmt: skip
_SPELT: Final = {
    "api": "API", "arn": "ARN", "ca": "CA", "dn": "DN", "dsn": "DSN", "id": "ID", "sid": "SID",
    "sns": "SNS", "starttls": "STARTTLS", "url": "URL", "vapid": "VAPID",
}  # fmt: skip
_SAYS_WHAT_EMPTY_MEANS: Final = re.compile(r"\b(empty|unset|without it)\b", re.IGNORECASE)


class Kind(StrEnum):
    """What an input takes; `list` has a value a line, `words` have commas between them."""

    LINE = "line"
    FILE = "file"
    NUMBER = "number"
    LIST = "list"
    WORDS = "words"
    CHOICE = "choice"
    SWITCH = "switch"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Input:
    """One input, named as the contract names its field: `cost`, `settings.auth_token`.

    `usual` is the text of what holds when nothing is given.
    """

    name: str
    label: str
    kind: Kind = Kind.LINE
    help: str = ""
    required: bool = False
    secret: bool = False
    choices: Choices | None = None
    usual: str = ""

    @property
    def of_connection(self) -> bool:
        """Whether it is about the connection, hence of no interest as long as that works."""
        return self.name.removeprefix(SETTINGS) in _CONNECTION and not self.required


NAME: Final = Input("name", "Name", help="As lists and records call it.", required=True)
COUNTRIES: Final = Input(
    "countries", "Countries", Kind.WORDS, "And prefixes of numbers: DE, US, +4179. Empty: all."
)
RULES: Final = (
    Input("cost", "Cost of one message", Kind.NUMBER, "In a currency of your own. Empty: 0."),
    Input("weight", "Weight", Kind.NUMBER, "Its share among equal costs, 1 to 1000. Empty: 1."),
    COUNTRIES,
    Input("categories", "Categories", Kind.WORDS, "By key: otp, transactional. Empty: all."),
    Input("per_second", "Messages per second", Kind.NUMBER, "Over all processes. Empty: no limit."),
)
SLOW: Final = (
    Input("slow_seconds", "A receipt is late after", Kind.NUMBER, "Seconds. Empty: never."),
    Input(
        "slow_share", "Share of late receipts", Kind.NUMBER,
        "From 0 to 1: with 0.3 the account is left alone when 3 of 10 are late.",
    ),
)  # fmt: skip


def by_country(channel: str) -> bool:
    """Whether the addresses of a channel are numbers, which lie in countries."""
    return channel in (Channel.SMS, Channel.WHATSAPP)


def settings_inputs(schema: Mapping[str, Any]) -> list[Input]:
    """Return the inputs of a vendor's settings, by their JSON Schema: required ones first."""
    required, shared = schema.get("required", ()), schema.get("$defs", {})
    inputs = [
        _input(name, _resolved(given, shared), name in required)
        for name, given in schema.get("properties", {}).items()
    ]
    return sorted(inputs, key=lambda one: not one.required)


def label_of(name: str) -> str:
    """Return a setting's name as people read it, such as `Account SID` for account_sid."""
    words = " ".join(_SPELT.get(word, word) for word in name.split("_"))
    return f"{words[:1].upper()}{words[1:]}"


def text_of(kind: Kind, value: Any) -> str:
    """Return a value as the text of an input of this kind."""
    match kind:
        case Kind.SWITCH:
            return "yes" if value else ""
        case Kind.OBJECT:
            return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
        case Kind.LIST | Kind.WORDS:
            between = "\n" if kind is Kind.LIST else ", "
            return between.join(str(item) for item in value or ())
    if value is None:
        return ""
    return plain(value) if kind is Kind.NUMBER else str(value)


def _input(name: str, given: Mapping[str, Any], required: bool) -> Input:
    kind, secret = _kind(given), bool(given.get("writeOnly"))
    usual = "" if secret else text_of(kind, given.get("default"))
    return Input(
        SETTINGS + name, label_of(name), kind, _help(given, kind, usual), required, secret,
        [(str(value), str(value)) for value in given.get("enum", ())], usual,
    )  # fmt: skip


def _help(given: Mapping[str, Any], kind: Kind, usual: str) -> str:
    told = str(given.get("description", "")).rstrip(".")
    told = f"{told}, one a line" if kind is Kind.LIST else told
    if usual and kind in (Kind.LINE, Kind.NUMBER) and not _SAYS_WHAT_EMPTY_MEANS.search(told):
        told = f"{told}. Empty: {usual}"
    return f"{told}." if told else ""


def _kind(given: Mapping[str, Any]) -> Kind:
    if "enum" in given:
        return Kind.CHOICE
    kinds = {
        "boolean": Kind.SWITCH, "integer": Kind.NUMBER, "number": Kind.NUMBER, "array": Kind.LIST,
        "object": Kind.OBJECT,
    }  # fmt: skip
    kind = kinds.get(given.get("type", ""), Kind.LINE)
    return Kind.FILE if kind is Kind.LINE and "contentMediaType" in given else kind


def _resolved(given: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """Return a field's schema with what it refers to; of what may be null, with the other kind."""
    inner: Mapping[str, Any] = {}
    if "$ref" in given:
        inner = shared.get(str(given["$ref"]).rpartition("/")[2], {})
    else:
        able = [one for one in given.get("anyOf", ()) if one.get("type") != "null"]
        inner = _resolved(able[0], shared) if len(able) == 1 else {}
    return {**inner, **given}
