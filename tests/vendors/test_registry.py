"""The built-in kinds: each opens an account from plain settings."""

from typing import Any

import pytest
from pydantic import ValidationError

from domain.message import ContentMessage
from domain.vocabulary import Channel, OutcomeKind
from fakes.smtp import FakeSmtp
from tests.fixtures.mail import a_mail, soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Parts
from vendors.registry import KINDS


class Outbox:
    """Keeps messages."""

    def __init__(self) -> None:
        self.messages: list[ContentMessage] = []

    async def keep(self, message: ContentMessage) -> None:
        self.messages.append(message)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def parts(outbox: Outbox) -> Parts:
    return parts_for(outbox.keep)


def test_every_kind_stands_under_its_name() -> None:
    assert {name: kind.name for name, kind in KINDS.items()} == {name: name for name in KINDS}
    assert {"smtp", "sandbox"} < set(KINDS)


@pytest.mark.parametrize("name", list(KINDS))
def test_every_kind_describes_its_settings(name: str) -> None:
    schema = KINDS[name].settings.model_json_schema()
    assert schema["additionalProperties"] is False
    assert all("description" in field for field in schema["properties"].values())


async def test_smtp_opens_and_sends(parts: Parts) -> None:
    async with FakeSmtp() as smtp:
        account = KINDS["smtp"].open({"url": f"smtp://127.0.0.1:{smtp.port}"}, parts)
        assert not account.takes_fields
        assert (await account.send(a_mail(), deadline=soon())).kind is OutcomeKind.ACCEPTED
        await account.close()


def test_wrong_settings_are_refused(parts: Parts) -> None:
    with pytest.raises(ValidationError):
        KINDS["smtp"].open({"host": ""}, parts)
    with pytest.raises(ValidationError):
        KINDS["sandbox"].open({"url": "x"}, parts)


@pytest.mark.parametrize("channel", list(Channel))
async def test_the_sandbox_keeps_every_channel(
    parts: Parts, outbox: Outbox, channel: Channel
) -> None:
    account = KINDS["sandbox"].open({}, parts)
    assert account.takes_fields
    assert channel in KINDS["sandbox"].channels
    content: dict[str, Any] = {"text": "Hello"}
    message = ContentMessage("att_1", "ntf_1", channel, "anywhere", content)
    found = await account.send(message, deadline=soon())
    assert (found.kind, found.vendor_id) == (OutcomeKind.ACCEPTED, "sandbox-att_1")
    assert outbox.messages == [message]
    await account.close()


async def test_the_sandbox_takes_no_mime(parts: Parts) -> None:
    with pytest.raises(TypeError):
        await KINDS["sandbox"].open({}, parts).send(a_mail(), deadline=soon())
