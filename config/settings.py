"""Every setting of Tocsin, read from TOCSIN_* environment variables or a .env file."""

import json
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.campaign_window import parse_open_hours
from domain.hosts import check_domain


class Settings(BaseSettings):
    """The settings of all processes; `tocsin config` lists them with these descriptions."""

    model_config = SettingsConfigDict(env_prefix="TOCSIN_", env_file=".env", extra="ignore")

    data_dir: Path | None = Field(None, description="Folder of the embedded system's data")
    host: str = Field("127.0.0.1", description="Address that the API listens on")
    port: int = Field(
        8080, ge=1, le=65_000, description="Port of API and dashboard; set, the others follow it"
    )
    temporal_port: int | None = Field(None, description="Port of the embedded Temporal (7233)")
    temporal_ui_port: int | None = Field(None, description="Port of the Temporal UI (8233)")
    postgres_port: int | None = Field(None, description="Port of the PostgreSQL leader (5433)")
    replica_port: int | None = Field(None, description="Port of the PostgreSQL replica (5434)")
    smtp_sink_port: int | None = Field(None, description="Port of the SMTP sink (1025)")
    bounces_port: int | None = Field(
        None, ge=1, le=65_535, description="Port of the bounce listener; unset: there is none"
    )
    bounces_host: str = Field("127.0.0.1", description="Address that the bounce listener has")

    database_url: SecretStr | None = Field(
        None, description="DSN of the PostgreSQL leader; several hosts may be named"
    )
    replica_urls: list[SecretStr] = Field(
        default_factory=list, description="DSNs of read replicas, as a JSON list"
    )
    replica_max_lag_seconds: float = Field(
        5.0, description="A replica that is further behind is not read"
    )
    database_pool: int = Field(10, description="Connections to the leader, per process")

    temporal_address: str | None = Field(None, description="host:port of the Temporal frontend")
    temporal_namespace: str = Field("default", description="Temporal namespace")
    temporal_ui_url: str | None = Field(None, description="Where people find the Temporal UI")

    bootstrap_api_key: SecretStr | None = Field(
        None, description="Presets the first API key (all scopes, module `default`)"
    )
    admin_email: str = Field("admin@example.com", description="First administrator's sign-in")
    admin_password: SecretStr | None = Field(
        None, description="Presets the first administrator's password"
    )
    smtp_url: SecretStr | None = Field(
        None, description="smtp://user:password@host:port of the first email account"
    )
    mail_from: str = Field(
        "Tocsin <tocsin@example.com>", description="Sender of mail that names none"
    )
    public_url: str | None = Field(
        None, description="Where vendors and recipients reach the API; unset: its own address"
    )
    allow_networks: Annotated[list[str], NoDecode] = Field(
        default_factory=list,
        description="Networks that are not public and may be called all the same, as a JSON list"
        " or separated by commas",
    )
    sql_files: str | None = Field(
        None, description="Folder whose SQLite files audiences may be read from; unset: none"
    )
    otlp_endpoint: str | None = Field(
        None, description="Collector of traces (OTLP over HTTP), such as http://127.0.0.1:4318"
    )
    environment: str = Field("local", description="Name shown on every page")
    secret_key: SecretStr | None = Field(
        None, description="Key that seals secrets at rest; made once in the data folder if unset"
    )

    max_body_bytes: int = Field(26_214_400, description="Largest request body (25 MiB)")
    lease_seconds: float = Field(
        30.0, ge=2, description="How long an activity may hold deliveries before others take over"
    )
    sweep_seconds: float = Field(5.0, description="How often the sweeper looks")
    sweep_grace_seconds: float = Field(
        15.0, description="How overdue a row is before the sweeper starts a recovery workflow"
    )
    otp_start_seconds: float = Field(
        30.0, description="An OTP not started by then is never started"
    )
    otp_domain: str = Field(
        "", description="Domain that codes by sms are bound to (WebOTP); data.domain comes first"
    )
    otp_resends: int = Field(5, ge=0, description="How often one code may be sent again")
    otp_address_per_hour: int = Field(
        10, ge=0, description="Codes to one address in an hour, resends included; 0: no limit"
    )
    otp_address_failures_per_day: int = Field(
        100, ge=0, description="Wrong guesses at all codes of an address in a day; 0: no limit"
    )
    otp_recipient_per_hour: int = Field(
        10, ge=0, description="Codes to one profile, or external id, in an hour; 0: no limit"
    )
    otp_range_per_hour: int = Field(
        1_000,
        ge=0,
        description="Codes in an hour to phone numbers that are alike but for their last four"
        " digits; 0: no limit",
    )
    otp_country_per_hour: int = Field(
        10_000, ge=0, description="Codes to phone numbers of a country in an hour; 0: no limit"
    )
    otp_module_per_minute: int = Field(
        3_000, ge=0, description="Codes of one module in a minute; 0: no limit"
    )
    otp_countries: Annotated[dict[str, list[str]], NoDecode] = Field(
        default_factory=dict,
        description="Countries (ISO 3166) that codes may be sent to, separated by commas, or as"
        " JSON by module, * for the others; none: all",
    )
    otp_guard_least: int = Field(
        200, ge=1, description="Codes to a range of phone numbers in an hour before it is judged"
    )
    otp_guard_share: float = Field(
        0.1,
        ge=0,
        le=1,
        description="A range of phone numbers of whose codes a smaller share was verified gets no"
        " more; 0: no such guard",
    )
    otp_cost_per_day: float = Field(
        0,
        ge=0,
        description="What the codes of one module may cost in a day (UTC), by the costs of the"
        " accounts; 0: no limit",
    )
    off_hours: str = Field(
        "",
        description="When campaigns of the class bulk send that do not say it themselves, such as"
        " 20:00-06:00 Europe/Berlin or 20:00-06:00 recipient; empty: at any hour",
    )
    worker_concurrency: int = Field(100, description="Activities at once, per lane and process")
    retry_scale: float = Field(
        1.0, gt=0, description="Multiplies every retry delay (tests use a small one)"
    )
    log_level: str = Field("info", description="debug, info, warning or error")
    log_format: str = Field("auto", description="json, console or auto (console on a terminal)")
    failpoint: str = Field(
        "",
        description="Kills the process at a named point, for crash tests: name, or name@n to wait"
        " there for n callers",
    )
    failpoint_log: Path | None = Field(None, description="Where a fired failpoint leaves a line")

    @field_validator("allow_networks", mode="before")
    @classmethod
    def _networks(cls, given: object) -> object:
        named = given
        if isinstance(given, str):
            named = json.loads(given) if given.lstrip().startswith("[") else given.split(",")
        if isinstance(named, list):
            return [str(ip_network(str(one).strip(), strict=False)) for one in named]
        return named

    @field_validator("off_hours")
    @classmethod
    def _off_hours(cls, given: str) -> str:
        return str(parse_open_hours(given)) if given.strip() else ""

    @field_validator("otp_domain")
    @classmethod
    def _domain(cls, given: str) -> str:
        return check_domain(given) if given else ""

    @field_validator("otp_countries", mode="before")
    @classmethod
    def _countries(cls, given: Any) -> Any:
        named = given
        if isinstance(given, str):
            many = given.lstrip()[:1] in ("[", "{")
            named = json.loads(given) if many else [one for one in given.split(",") if one.strip()]
        by_module = named if isinstance(named, dict) else {"*": named} if named else {}
        return {module: [_country(one) for one in listed] for module, listed in by_module.items()}

    @model_validator(mode="after")
    def _ports_follow(self) -> Self:
        """With the port set the others follow it, so that several systems fit side by side."""
        explicit = "port" in self.model_fields_set
        defaults = {
            "temporal_port": 7233,
            "temporal_ui_port": 8233,
            "postgres_port": 5433,
            "replica_port": 5434,
            "smtp_sink_port": 1025,
        }
        for offset, (name, default) in enumerate(defaults.items(), start=1):
            if getattr(self, name) is None:
                # Not by assignment, which would make it look as if somebody had set it.
                self.__dict__[name] = self.port + offset if explicit else default
        return self

    @cached_property
    def leader_dsn(self) -> str:
        """DSN of the leader: the given one, or the embedded server's."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"postgresql://tocsin@127.0.0.1:{self.postgres_port}/tocsin"

    @cached_property
    def replica_dsns(self) -> list[str]:
        """DSNs of the replicas; the embedded one where no leader was named."""
        if self.replica_urls or self.database_url is not None:
            return [url.get_secret_value() for url in self.replica_urls]
        return [f"postgresql://tocsin@127.0.0.1:{self.replica_port}/tocsin"]

    @cached_property
    def base_url(self) -> str:
        """Where vendors and recipients reach the API, without a slash at its end."""
        return (self.public_url or f"http://127.0.0.1:{self.port}").rstrip("/")

    @cached_property
    def temporal_target(self) -> str:
        """host:port of Temporal: the given one, or the embedded server's."""
        return self.temporal_address or f"127.0.0.1:{self.temporal_port}"

    @cached_property
    def temporal_ui(self) -> str:
        """Base URL of the Temporal UI."""
        return self.temporal_ui_url or f"http://127.0.0.1:{self.temporal_ui_port}"


def _country(given: Any) -> str:
    code = str(given).strip().upper()
    if len(code) != 2 or not code.isalpha():
        raise ValueError(f"{code} is no country code of two letters, such as FR")
    return code
