"""The form of a business rule, kind by kind: inputs, and the settings that they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dashboard.choices import Choices, words_of
from dashboard.vendor_fields import new_document
from dashboard.vendor_inputs import SETTINGS, Input, Kind, text_of
from domain.rules import RuleKind
from domain.vocabulary import Channel, ModuleScope, Priority

KINDS: Final = {
    RuleKind.HOURS: "allowed hours",
    RuleKind.AUDIENCE: "largest audience",
    RuleKind.BANNED_WORDS: "banned words",
    RuleKind.FOOTER: "required footer",
    RuleKind.SENDER: "senders",
    RuleKind.ATTACHMENTS: "attachments",
    RuleKind.PRIORITY: "priority",
    RuleKind.APPROVAL: "approvals of campaigns",
}
EFFECTS: Final = {
    RuleKind.HOURS: "Outside them, messages are held until they begin.",
    RuleKind.AUDIENCE: "More messages of one call than this need an approved campaign.",
    RuleKind.BANNED_WORDS: "Messages that hold one of them are refused.",
    RuleKind.FOOTER: "What messages must end with.",
    RuleKind.SENDER: "Mail from anybody else is refused.",
    RuleKind.ATTACHMENTS: "Mail with other files is refused.",
    RuleKind.PRIORITY: "Counts where neither the request nor its template names one.",
    RuleKind.APPROVAL: "So many must approve a campaign before it starts.",
}


@dataclass(frozen=True, slots=True)
class Several:
    """Boxes of which several may be ticked, each named <name>.<value>, as text or as numbers."""

    name: str
    label: str
    choices: Choices
    help: str = ""
    numbers: bool = False


_DAYS: Final[Choices] = [
    ("1", "Monday"), ("2", "Tuesday"), ("3", "Wednesday"), ("4", "Thursday"), ("5", "Friday"),
    ("6", "Saturday"), ("7", "Sunday"),
]  # fmt: skip
_FOOTED: Final = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP, Channel.TELEGRAM)


def _input(name: str, label: str, kind: Kind = Kind.LINE, help: str = "", **more: Any) -> Input:
    return Input(SETTINGS + name, label, kind, help, **more)


INPUTS: Final[Mapping[RuleKind, Sequence[Input]]] = {
    RuleKind.HOURS: (
        _input("start", "From", help="Such as 08:00.", required=True),
        _input("end", "Until", help="Before the start: past midnight.", required=True),
        _input("timezone", "Time zone", help="Such as Europe/Paris, or recipient for each one's.",
               usual="recipient"),
    ),
    RuleKind.AUDIENCE: (
        _input("most", "Most messages of one call", Kind.NUMBER, required=True),
    ),
    RuleKind.BANNED_WORDS: (
        _input("words", "Words and phrases", Kind.LIST,
               "One a line. Whole words count; upper and lower case do not.", required=True),
    ),
    RuleKind.FOOTER: (
        _input("text", "Text", help="As recipients read it.", required=True),
        _input("action", "Where it is missing", Kind.CHOICE, "To inline words; others are refused.",
               choices=[("append", "append it"), ("refuse", "refuse the message")], usual="append"),
    ),
    RuleKind.SENDER: (
        _input("allowed", "Addresses and domains", Kind.LIST, "One a line: example.com.",
               required=True),
    ),
    RuleKind.ATTACHMENTS: (
        _input("types", "Types of files", Kind.LIST,
               "One a line: application/pdf, image/*. Empty: no files at all."),
        _input("most_bytes", "Most bytes of all together", Kind.NUMBER, "Empty: no limit."),
    ),
    RuleKind.PRIORITY: (
        _input("priority", "Priority", Kind.CHOICE, choices=words_of(Priority), usual="high"),
    ),
    RuleKind.APPROVAL: (
        _input("larger_than", "For more recipients than", Kind.NUMBER, usual="0"),
        _input("approvals", "Approvals", Kind.NUMBER, usual="1", required=True),
        _input("approvers", "Who may", Kind.LIST,
               "Users by id (usr_…), one a line. Empty: every administrator and approver."),
        _input("remind_every_hours", "Remind them each so many hours", Kind.NUMBER,
               "Empty: only when it is submitted and before its deadline.", usual="24"),
        _input("deadline_hours", "Expires after so many hours", Kind.NUMBER,
               "Empty: it waits until somebody decides."),
    ),
}  # fmt: skip
SEVERAL: Final[Mapping[RuleKind, Several]] = {
    RuleKind.HOURS: Several(
        SETTINGS + "days", "On", _DAYS, "None: on every day.", numbers=True
    ),
    RuleKind.FOOTER: Several(
        SETTINGS + "channels", "On channels", [(one.value, one.value) for one in _FOOTED]
    ),
}  # fmt: skip


def first(kind: RuleKind) -> dict[str, str]:
    """Return what the form of a new rule begins with."""
    ticked = {f"{SETTINGS}channels.email": "yes"} if kind is RuleKind.FOOTER else {}
    return {**{one.name: one.usual for one in INPUTS[kind]}, **ticked}


def texts(it: Mapping[str, Any]) -> dict[str, str]:
    """Return a kept rule as the fields of its form."""
    kind, settings = RuleKind(it["kind"]), it["settings"]
    found = {
        one.name: text_of(one.kind, settings.get(one.name.removeprefix(SETTINGS)))
        for one in INPUTS[kind]
    }
    several = SEVERAL.get(kind)
    if several is not None:
        given = settings.get(several.name.removeprefix(SETTINGS)) or ()
        found |= {f"{several.name}.{value}": "yes" for value in given}
    return {
        **found, "name": it["name"], "category": it["category"] or "",
        "module": it["module"] or "",
    }  # fmt: skip


def document(kind: RuleKind, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return {name, category, settings} as a form says them; raises Invalid for its numbers."""
    settings = new_document(INPUTS[kind], fields).get("settings", {})
    if kind is RuleKind.ATTACHMENTS:
        settings.setdefault("types", [])
    several = SEVERAL.get(kind)
    if several is not None:
        ticked = [v for v, _ in several.choices if fields.get(f"{several.name}.{v}") == "yes"]
        name = several.name.removeprefix(SETTINGS)
        if several.numbers:
            settings[name] = [int(one) for one in ticked] or None
        else:
            settings[name] = ticked
    return {
        "name": fields.get("name", "").strip(),
        "category": fields.get("category") or None,
        "settings": settings,
    }


def request(kind: RuleKind, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the document of a new rule, which binds a module or all."""
    scope = ModuleScope.MODULE if fields.get("module") else ModuleScope.ALL
    return {**document(kind, fields), "kind": kind, "scope": scope}
