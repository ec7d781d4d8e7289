"""What an LDAP audience is made of: the directory, the service account, the search, the mapping."""

import ssl
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.contract import MEMBER_FIELDS, ConnectorSettings
from domain.contract.base import Line, Text, WrongField

PORTS: Final = {"ldap": 389, "ldaps": 636}
_DEFAULT_MAPPING: Final = {
    "external_id": "uid", "email": "mail", "name": "displayName", "phone": "mobile",
    "locale": "preferredLanguage",
}  # fmt: skip


def _check_url(value: str) -> str:
    parts = urlsplit(value)
    try:
        sound = parts.scheme in PORTS and parts.hostname and (parts.port or 1)
    except ValueError:
        sound = False
    if not sound or parts.path.strip("/") or parts.query or parts.username is not None:
        raise ValueError("must be ldap://host[:port] or ldaps://host[:port] and no more")
    return value


def _check_mapping(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        own = name in MEMBER_FIELDS
        if not own and not (name.startswith("attributes.") and len(name) > len("attributes.")):
            raise WrongField(
                name, f"is none of {', '.join(MEMBER_FIELDS)}, and not as in attributes.department"
            )
    if not {"external_id", "email", "phone", "telegram", "whatsapp"} & set(value):
        raise ValueError("maps neither external_id nor an address: members could not be reached")
    return value


def _check_certificates(value: str) -> str:
    try:
        ssl.create_default_context(cadata=value)
    except (ssl.SSLError, ValueError):
        raise ValueError("is no certificate in PEM form") from None
    return value


Dn = Annotated[Line, Field(min_length=1, max_length=2000)]
AttributeName = Annotated[
    Line, Field(max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]*(;[A-Za-z0-9-]+)*$")
]


class LdapSettings(ConnectorSettings):
    """A search in a directory (RFC 4511), as a service account, with TLS unless told otherwise.

    With `group`, only its members are kept, those of groups in it too unless `nested` is false.
    """

    url: Annotated[Line, Field(max_length=500), AfterValidator(_check_url)] = Field(
        description="Such as ldaps://directory.example.com"
    )
    starttls: bool = Field(False, description="Begin TLS on an ldap:// connection")
    insecure: bool = Field(False, description="Let an ldap:// connection go without TLS")
    ca_certificates: Annotated[Text, AfterValidator(_check_certificates)] | None = Field(
        None, max_length=100_000, json_schema_extra={"contentMediaType": "application/x-pem-file"},
        description="Who may have signed the server, PEM; empty: the usual",
    )  # fmt: skip
    bind_dn: Dn | None = Field(None, description="The service account; empty: anonymous")
    bind_password: SecretStr | None = None
    base_dn: Dn = Field(description="Where the search begins, such as ou=people,dc=example,dc=com")
    filter: Annotated[Line, Field(min_length=3, max_length=4000)] = Field(
        "(objectClass=person)", description="Which entries are people (RFC 4515)"
    )
    scope: Literal["subtree", "one", "base"] = Field("subtree", description="How deep is searched")
    group: Dn | None = Field(None, description="Only members of this group; empty: everybody")
    nested: bool = Field(True, description="Members of groups in that group, too")
    group_base_dn: Dn | None = Field(None, description="Where groups are; empty: base_dn")
    mapping: Annotated[dict[str, AttributeName], AfterValidator(_check_mapping)] = Field(
        default_factory=lambda: dict(_DEFAULT_MAPPING), max_length=50,
        description="Which attribute is which field; empty: uid, mail, displayName, mobile and"
        " preferredLanguage",
    )  # fmt: skip
    page_size: Annotated[int, Field(ge=1, le=1000)] = 500
    most: Annotated[int, Field(ge=1, le=5_000_000)] = Field(
        1_000_000, description="More entries than this are an error"
    )
    connect_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    reply_seconds: Annotated[int, Field(ge=1, le=120)] = 30
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 300

    @model_validator(mode="after")
    def _guarded(self) -> "LdapSettings":
        if self.scheme == "ldaps" and self.starttls:
            raise WrongField("starttls", "ldaps:// is encrypted from the start; leave it out")
        if self.scheme == "ldap" and not self.starttls and not self.insecure:
            raise WrongField("starttls", "ldap:// needs starttls, or insecure to go without TLS")
        if (self.bind_dn is None) != (not self.bind_password):
            raise WrongField("bind_password", "bind_dn and bind_password go together")
        return self

    @property
    def scheme(self) -> str:
        """How the URL begins: ldap or ldaps."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """The server's name or address."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The URL's port, or the scheme's own."""
        return urlsplit(self.url).port or PORTS[self.scheme]
