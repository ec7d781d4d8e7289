"""How fast a campaign sends: a pace, and the ramp on which it is reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, log2, sqrt
from typing import Any


@dataclass(frozen=True, slots=True)
class Ramp:
    """From `start_per_second` up to the pace: evenly over so many seconds, or twice as fast each
    time that so many seconds have passed. One of the two is given.
    """

    start_per_second: float
    over_seconds: float | None = None
    doubles_every_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second at the most. A ramp counts the seconds in which the campaign sends: no
    pause and no closed hours bring it further.
    """

    per_second: float
    ramp: Ramp | None = None

    @classmethod
    def of(cls, per_second: float | None, ramp: Mapping[str, Any] | None) -> "Pace | None":
        """Return the pace that a row keeps; None where there is none."""
        if per_second is None:
            return None
        return cls(per_second, Ramp(**ramp) if ramp else None)

    def rate_at(self, elapsed: float) -> float:
        """Return the messages a second after `elapsed` seconds of sending."""
        ramp = self.ramp
        if ramp is None:
            return self.per_second
        start, elapsed = ramp.start_per_second, max(elapsed, 0.0)
        if ramp.over_seconds is not None:
            share = min(elapsed / ramp.over_seconds, 1.0)
            return min(start + (self.per_second - start) * share, self.per_second)
        doublings = elapsed // (ramp.doubles_every_seconds or inf)
        if doublings >= log2(self.per_second / start):
            return self.per_second
        return start * float(2.0**doublings)

    def seconds_for(self, messages: float) -> float:
        """Return after how many seconds so many messages may have been sent."""
        ramp = self.ramp
        if ramp is None:
            return messages / self.per_second
        if ramp.over_seconds is not None:
            return self._evenly(ramp.start_per_second, ramp.over_seconds, messages)
        return self._doubling(ramp.start_per_second, ramp.doubles_every_seconds or inf, messages)

    def _evenly(self, start: float, over: float, messages: float) -> float:
        """Solve start·t + (pace - start)·t²/(2·over) = messages, as far as the ramp goes."""
        climbed = over * (start + self.per_second) / 2
        if messages >= climbed:
            return over + (messages - climbed) / self.per_second
        slope = (self.per_second - start) / over
        return 2 * messages / (start + sqrt(start * start + 2 * slope * messages))

    def _doubling(self, start: float, every: float, messages: float) -> float:
        seconds, rate = 0.0, start
        while rate < self.per_second and messages > rate * every:
            seconds, messages, rate = seconds + every, messages - rate * every, rate * 2
        return seconds + messages / min(rate, self.per_second)
