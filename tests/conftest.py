"""Fixtures for all tests live in tests/fixtures, one file per theme."""

import pytest

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.ledger",
    "tests.fixtures.api",
    "tests.fixtures.system",
    "tests.fixtures.dashboard",
    "tests.fixtures.otp",
    "tests.fixtures.directory",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the chaos tests run at full length: `--chaos=full`."""
    parser.addoption("--chaos", choices=("short", "full"), default="short")


@pytest.fixture
def chaos(request: pytest.FixtureRequest) -> int:
    """How many notifications a chaos test posts."""
    return 2_000 if request.config.getoption("--chaos") == "full" else 300
