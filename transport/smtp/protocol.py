"""The client's half of SMTP as a state machine without I/O: bytes in, replies out, bytes to write.

Every command takes its place in a queue of steps, every reply answers the oldest step. With one
step at a time this is the plain dialogue; the same queue carries pipelined commands (RFC 2920)
where the server offers it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from transport.smtp.auth import sign_in_lines
from transport.smtp.capabilities import Capabilities, parse_capabilities
from transport.smtp.envelope import Envelope, stuff_body
from transport.smtp.exchange import Phase
from transport.smtp.replies import MalformedReply, Reply, ReplyReader

CLOSING_CODES: Final = frozenset({221, 421})
"""After these the server closes; 421 may come in place of any reply, and unasked."""

_ENDS_A_GROUP: Final[frozenset[Phase]] = frozenset(
    {"greeting", "ehlo", "tls", "auth", "data", "quit"}
)
"""After these steps nothing may be written before the reply is here (RFC 2920 §3.1)."""


class OutOfTurn(Exception):
    """A command was given when the protocol does not allow it: a bug of the caller."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and the step that it answers."""

    phase: Phase
    reply: Reply


class Dialogue:
    """One SMTP session; each command returns the bytes to write."""

    def __init__(self) -> None:
        self.capabilities = Capabilities()
        self.encrypted = False
        self.closing = False
        self._reader = ReplyReader()
        self._awaited: deque[Phase] = deque(["greeting"])
        self._sign_in: deque[bytes] = deque()
        self._in_body = False

    @property
    def phase(self) -> Phase | None:
        """The step whose reply is awaited, or `body` within the content; None between steps."""
        if self._in_body:
            return "body"
        return self._awaited[0] if self._awaited else None

    def receive(self, data: bytes) -> Iterator[Answer]:
        """Take the server's bytes and yield the answers they complete.

        Raises MalformedReply for what is no reply, and for one that nobody asked for; a 421 that
        nobody asked for only marks the dialogue as closing.
        """
        for reply in self._reader.feed(data):
            if (answer := self._match(reply)) is not None:
                yield answer

    def hello(self, name: str) -> bytes:
        """Introduce ourselves; the reply's capabilities replace all earlier ones."""
        self.capabilities = Capabilities()
        return self._step("ehlo", f"EHLO {name}\r\n".encode())

    def hello_plainly(self, name: str) -> bytes:
        """Introduce ourselves to a server that does not know EHLO."""
        return self._step("ehlo", f"HELO {name}\r\n".encode())

    def starttls(self) -> bytes:
        """Ask to go on encrypted (RFC 3207); after a 220 start TLS, then call tls_started."""
        return self._step("tls", b"STARTTLS\r\n")

    def tls_started(self) -> None:
        """Forget what was learned in the clear (RFC 3207 §4.2).

        Raises MalformedReply when bytes of a further reply were sent in the clear: somebody tries
        to have them taken for the server's encrypted words.
        """
        if not self._reader.idle or self._awaited:
            raise MalformedReply("the server went on in the clear after agreeing to TLS")
        self.capabilities = Capabilities()
        self.encrypted = True

    def authenticate(self, *, user: str, password: str) -> bytes:
        """Sign in; for each 334 that comes, write `respond()`. Raises NoMechanism."""
        lines = sign_in_lines(self.capabilities.auth, user=user, password=password)
        self._sign_in = deque(lines[1:])
        return self._step("auth", lines[0])

    def respond(self) -> bytes:
        """Return the next line of the sign-in; a lone `*`, which ends it, when none is left."""
        return self._step("auth", self._sign_in.popleft() if self._sign_in else b"*\r\n")

    def mail(self, envelope: Envelope) -> bytes:
        """Open a mail transaction."""
        return self._step("mail", envelope.mail)

    def rcpt(self, envelope: Envelope) -> bytes:
        """Name the recipient."""
        return self._step("rcpt", envelope.rcpt)

    def data(self) -> bytes:
        """Ask to send the content; 354 lets `body` follow."""
        return self._step("data", b"DATA\r\n")

    def body(self, mime: bytes) -> bytes:
        """Return the content, dots stuffed; the server has nothing until `final_dot` follows."""
        if not self._in_body:
            raise OutOfTurn("the content goes only after a 354")
        return stuff_body(mime)

    def final_dot(self) -> bytes:
        """End the content: from here on the server may have the message."""
        if not self._in_body:
            raise OutOfTurn("there is no content to end")
        self._in_body = False
        return self._step("final-dot", b".\r\n")

    def rset(self) -> bytes:
        """Give up the open mail transaction."""
        return self._step("rset", b"RSET\r\n")

    def quit(self) -> bytes:
        """Say goodbye."""
        return self._step("quit", b"QUIT\r\n")

    def _step(self, phase: Phase, line: bytes) -> bytes:
        if self._in_body:
            raise OutOfTurn("no command may stand within the content")
        if self._awaited and (
            self._awaited[-1] in _ENDS_A_GROUP or not self.capabilities.pipelining
        ):
            raise OutOfTurn(f"{phase} before the reply to {self._awaited[-1]}")
        self._awaited.append(phase)
        return line

    def _match(self, reply: Reply) -> Answer | None:
        self.closing = self.closing or reply.code in CLOSING_CODES
        if not self._awaited:
            if not self.closing:
                raise MalformedReply("a reply that nobody asked for")
            return None
        phase = self._awaited.popleft()
        if phase == "ehlo" and reply.positive:
            self.capabilities = parse_capabilities(reply.lines)
        self._in_body = phase == "data" and reply.code == 354
        return Answer(phase, reply)
