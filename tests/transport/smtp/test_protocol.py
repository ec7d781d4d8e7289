"""The dialogue without a socket: turns, capabilities, TLS, signing in."""

import base64
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.mail import a_mail
from transport.smtp.auth import NoMechanism
from transport.smtp.envelope import seal_envelope
from transport.smtp.protocol import Dialogue, OutOfTurn
from transport.smtp.replies import MalformedReply

EHLO = b"250-mail.example.com\r\n250-AUTH PLAIN LOGIN\r\n250-STARTTLS\r\n250 SIZE 99\r\n"


def greeted() -> Dialogue:
    dialogue = Dialogue()
    [answer] = dialogue.receive(b"220 hello\r\n")
    assert answer.phase == "greeting"
    return dialogue


def introduced(offered: bytes = EHLO) -> Dialogue:
    dialogue = greeted()
    assert dialogue.hello("client.example.com") == b"EHLO client.example.com\r\n"
    [answer] = dialogue.receive(offered)
    assert answer.phase == "ehlo"
    return dialogue


def test_a_whole_transaction() -> None:
    dialogue = introduced()
    envelope = seal_envelope(a_mail(), dialogue.capabilities)
    assert dialogue.mail(envelope).startswith(b"MAIL FROM:<tocsin@example.com>")
    assert [a.phase for a in dialogue.receive(b"250 ok\r\n")] == ["mail"]
    assert dialogue.rcpt(envelope) == b"RCPT TO:<sam@example.org>\r\n"
    assert [a.phase for a in dialogue.receive(b"250 ok\r\n")] == ["rcpt"]
    assert dialogue.data() == b"DATA\r\n"
    assert [a.phase for a in dialogue.receive(b"354 go on\r\n")] == ["data"]
    assert dialogue.body(b".x\r\n") == b"..x\r\n"
    assert dialogue.phase == "body"
    assert dialogue.final_dot() == b".\r\n"
    assert [a.phase for a in dialogue.receive(b"250 queued\r\n")] == ["final-dot"]
    assert dialogue.quit() == b"QUIT\r\n"
    assert [a.phase for a in dialogue.receive(b"221 bye\r\n")] == ["quit"]
    assert dialogue.closing


@given(st.lists(st.integers(0, len(EHLO)), max_size=10))
def test_capabilities_do_not_depend_on_the_chunks(cuts: list[int]) -> None:
    dialogue = greeted()
    dialogue.hello("c")
    edges = [0, *sorted(cuts), len(EHLO)]
    for start, end in pairwise(edges):
        list(dialogue.receive(EHLO[start:end]))
    assert dialogue.phase is None
    assert dialogue.capabilities.size_limit == 99
    assert dialogue.capabilities.auth == {"PLAIN", "LOGIN"}


def test_a_refused_ehlo_offers_nothing_and_helo_may_follow() -> None:
    dialogue = introduced(b"502 what?\r\n")
    assert dialogue.capabilities.auth == frozenset()
    assert dialogue.hello_plainly("c") == b"HELO c\r\n"
    assert [a.reply.code for a in dialogue.receive(b"250 hello\r\n")] == [250]


def test_tls_makes_the_capabilities_forgotten() -> None:
    dialogue = introduced()
    dialogue.starttls()
    list(dialogue.receive(b"220 go\r\n"))
    dialogue.tls_started()
    assert dialogue.encrypted
    assert not dialogue.capabilities.starttls
    assert dialogue.capabilities.auth == frozenset()


@pytest.mark.parametrize("injected", [b"250 AUTH PLAIN\r\n", b"250-half", b"2"])
def test_nothing_said_in_the_clear_counts_after_starttls(injected: bytes) -> None:
    dialogue = introduced()
    dialogue.starttls()

    def go_on() -> None:
        list(dialogue.receive(b"220 go\r\n" + injected))
        dialogue.tls_started()

    with pytest.raises(MalformedReply):
        go_on()


def test_auth_plain_is_one_step() -> None:
    dialogue = introduced()
    line = dialogue.authenticate(user="sam", password="pässword")
    assert line.startswith(b"AUTH PLAIN ")
    assert base64.b64decode(line[11:]) == "\0sam\0pässword".encode()


def test_auth_login_answers_two_questions() -> None:
    dialogue = introduced(b"250-x\r\n250 AUTH LOGIN\r\n")
    assert dialogue.authenticate(user="sam", password="secret") == b"AUTH LOGIN\r\n"
    list(dialogue.receive(b"334 VXNlcm5hbWU6\r\n"))
    assert base64.b64decode(dialogue.respond()) == b"sam"
    list(dialogue.receive(b"334 UGFzc3dvcmQ6\r\n"))
    assert base64.b64decode(dialogue.respond()) == b"secret"
    list(dialogue.receive(b"334 one more\r\n"))
    assert dialogue.respond() == b"*\r\n"


def test_no_mechanism_in_common() -> None:
    with pytest.raises(NoMechanism):
        introduced(b"250-x\r\n250 AUTH CRAM-MD5\r\n").authenticate(user="a", password="b")


def test_421_may_come_unasked() -> None:
    dialogue = introduced()
    assert list(dialogue.receive(b"421 closing\r\n")) == []
    assert dialogue.closing


def test_421_may_come_instead_of_any_reply() -> None:
    dialogue = introduced()
    dialogue.data()
    [answer] = dialogue.receive(b"421 closing\r\n")
    assert (answer.phase, answer.reply.code, dialogue.closing) == ("data", 421, True)


def test_other_replies_may_not_come_unasked() -> None:
    with pytest.raises(MalformedReply):
        list(introduced().receive(b"250 surprise\r\n"))


def test_one_command_at_a_time() -> None:
    dialogue = introduced()
    dialogue.rset()
    with pytest.raises(OutOfTurn):
        dialogue.rset()


def test_with_pipelining_commands_queue_up_until_one_must_be_last() -> None:
    dialogue = introduced(b"250-x\r\n250 PIPELINING\r\n")
    envelope = seal_envelope(a_mail(), dialogue.capabilities)
    written = dialogue.mail(envelope) + dialogue.rcpt(envelope) + dialogue.data()
    assert written.count(b"\r\n") == 3
    with pytest.raises(OutOfTurn):
        dialogue.rset()
    answers = dialogue.receive(b"250 ok\r\n550 no\r\n503 no recipients\r\n")
    assert [(a.phase, a.reply.code) for a in answers] == [
        ("mail", 250),
        ("rcpt", 550),
        ("data", 503),
    ]


def test_content_goes_only_after_354() -> None:
    dialogue = introduced()
    with pytest.raises(OutOfTurn):
        dialogue.body(b"")
    with pytest.raises(OutOfTurn):
        dialogue.final_dot()


def test_no_command_goes_within_content() -> None:
    dialogue = introduced()
    dialogue.data()
    list(dialogue.receive(b"354 go on\r\n"))
    with pytest.raises(OutOfTurn):
        dialogue.quit()
