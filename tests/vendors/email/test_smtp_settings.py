"""Settings of an SMTP account: fields, URLs, and secrets that stay secret."""

import pytest
from pydantic import ValidationError

from vendors.email.smtp import Settings


@pytest.mark.parametrize(
    ("url", "host", "port", "security", "user", "password"),
    [
        ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, "opportunistic", "", ""),
        ("smtp://mail.example.com", "mail.example.com", 25, "opportunistic", "", ""),
        (
            "smtp://sam:secret@mail.example.com",
            "mail.example.com",
            587,
            "opportunistic",
            "sam",
            "secret",
        ),
        ("smtp://a%40b:p%3Aw%2F%C3%A9@h:25/", "h", 25, "opportunistic", "a@b", "p:w/é"),
        ("smtp://h:25?starttls=required", "h", 25, "starttls", "", ""),
        ("smtp://h?starttls=required", "h", 587, "starttls", "", ""),
        ("smtp://h?starttls=never", "h", 25, "plain", "", ""),
        ("smtp://h?starttls=optional", "h", 25, "opportunistic", "", ""),
        ("smtp+starttls://h", "h", 587, "starttls", "", ""),
        ("smtps://sam:x@h", "h", 465, "tls", "sam", "x"),
        ("smtp://[2001:db8::1]:2525", "2001:db8::1", 2525, "opportunistic", "", ""),
    ],
)
def test_urls(url: str, host: str, port: int, security: str, user: str, password: str) -> None:
    found = Settings.from_url(url)
    assert (found.host, found.port, found.security) == (host, port, security)
    assert (found.user, found.password.get_secret_value()) == (user, password)


def test_the_rest_of_a_url() -> None:
    found = Settings.from_url(
        "smtp://h?from=Tocsin%20%3Ctocsin@example.com%3E&connections=3&client_name=me.example.com"
        "&ca_file=/etc/ca.pem"
    )
    assert found.from_ == "Tocsin <tocsin@example.com>"
    assert (found.connections, found.client_name) == (3, "me.example.com")
    assert found.ca_file == "/etc/ca.pem"


def test_bounces_of_a_url() -> None:
    found = Settings.from_url("smtp://h?bounces=bounce@mail.example.com&delivery_reports=true")
    assert (found.bounces, found.delivery_reports) == ("bounce@mail.example.com", True)
    assert Settings.from_url("smtp://h?bounces=b-*@e.com").bounces == "b-*@e.com"
    assert not Settings.from_url("smtp://h").bounces


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://h",
        "mail.example.com:25",
        "smtp://",
        "smtp://h:0",
        "smtp://h:99999",
        "smtp://h:port",
        "smtp://sam:sec/ret@h",
        "smtp://sam:sec#ret@h",
        "smtp://h/path",
        "smtp://h?starttls=maybe",
        "smtps://h?starttls=never",
        "smtp://h?tls=off",
        "smtp://a..b",
        "smtp://h%0d%0a",
        "smtp://s%0d%0aRSET:x@h",
        "smtp://s:x%00@h",
        "smtp://h?client_name=a%0d%0ab",
        "smtp://h?from=a%0d%0ab",
        "smtp://h?connections=0",
        "smtp://h?bounces=a@b@c",
        "smtp://h?bounces=a@b%0d%0a",
        "smtp://h?bounces=an-address-that-is-much-too-long@e.com",
        "smtp://h?delivery_reports=perhaps",
        "smtp://[::1",
    ],
)
def test_wrong_urls(url: str) -> None:
    with pytest.raises(ValidationError):
        Settings.from_url(url)


@pytest.mark.parametrize(
    "url", ["smtp://sam:hunter2@h:port", "smtp://sam:hunter2@h/x", "sam:hunter2"]
)
def test_errors_do_not_show_the_password(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.from_url(url)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(raised.value)


def test_fields_win_over_the_url() -> None:
    found = Settings.model_validate({"url": "smtp://sam:x@h:25", "port": 2525})
    assert (found.host, found.port, found.user) == ("h", 2525, "sam")


def test_the_port_follows_the_security() -> None:
    assert Settings.model_validate({"host": "h", "security": "tls"}).port == 465
    assert Settings.model_validate({"host": "h", "security": "starttls"}).port == 587
    assert Settings.model_validate({"host": "h", "user": "sam"}).port == 587
    assert Settings.model_validate({"host": "h"}).port == 25


def test_what_is_stored_gives_the_same_settings_and_what_is_shown_has_no_secret() -> None:
    found = Settings.from_url("smtp://sam:hunter2@h:25?from=tocsin@example.com")
    assert Settings.model_validate(found.revealed()) == found
    assert found.revealed()["password"] == "hunter2"
    assert found.shown()["password"] is None
    assert found.shown()["from"] == "tocsin@example.com"
    assert "hunter2" not in repr(found)


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"host": "h", "hots": "x"})
