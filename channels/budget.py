"""What rendering one field may cost, counted while it runs, so that no template runs away."""

import time
from collections.abc import Mapping
from typing import Any, Final

MAX_FIELD: Final = 1_000_000
"""Characters that one rendered field may have."""

MAX_STEPS: Final = 200_000
MAX_CHARACTERS: Final = 4 * MAX_FIELD
MAX_CPU_SECONDS: Final = 5.0
_CLOCK_EVERY = 64


class TooExpensive(Exception):
    """The template does too much work or writes too much."""


class Budget:
    """Work and text that one rendering may still use up; `locale` is whose words it writes, and
    `timezone` (IANA) whose clock it reads.
    """

    __slots__ = ("_charges", "_end", "characters", "locale", "steps", "timezone")

    def __init__(self, locale: str | None = None, timezone: str | None = None) -> None:
        self.locale = locale
        self.timezone = timezone
        self.steps = MAX_STEPS
        self.characters = MAX_CHARACTERS
        self._charges = 0
        self._end = 0.0

    def charge(self, *, steps: int = 1, characters: int = 0) -> None:
        """Take from the budget; raises TooExpensive when it is used up."""
        self.steps -= steps
        self.characters -= characters
        if self.steps < 0:
            raise TooExpensive(f"takes more than {MAX_STEPS:,} steps; make its loops smaller")
        if self.characters < 0:
            raise TooExpensive(f"handles more than {MAX_CHARACTERS:,} characters of text")
        self._charges += 1
        if self._charges % _CLOCK_EVERY == 0:
            self._check_clock()

    def charge_value(self, value: Any) -> None:
        """Take what a value weighs, with everything that it holds."""
        if isinstance(value, str):
            self.charge(characters=len(value))
        elif isinstance(value, Mapping):
            for key, item in value.items():
                self.charge_value(key)
                self.charge_value(item)
        elif isinstance(value, list | tuple):
            for item in value:
                self.charge_value(item)
        else:
            self.charge()

    def _check_clock(self) -> None:
        # CPU time of this thread: a busy machine does not make a good template fail.
        now = time.thread_time()
        if not self._end:
            self._end = now + MAX_CPU_SECONDS
        if now > self._end:
            raise TooExpensive(f"computes for more than {MAX_CPU_SECONDS:g} seconds")
