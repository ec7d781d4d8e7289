"""Fixtures for all tests live in tests/fixtures, one file per theme."""

pytest_plugins = [
    "tests.fixtures.servers",
    "tests.fixtures.ledger",
    "tests.fixtures.api",
    "tests.fixtures.system",
    "tests.fixtures.dashboard",
]
