"""What a fake vendor over HTTP is: it answers as the vendor's pages say, and misbehaves as told.

A fake shares no code with the adapter that talks to it, so that it cannot share its mistakes.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar
from urllib.parse import parse_qsl


class Behaviour(StrEnum):
    """How a request is treated; every fake knows all of them, in its vendor's own words."""

    ACCEPT = "accept"
    REJECT_RECIPIENT = "reject_recipient"
    REJECT_MESSAGE = "reject_message"
    REJECT_ACCOUNT = "reject_account"
    THROTTLE = "throttle"
    FAIL = "fail"
    """Its internal error: 500."""
    BAD_GATEWAY = "bad_gateway"
    """502 with a page of HTML."""
    UNAVAILABLE = "unavailable"
    """503."""
    HANG = "hang"
    """Takes the message and stays silent."""
    DROP_BEFORE_BODY = "drop_before_body"
    """Closes when it has the headers."""
    DROP_AFTER_BODY = "drop_after_body"
    """Takes the message and closes without an answer."""
    GARBAGE = "garbage"
    """Takes the message and answers 200 with bytes that are nothing."""
    WRONG_TYPE = "wrong_type"
    """Takes the message and answers 200 with JSON of another shape."""
    TRUNCATED = "truncated"
    """Takes the message, sends half of the answer and resets."""
    HUGE = "huge"
    """Takes the message and answers without end."""


TAKES: frozenset[Behaviour] = frozenset(
    {
        Behaviour.ACCEPT, Behaviour.HANG, Behaviour.DROP_AFTER_BODY, Behaviour.GARBAGE,
        Behaviour.WRONG_TYPE, Behaviour.TRUNCATED, Behaviour.HUGE,
    }
)  # fmt: skip
"""Behaviours under which the vendor has the message in the end."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came; `path` is below the vendor's own prefix, with its slash."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str = ""
    """The whole URL that the client used."""

    def form(self) -> dict[str, str]:
        """Return the fields of a form body; of a repeated one the last."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Any:
        """Return the JSON body; raises ValueError."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of_json(cls, status: int, document: Any, **headers: str) -> "Answer":
        """Return a JSON answer; underscores in names of headers stand for hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(
            status, {"Content-Type": "application/json", **named}, json.dumps(document).encode()
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the vendor has: `tag` is what of ours came with it (an attempt id)."""

    id: str
    address: str
    tag: str
    asked: Asked
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """A webhook that the vendor makes: to be posted to `url` as it is."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


class Forgery(StrEnum):
    """What is wrong with a webhook that somebody else made."""

    UNSIGNED = "unsigned"
    WRONG_KEY = "wrong_key"
    CHANGED_BODY = "changed_body"
    """Changed after it was signed."""
    REPLAYED = "replayed"
    """Signed long ago, where the scheme has a time in it."""


class FakeVendor:
    """A vendor: subclasses say what it answers."""

    name: ClassVar[str] = ""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.taken: list[Taken] = []
        self.by_address: dict[str, Behaviour] = {}
        self.always: Behaviour = Behaviour.ACCEPT
        self._script: deque[Behaviour] = deque()

    def script(self, *behaviours: Behaviour) -> None:
        """Let the next requests be treated like this, in order."""
        self._script.extend(behaviours)

    def scripted(self) -> Behaviour | None:
        """Return and use up what the script says of the next request."""
        return self._script.popleft() if self._script else None

    def behaviour_for(self, asked: Asked) -> Behaviour:
        """Return how a request is treated that the script says nothing of."""
        for address in self.addresses(asked):
            if address in self.by_address:
                return self.by_address[address]
        return self.always

    def sends(self, asked: Asked) -> bool:  # noqa: ARG002
        """Whether a request is one that sends (and not one for a token, or a look-up)."""
        return True

    def addresses(self, asked: Asked) -> list[str]:
        """Return the recipients that a request names."""
        raise NotImplementedError

    def answer(self, asked: Asked) -> Answer:
        """Check a request as the vendor does, keep what it takes in `taken`, and answer."""
        raise NotImplementedError

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:
        """Answer a request that is to be refused, throttled or failed, in the vendor's words."""
        raise NotImplementedError

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Return the webhook that tells an event (in the vendor's words) of a message."""
        raise NotImplementedError
