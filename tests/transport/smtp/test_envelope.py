"""Envelopes say what is needed, as far as it is offered, and bodies cannot end early."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.mail import MIME, a_mail
from transport.smtp.capabilities import Capabilities
from transport.smtp.envelope import seal_envelope, stuff_body
from transport.smtp.exchange import Stopped

ALL = Capabilities(size=True, size_limit=1000, eightbitmime=True, smtputf8=True)
NOTHING = Capabilities()


def test_a_bare_server_gets_a_bare_envelope() -> None:
    envelope = seal_envelope(a_mail(), NOTHING)
    assert envelope.mail == b"MAIL FROM:<tocsin@example.com>\r\n"
    assert envelope.rcpt == b"RCPT TO:<sam@example.org>\r\n"


def test_the_null_sender() -> None:
    assert seal_envelope(a_mail(mail_from=""), NOTHING).mail == b"MAIL FROM:<>\r\n"


def test_size_is_told_where_it_is_offered() -> None:
    envelope = seal_envelope(a_mail(), ALL)
    assert envelope.mail == b"MAIL FROM:<tocsin@example.com> SIZE=%d\r\n" % len(MIME)


DSN = Capabilities(dsn=True)
NAMED = {"notify": "FAILURE,DELAY", "attempt_id": "att_1+=~"}


def test_reports_are_asked_for_where_they_are_offered() -> None:
    envelope = seal_envelope(a_mail(**NAMED, rcpt_to="sam+x=y@example.org"), DSN)
    assert envelope.mail == (
        b"MAIL FROM:<tocsin@example.com> RET=HDRS ENVID=att_1+2B+3D~\r\n"
    )  # fmt: skip
    assert envelope.rcpt == (
        b"RCPT TO:<sam+x=y@example.org> NOTIFY=FAILURE,DELAY"
        b" ORCPT=rfc822;sam+2Bx+3Dy@example.org\r\n"
    )


def test_reports_are_not_asked_for_elsewhere() -> None:
    assert seal_envelope(a_mail(**NAMED), NOTHING) == seal_envelope(a_mail(), NOTHING)
    assert seal_envelope(a_mail(), DSN) == seal_envelope(a_mail(), NOTHING)


def test_an_address_beyond_ascii_is_not_told_as_the_original_one() -> None:
    offered = Capabilities(dsn=True, smtputf8=True, eightbitmime=True)
    envelope = seal_envelope(a_mail(**NAMED, rcpt_to="jürgen@example.org"), offered)
    assert envelope.rcpt.endswith(b" NOTIFY=FAILURE,DELAY\r\n")


def test_8_bit_content_is_declared() -> None:
    envelope = seal_envelope(a_mail(mime="é\r\n".encode()), ALL)
    assert envelope.mail.endswith(b" SIZE=4 BODY=8BITMIME\r\n")


def test_a_local_part_beyond_ascii_asks_for_smtputf8() -> None:
    envelope = seal_envelope(a_mail(rcpt_to="jürgen@bücher.example"), ALL)
    assert envelope.mail.endswith(b" BODY=8BITMIME SMTPUTF8\r\n")
    assert envelope.rcpt == "RCPT TO:<jürgen@xn--bcher-kva.example>\r\n".encode()


def test_a_domain_beyond_ascii_does_not() -> None:
    envelope = seal_envelope(a_mail(rcpt_to="sam@bücher.example"), NOTHING)
    assert envelope.rcpt == b"RCPT TO:<sam@xn--bcher-kva.example>\r\n"


@pytest.mark.parametrize(
    ("given", "offered", "phase", "problem"),
    [
        ({"rcpt_to": "jürgen@example.org"}, NOTHING, "rcpt", "recipient"),
        ({"rcpt_to": "sam@example.org\r\nDATA"}, ALL, "rcpt", "recipient"),
        ({"rcpt_to": "sam@example.org\0"}, ALL, "rcpt", "recipient"),
        ({"rcpt_to": ""}, ALL, "rcpt", "recipient"),
        ({"mail_from": "jürgen@example.org"}, NOTHING, "mail", "sender"),
        ({"mail_from": "a@b>\r\nRCPT TO:<eve@example.org"}, ALL, "mail", "sender"),
        ({"mime": b"x" * 1001}, ALL, "mail", "size"),
        ({"mime": "é".encode()}, NOTHING, "mail", "message"),
        ({"smtputf8": True}, NOTHING, "mail", "message"),
    ],
)
def test_unfit_messages_are_stopped_first(
    given: dict[str, object], offered: Capabilities, phase: str, problem: str
) -> None:
    with pytest.raises(Stopped) as stopped:
        seal_envelope(a_mail(**given), offered)
    exchange = stopped.value.exchange
    assert (exchange.phase, exchange.problem, exchange.reply) == (phase, problem, None)


@pytest.mark.parametrize(
    ("mime", "stuffed"),
    [
        (b"", b""),
        (b"a", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b".", b"..\r\n"),
        (b".\r\n", b"..\r\n"),
        (b"a\r\n.\r\nb\r\n", b"a\r\n..\r\nb\r\n"),
        (b"a\r\n.b\r\n..c", b"a\r\n..b\r\n...c\r\n"),
        (b"a\n.\nb", b"a\r\n..\r\nb\r\n"),
        (b"a\r.\rb", b"a\r\n..\r\nb\r\n"),
        (b"a\r\r\n", b"a\r\n\r\n"),
        (b"a\r", b"a\r\n"),
        (b"a\n\r.\r\n", b"a\r\n\r\n..\r\n"),
    ],
)
def test_stuffing(mime: bytes, stuffed: bytes) -> None:
    assert stuff_body(mime) == stuffed


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"a", b"\r\n", b"\r\n.\r\n"])).map(b"".join))
def test_nothing_in_a_body_can_end_it(mime: bytes) -> None:
    sent = stuff_body(mime) + b".\r\n"
    assert sent.find(b"\r\n.\r\n") in (-1, len(sent) - 5)
    assert sent.replace(b"\r\n", b"").count(b"\r") == sent.replace(b"\r\n", b"").count(b"\n") == 0
    received = (b"\r\n" + sent)[: -len(b".\r\n")].replace(b"\r\n.", b"\r\n")[2:]
    lines = mime.replace(b"\r\n", b"\n").replace(b"\r", b"\n").removesuffix(b"\n").split(b"\n")
    assert received == (b"\r\n".join(lines) + b"\r\n" if mime else b"")
