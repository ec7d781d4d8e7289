"""Fixtures for all tests live in tests/fixtures, one file per theme."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from services import access

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.ledger",
    "tests.fixtures.api",
    "tests.fixtures.system",
    "tests.fixtures.dashboard",
    "tests.fixtures.chromium",
    "tests.fixtures.otp",
    "tests.fixtures.directory",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the chaos tests run at full length: `--chaos=full`."""
    parser.addoption("--chaos", choices=("short", "full"), default="short")


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> int:
    """How many notifications a chaos test posts."""
    return 2_000 if request.config.getoption("--chaos") == "full" else 200


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Let hashing a password cost next to nothing: every test has an administrator with one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(access, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield
