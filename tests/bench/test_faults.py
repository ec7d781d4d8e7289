"""What the bench refuses to call a measurement."""

from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from bench import latency
from bench.latency import check_once, measure
from bench.system import System
from cli.embedded.trouble import Trouble
from fakes.smtp import FakeSmtp


def a_system(answer: httpx.Response | Exception) -> System:
    """Return a system whose API always answers so, and whose mail server never hears a thing."""

    def handle(request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    api = httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://api.invalid")
    nothing = cast(Any, None)
    return System(api, nothing, FakeSmtp(), nothing, nothing)


async def test_a_message_that_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "PATIENCE", 0.05)
    with pytest.raises(Trouble, match="did not come"):
        await measure(a_system(httpx.Response(202)), 1)


@pytest.mark.parametrize("answer", [httpx.Response(503, text="no"), httpx.ConnectError("refused")])
async def test_a_request_that_is_not_accepted(answer: httpx.Response | Exception) -> None:
    with pytest.raises(Trouble, match=r"503|refused"):
        await measure(a_system(answer), 1)


def test_a_message_that_came_twice() -> None:
    system = a_system(httpx.Response(202))
    check_once(system, 0)
    with pytest.raises(Trouble, match="3 messages were asked for, and 0 came"):
        check_once(system, 3)


def test_a_process_that_ended() -> None:
    class Folder:
        def read_state(self) -> dict[str, Any]:
            return {"parts": [{"title": "Worker", "restarts": 1}, {"title": "API", "restarts": 0}]}

    system = replace(a_system(httpx.Response(202)), folder=cast(Any, Folder()))
    with pytest.raises(Trouble, match="Worker ended"):
        system.check()
