"""Whom we believe when SNS calls: signatures, certificates, topics, hosts and times."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import ValidationError

from domain.http import HttpRequest
from domain.report import Heard, ReceiptForged
from fakes import sns_signer
from fakes.http_server import FakeHttp
from fakes.http_vendor import Call, Forgery
from fakes.ses import FakeSes
from tests.fixtures.aws import KEY, webhook
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Checking
from vendors.sns_envelope import TopicSettings, hear, needs, string_to_sign, verify

URL = "https://tocsin.example.com/v1/receipts/acc_1"
CERTIFICATE_URL = sns_signer.HOST + sns_signer.CERTIFICATE_PATH
MATERIAL = {CERTIFICATE_URL: sns_signer.certificates()}
MESSAGE = {"eventType": "Send", "words": 'Grüße\n"quoted" \\ example'}


def settings(**given: Any) -> TopicSettings:
    return TopicSettings(**{**KEY, "topics": [sns_signer.TOPIC], **given})


def check(
    call: Call,
    given: TopicSettings | None = None,
    material: Mapping[str, bytes] = MATERIAL,
    now: datetime | None = None,
) -> None:
    verify(webhook(call), given or settings(), Checking(now or datetime.now(UTC), material))


def notified(**changed: str) -> Call:
    return sns_signer.notification(MESSAGE, url=URL, changed=changed)


def test_what_sns_signed_is_believed() -> None:
    check(notified())
    check(notified(Subject="Amazon SES Email Event Notification"))
    check(sns_signer.subscription(url=URL))
    check(sns_signer.subscription(url=URL, changed={"Type": "UnsubscribeConfirmation"}))


def test_the_documented_string_is_what_is_signed() -> None:
    envelope = {
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": "arn:t",
        "Subject": "My First Message", "Message": "Hello\nworld!", "Timestamp": "2012-05-02",
        "SignatureVersion": "2", "Signature": "x",
    }  # fmt: skip
    assert string_to_sign(envelope) == (
        b"Message\nHello\nworld!\nMessageId\n22b80b92\nSubject\nMy First Message\n"
        b"Timestamp\n2012-05-02\nTopicArn\narn:t\nType\nNotification\n"
    )
    del envelope["Subject"]
    assert b"Subject" not in string_to_sign(envelope)


@pytest.mark.parametrize("forgery", list(Forgery))
def test_forged_calls_are_refused(forgery: Forgery) -> None:
    with pytest.raises(ReceiptForged):
        check(sns_signer.notification(MESSAGE, url=URL, forgery=forgery))
    check(sns_signer.notification(MESSAGE, url=URL))


FOREIGN = [
    "https://evil.test/SimpleNotificationService-1.pem",
    "https://sns.us-east-1.amazonaws.com.evil.test/SimpleNotificationService-1.pem",
    "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
    "https://sns.us-east-1.amazonaws.com@evil.test/a.pem",
    "https://sns.us-east-1.amazonaws.com:8443/a.pem",
    "https://evil.test#@sns.us-east-1.amazonaws.com/a.pem",
    "https://evil.test\\@sns.us-east-1.amazonaws.com/a.pem",
    "https://sns.us-east-1.amazonaws.com\n.evil.test/a.pem",
    "https://sns.s3-us-west-2.amazonaws.com/a.pem",
    "https://sns.s3.amazonaws.com/a.pem",
    "https://sns.us-east-1.amazonaws.com.cn.evil.test/a.pem",
    "https://xsns.us-east-1.amazonaws.com/a.pem",
    "https://sns-us-east-1.amazonaws.com/a.pem",
    "https://sns.us-east-1.amazonaws.com/a.txt",
    "https://sns.us-east-1.amazonaws.com/?a.pem",
    "https://[sns.us-east-1.amazonaws.com/a.pem",
    "ftp://sns.us-east-1.amazonaws.com/a.pem",
    "//sns.us-east-1.amazonaws.com/a.pem",
    "a.pem",
    "",
]


@pytest.mark.parametrize("url", FOREIGN)
def test_certificates_come_from_nowhere_else(url: str) -> None:
    call = notified(SigningCertURL=url)
    assert needs(webhook(call), settings()) == ()
    with pytest.raises(ReceiptForged, match=r"SNS|certificate|read"):
        check(call, material={url: sns_signer.certificates()})


@pytest.mark.parametrize(
    "host",
    ["sns.us-east-1.amazonaws.com", "sns.us-gov-west-1.amazonaws.com",
     "sns.cn-north-1.amazonaws.com.cn", "sns.ap-southeast-7.amazonaws.com"],
)  # fmt: skip
def test_the_certificate_is_asked_for_at_a_region_of_sns(host: str) -> None:
    url = f"https://{host}/SimpleNotificationService-1.pem"
    call = notified(SigningCertURL=url)
    assert needs(webhook(call), settings()) == (HttpRequest("GET", url),)
    check(call, material={url: sns_signer.certificates()})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"TopicArn": "arn:aws:sns:us-east-1:999999999999:tocsin"}, "topics"),
        ({"SignatureVersion": "1"}, "SignatureVersion is not 2"),
        ({"Timestamp": "2012-05-02T00:54:06.655Z"}, "an hour"),
        ({"Timestamp": "2999-05-02T00:54:06.655Z"}, "an hour"),
        ({"Timestamp": "yesterday"}, "not a time"),
        ({"Timestamp": "2026-05-02T00:54:06"}, "no zone"),
    ],
)
def test_other_topics_versions_and_times_are_refused(changed: dict[str, str], words: str) -> None:
    with pytest.raises(ReceiptForged, match=words):
        check(notified(**changed))


def test_an_account_without_topics_believes_nobody() -> None:
    with pytest.raises(ReceiptForged, match="topics"):
        check(notified(), settings(topics=[]))


@pytest.mark.parametrize(
    "broken",
    [
        {"Signature": None}, {"Signature": "not base64"}, {"Signature": ""}, {"Signature": 1},
        {"SigningCertURL": None}, {"Message": None}, {"Message": "half \ud800"},
        {"Subject": ["a"]}, {"Type": ["Notification"]}, {"Type": "Invitation"}, {"TopicArn": 1},
        {"Timestamp": {}}, {"MessageId": True},
    ],
)  # fmt: skip
def test_envelopes_that_are_none_are_refused(broken: dict[str, Any]) -> None:
    envelope = {**json.loads(notified().body), **broken}
    call = Call(URL, {}, json.dumps(envelope).encode())
    with pytest.raises(ReceiptForged):
        check(call)


def test_without_the_certificate_nothing_is_believed() -> None:
    with pytest.raises(ReceiptForged, match="could not be fetched"):
        check(notified(), material={})


def test_a_certificate_holds_between_its_dates_only() -> None:
    ended = {CERTIFICATE_URL: sns_signer.certificates(days=-10)}
    with pytest.raises(ReceiptForged, match="not valid now"):
        check(notified(), material=ended)
    with pytest.raises(ReceiptForged, match="not valid now"):
        check(notified(), now=datetime.now(UTC) + timedelta(days=60))
    with pytest.raises(ReceiptForged, match="not valid now"):
        check(notified(), now=datetime.now(UTC) - timedelta(days=60))


@pytest.mark.parametrize(
    "name",
    ["sns-signing.ap-east-1.amazonaws.com", "sns-cn-north-1.amazonaws.com.cn",
     "sns.us-east-1.amazonaws.com"],
)  # fmt: skip
def test_the_certificate_may_name_sns_of_a_region(name: str) -> None:
    check(notified(), material={CERTIFICATE_URL: sns_signer.certificates(name)})


@pytest.mark.parametrize("name", ["evil.test", "sns.amazonaws.com.evil.test", "s3.amazonaws.com"])
def test_the_certificate_must_be_made_out_to_sns(name: str) -> None:
    with pytest.raises(ReceiptForged, match="made out"):
        check(notified(), material={CERTIFICATE_URL: sns_signer.certificates(name)})


def test_the_certificates_of_a_file_must_be_a_chain() -> None:
    own, issuer = x509.load_pem_x509_certificates(sns_signer.certificates())
    alone, reversed_chain = pem(own), pem(issuer, own)
    check(notified(), material={CERTIFICATE_URL: alone})
    with pytest.raises(ReceiptForged):
        check(notified(), material={CERTIFICATE_URL: reversed_chain})
    with pytest.raises(ReceiptForged, match="cannot be read"):
        check(notified(), material={CERTIFICATE_URL: pem(own, own)})


@pytest.mark.parametrize("body", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_refused(body: bytes) -> None:
    with pytest.raises(ReceiptForged, match="cannot be read"):
        check(notified(), material={CERTIFICATE_URL: body})


def test_another_kind_of_key_is_refused() -> None:
    with pytest.raises(ReceiptForged, match="another kind of key"):
        check(notified(), material={CERTIFICATE_URL: pem(an_ec_certificate())})


def test_a_subscription_is_confirmed_where_sns_is() -> None:
    call = sns_signer.subscription(url=URL)
    check(call)
    follow = heard(call).follow
    assert follow is not None
    assert follow.method == "GET"
    assert follow.url == json.loads(call.body)["SubscribeURL"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test/?Action=ConfirmSubscription&Token=1",
        "http://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
        "https://sns.us-east-1.amazonaws.com.evil.test/?Action=ConfirmSubscription",
        "https://sns.us-east-1.amazonaws.com/?Action=Publish&Message=1",
    ],
)
def test_no_other_place_is_visited_even_when_signed(url: str) -> None:
    call = sns_signer.subscription(url=URL, changed={"SubscribeURL": url})
    with pytest.raises(ReceiptForged):
        check(call)


def test_the_end_of_a_subscription_says_nothing() -> None:
    call = sns_signer.subscription(url=URL, changed={"Type": "UnsubscribeConfirmation"})
    assert heard(call) == Heard()


@pytest.mark.parametrize("words", ["Successfully validated SNS topic", "[]", "1", "null", ""])
def test_words_that_are_no_event_say_nothing(words: str) -> None:
    call = sns_signer.notification(words, url=URL)
    check(call)
    assert heard(call) == Heard()


def test_an_event_of_another_shape_is_a_value_error() -> None:
    def read(event: Mapping[str, Any], sns_id: str, at: datetime) -> Heard:
        return Heard(reports=event["mail"]["tags"])

    with pytest.raises(ValueError, match="not what AWS documents"):
        hear(webhook(sns_signer.notification({"mail": 1}, url=URL)), read)


def test_a_stand_in_is_believed_only_where_the_account_names_it() -> None:
    fake = FakeSes()
    fake.stand_in = "http://127.0.0.1:8025/ses"
    call = fake.tell(MESSAGE, url=URL)
    check(call, settings(sns_host="127.0.0.1:8025"), fake.material)
    for other in ("", "127.0.0.1", "127.0.0.1:8026", "localhost:8025"):
        assert needs(webhook(call), settings(sns_host=other)) == ()
        with pytest.raises(ReceiptForged, match="host of SNS"):
            check(call, settings(sns_host=other), fake.material)


def test_with_a_stand_in_aws_is_not_believed() -> None:
    with pytest.raises(ReceiptForged, match="host of SNS"):
        check(notified(), settings(sns_host="127.0.0.1:8025"))


@pytest.mark.parametrize("host", ["http://127.0.0.1", "a/b", "user@host", "a b", "host:port"])
def test_a_stand_in_is_a_host_and_a_port(host: str) -> None:
    with pytest.raises(ValidationError, match="sns_host"):
        settings(sns_host=host)


def test_topics_may_be_given_as_a_list_or_as_words() -> None:
    other = "arn:aws-cn:sns:cn-north-1:123456789012:events.fifo"
    assert settings(topics=f"{sns_signer.TOPIC}, {other}").topics == [sns_signer.TOPIC, other]
    given = settings(topics=[sns_signer.TOPIC])
    assert TopicSettings(**given.revealed()) == given
    for wrong in ("tocsin", "arn:aws:sqs:us-east-1:123456789012:queue", [1]):
        with pytest.raises(ValidationError, match="topics"):
            settings(topics=wrong)


async def test_certificate_and_confirmation_over_real_http() -> None:
    fake = FakeSes()
    async with FakeHttp(fake) as server:
        fake.stand_in = server.url("ses")
        given = settings(sns_host=f"127.0.0.1:{server.port}", base_url=server.url("ses"))
        pool = parts_for().http_pool(given)
        call = fake.subscribe(URL)
        [wanted] = needs(webhook(call), given)
        fetched = (await pool.exchange(wanted, deadline=soon())).response
        assert fetched is not None
        check(call, given, {wanted.url: fetched.body})
        follow = heard(call).follow
        assert follow is not None
        await pool.exchange(follow, deadline=soon())
        await pool.close()
    assert fake.confirmed == [json.loads(call.body)["Token"]]


def heard(call: Call) -> Heard:
    return hear(webhook(call), lambda event, sns_id, at: Heard(reports=(event, sns_id, at)))  # type: ignore[arg-type]


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def an_ec_certificate() -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string("CN=sns.amazonaws.com")
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
