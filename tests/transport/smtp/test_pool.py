"""A pool against a real socket: what arrives, what is reused, and what is done about dead ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fakes.smtp import FakeSmtp
from fakes.smtp_faults import Fault
from tests.fixtures.mail import MIME, Server, a_mail, soon
from transport.smtp.exchange import Exchange
from transport.smtp.pool import SmtpPool


@asynccontextmanager
async def pool_for(smtp: FakeSmtp, **given: Any) -> AsyncIterator[SmtpPool]:
    """Yield a pool; keyword arguments go to the pool or to the server's description."""
    kept = {"messages_per_session", "idle_seconds"} & given.keys()
    options = {name: given.pop(name) for name in kept}
    pool = SmtpPool(Server(smtp.port, **given), **options)
    try:
        yield pool
    finally:
        await pool.close()


def told(exchange: Exchange) -> tuple[str, int, str]:
    """Return (phase, code, problem)."""
    return exchange.phase, exchange.reply.code if exchange.reply else 0, exchange.problem


ACCEPTED = ("final-dot", 250, "")


async def test_a_mail_arrives_as_it_was() -> None:
    mime = MIME + b".dots\r\n..\r\n.\r\nQUIT\r\n"
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        exchange = await pool.send(a_mail(mime=mime), deadline=soon())
        assert told(exchange) == ACCEPTED
        [received] = smtp.messages
    assert received.content == mime
    assert (received.mail_from, received.recipients) == ("tocsin@example.com", ["sam@example.org"])
    assert received.parameters == [f"SIZE={len(mime)}"]


async def test_a_large_mail_arrives_as_it_was() -> None:
    mime = MIME + b"0123456789.\r\n.abc\r\n" * 200_000
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        assert told(await pool.send(a_mail(mime=mime), deadline=soon())) == ACCEPTED
        assert smtp.messages[0].content == mime


async def test_a_bare_server_will_do() -> None:
    async with FakeSmtp(capabilities=()) as smtp, pool_for(smtp) as pool:
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert smtp.messages[0].parameters == []


async def test_a_server_that_knows_only_helo_will_do() -> None:
    async with FakeSmtp(knows_ehlo=False) as smtp, pool_for(smtp) as pool:
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert smtp.commands[:3] == ["EHLO", "HELO", "MAIL"]


async def test_one_connection_carries_many_mails() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        for _ in range(5):
            assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert smtp.connections == 1
        assert smtp.commands == ["EHLO"] + ["MAIL", "RCPT", "DATA"] * 5


async def test_a_refused_recipient_is_reset_before_the_next_mail() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        smtp.script(Fault("rcpt", "reply", "550 5.1.1 nobody"))
        assert told(await pool.send(a_mail(), deadline=soon())) == ("rcpt", 550, "")
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert smtp.connections == 1
        assert smtp.commands == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]


async def test_an_unfit_mail_costs_no_connection() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        exchange = await pool.send(a_mail(rcpt_to="a@b\r\nDATA"), deadline=soon())
        assert told(exchange) == ("rcpt", 0, "recipient")
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert (smtp.connections, len(smtp.messages)) == (1, 1)


async def test_connections_are_recycled_after_so_many_mails() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp, messages_per_session=2) as pool:
        for _ in range(5):
            assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert [received.connection for received in smtp.messages] == [1, 1, 2, 2, 3]
        await smtp.hears("QUIT", times=2)


async def test_idle_connections_are_given_back() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp, idle_seconds=0.01) as pool:
        await pool.send(a_mail(), deadline=soon())
        await smtp.hears("QUIT")
        await pool.send(a_mail(), deadline=soon())
        assert smtp.connections == 2


async def test_no_more_connections_than_allowed() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp, connections=3) as pool:
        sends = [pool.send(a_mail(attempt_id=f"att_{n}"), deadline=soon()) for n in range(30)]
        exchanges = await asyncio.gather(*sends)
        assert [told(exchange) for exchange in exchanges] == [ACCEPTED] * 30
        assert smtp.connections == 3


async def test_a_kept_connection_found_dead_is_replaced() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        await pool.send(a_mail(), deadline=soon())
        await smtp.hang_up()
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert [received.connection for received in smtp.messages] == [1, 2]


async def test_a_kept_connection_that_dies_in_the_envelope_is_replaced_once() -> None:
    for stage in ("mail", "rcpt", "data"):
        for act in ("drop", "garbage", "half"):
            async with FakeSmtp() as smtp, pool_for(smtp) as pool:
                await pool.send(a_mail(), deadline=soon())
                smtp.script(Fault(stage, act))
                assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
                assert [received.connection for received in smtp.messages] == [1, 2]


async def test_it_is_replaced_only_once() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        await pool.send(a_mail(), deadline=soon())
        smtp.script(Fault("mail", "drop", times=2))
        assert told(await pool.send(a_mail(), deadline=soon())) == ("mail", 0, "lost")
        assert smtp.connections == 2


async def test_a_new_connection_that_dies_is_not_replaced() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        smtp.script(Fault("mail", "drop"))
        assert told(await pool.send(a_mail(), deadline=soon())) == ("mail", 0, "lost")
        assert smtp.connections == 1


async def test_nothing_is_repeated_once_the_dot_is_out() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        await pool.send(a_mail(), deadline=soon())
        smtp.script(Fault("dot", "drop"))
        assert told(await pool.send(a_mail(), deadline=soon())) == ("final-dot", 0, "lost")
        assert (len(smtp.messages), smtp.connections) == (2, 1)


async def test_421_to_the_next_mail_means_reconnect() -> None:
    async with FakeSmtp(messages_per_connection=2) as smtp, pool_for(smtp) as pool:
        for _ in range(5):
            assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert [received.connection for received in smtp.messages] == [1, 1, 2, 2, 3]


async def test_421_while_idle_means_reconnect() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        smtp.script(Fault("after", "reply", "421 4.4.2 idle too long"))
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert smtp.connections == 2


async def test_a_mail_that_waits_too_long_for_a_connection_is_not_sent() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp, connections=1) as pool:
        smtp.script(Fault("mail", "hang"))
        first = asyncio.create_task(pool.send(a_mail(), deadline=soon()))
        await smtp.hears("MAIL")
        second = await pool.send(a_mail(), deadline=soon(0.05))
        assert told(second) == ("pool", 0, "timeout")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_nothing_is_begun_after_the_deadline() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        await pool.send(a_mail(), deadline=soon())
        assert told(await pool.send(a_mail(), deadline=soon(-1))) == ("pool", 0, "timeout")
        assert len(smtp.messages) == 1


async def test_the_dot_is_held_back_after_the_deadline() -> None:
    async with FakeSmtp(capabilities=()) as smtp, pool_for(smtp) as pool:
        smtp.script(Fault("body", "hang"))
        exchange = await pool.send(a_mail(mime=MIME + b"x" * 20_000_000), deadline=soon(0.3))
        assert told(exchange) == ("body", 0, "timeout")
        assert smtp.messages == []


async def test_a_cancelled_send_closes_its_connection() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp, connections=1) as pool:
        smtp.script(Fault("data", "hang"))
        sending = asyncio.create_task(pool.send(a_mail(), deadline=soon()))
        await smtp.hears("DATA")
        sending.cancel()
        [ended] = await asyncio.gather(sending, return_exceptions=True)
        assert isinstance(ended, asyncio.CancelledError)
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        assert [received.connection for received in smtp.messages] == [2]


async def test_a_send_cancelled_while_connecting_leaves_nothing_open() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp, connections=1) as pool:
        smtp.script(Fault("ehlo", "hang"))
        sending = asyncio.create_task(pool.send(a_mail(), deadline=soon()))
        await smtp.hears("EHLO")
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED


async def test_a_closed_pool_keeps_no_connection() -> None:
    async with FakeSmtp() as smtp:
        pool = SmtpPool(Server(smtp.port))
        smtp.script(Fault("dot", "delay", seconds=0.1))
        sending = asyncio.create_task(pool.send(a_mail(), deadline=soon()))
        await smtp.hears("DATA")
        await pool.close()
        assert told(await sending) == ACCEPTED
        await smtp.hears("QUIT")
