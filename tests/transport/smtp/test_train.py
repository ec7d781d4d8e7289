"""Mails in turn over one connection: the same ends as one by one, and no doubt beyond the one."""

import asyncio
from collections import Counter

import pytest

from domain.message import EmailMessage
from fakes.smtp import CAPABILITIES, FakeSmtp
from fakes.smtp_faults import Fault
from tests.fixtures.mail import MIME, a_mail, soon
from tests.transport.smtp.test_pool import ACCEPTED, pool_for, told
from transport.smtp.session import ONE_WRITE_OCTETS

BARE = tuple(one for one in CAPABILITIES if one != "PIPELINING")
OFFERED = pytest.mark.parametrize("capabilities", [CAPABILITIES, BARE], ids=["pipelined", "plain"])


def mails(*names: str, mime: bytes = MIME) -> list[EmailMessage]:
    """Return a mail to each of the local parts."""
    return [a_mail(rcpt_to=f"{name}@example.org", mime=mime) for name in names]


def arrived(smtp: FakeSmtp) -> list[str]:
    """Return the local parts of the recipients, in order."""
    return [one.recipients[0].partition("@")[0] for one in smtp.messages]


@OFFERED
async def test_all_arrive_in_order_over_one_connection(capabilities: tuple[str, ...]) -> None:
    names = [f"r{number}" for number in range(30)]
    async with FakeSmtp(capabilities=capabilities) as smtp, pool_for(smtp) as pool:
        found = await pool.send_all(mails(*names), deadline=soon())
        assert [told(one) for one in found] == [ACCEPTED] * 30
        assert arrived(smtp) == names
        assert [one.content for one in smtp.messages] == [MIME] * 30
        assert smtp.connections == 1
        assert "RSET" not in smtp.commands


@OFFERED
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
async def test_a_refused_one_costs_the_others_nothing(
    capabilities: tuple[str, ...], stage: str
) -> None:
    refused = {"dead": Fault("rcpt", "reply", "550 5.1.1 nobody")} if stage == "rcpt" else {}
    fake = FakeSmtp(capabilities=capabilities, behaviours=refused)
    async with fake as smtp, pool_for(smtp) as pool:
        if stage != "rcpt":
            smtp.script(Fault(stage, "reply", "550 5.7.1 not this one"))  # type: ignore[arg-type]
        found = await pool.send_all(mails("dead", "b", "dead", "d"), deadline=soon())
        second = (stage, 550, "") if stage == "rcpt" else ACCEPTED
        assert [told(one) for one in found] == [(stage, 550, ""), ACCEPTED, second, ACCEPTED]
        assert [one for one in arrived(smtp) if one != "dead"] == ["b", "d"]
        assert smtp.connections == 1


@OFFERED
@pytest.mark.parametrize(
    ("fault", "ends", "times"),
    [
        (Fault("dot", "drop"), [("final-dot", 0, "lost"), ACCEPTED], 1),
        (Fault("dot", "garbage"), [("final-dot", 0, "malformed"), ACCEPTED], 1),
        (Fault("after", "drop"), [ACCEPTED, ACCEPTED], 2),
    ],
)
async def test_a_lost_connection_leaves_one_in_doubt(
    capabilities: tuple[str, ...], fault: Fault, ends: list[tuple[str, int, str]], times: int
) -> None:
    """The first is delivered before, the rest go over another connection, each of them once."""
    async with FakeSmtp(capabilities=capabilities) as smtp, pool_for(smtp) as pool:
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        smtp.script(fault)
        found = await pool.send_all(mails("a", "b", "c"), deadline=soon())
        assert [told(one) for one in found] == [*ends, ACCEPTED]
        counts = Counter(arrived(smtp))
        assert all(counts[name] == 1 for name in ("b", "c"))
        assert counts["a"] <= 1
        assert smtp.connections == 2


@OFFERED
@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
async def test_one_that_dies_in_the_envelope_goes_over_another_connection(
    capabilities: tuple[str, ...], stage: str
) -> None:
    async with FakeSmtp(capabilities=capabilities) as smtp, pool_for(smtp) as pool:
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        smtp.script(Fault(stage, "drop"))  # type: ignore[arg-type]
        found = await pool.send_all(mails("a", "b", "c"), deadline=soon())
        assert [told(one) for one in found] == [ACCEPTED] * 3
        assert arrived(smtp)[1:] == ["a", "b", "c"]


@OFFERED
async def test_a_server_that_takes_few_mails_a_connection(capabilities: tuple[str, ...]) -> None:
    fake = FakeSmtp(capabilities=capabilities, messages_per_connection=3)
    async with fake as smtp, pool_for(smtp) as pool:
        names = [f"r{number}" for number in range(10)]
        found = await pool.send_all(mails(*names), deadline=soon())
        assert [told(one) for one in found] == [ACCEPTED] * 10
        assert arrived(smtp) == names


async def test_unfit_and_large_ones_among_others() -> None:
    large = MIME + b"x" * 70 + b"\r\n"
    large += (b"y" * 70 + b"\r\n") * (ONE_WRITE_OCTETS // 60)
    given = [
        *mails("a"), a_mail(rcpt_to="no address"), *mails("b", mime=large), *mails("c"),
        a_mail(rcpt_to="nor this"),
    ]  # fmt: skip
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        found = await pool.send_all(given, deadline=soon())
        unfit = ("rcpt", 0, "recipient")
        assert [told(one) for one in found] == [ACCEPTED, unfit, ACCEPTED, ACCEPTED, unfit]
        assert arrived(smtp) == ["a", "b", "c"]
        assert smtp.messages[1].content == large
        assert smtp.connections == 1


async def test_a_server_that_is_gone_takes_none_of_the_rest() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp, connections=1) as pool:
        assert told(await pool.send(a_mail(), deadline=soon())) == ACCEPTED
        smtp.script(Fault("dot", "drop"), Fault("greeting", "drop", times=9))
        found = [told(one) for one in await pool.send_all(mails("a", "b", "c"), deadline=soon())]
        assert found[0] == ("final-dot", 0, "lost")
        assert found[1:] == [("greeting", 0, "lost")] * 2


async def test_nothing_is_begun_after_the_deadline_of_a_train() -> None:
    async with FakeSmtp() as smtp, pool_for(smtp) as pool:
        smtp.script(Fault("dot", "delay", seconds=0.4))
        found = await pool.send_all(mails("a", "b", "c"), deadline=soon(0.2))
        assert told(found[0]) == ("final-dot", 0, "timeout")
        assert {one.problem for one in found[1:]} == {"timeout"}
        await asyncio.sleep(0.5)
        assert set(arrived(smtp)) <= {"a"}
