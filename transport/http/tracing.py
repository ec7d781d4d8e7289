"""Spans around requests, for whoever collects them: never a path, a query, a header or a body.

Paths and bodies hold tokens and codes (a bot's token stands in the path of its URL).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from domain.http import HttpExchange, HttpRequest

_TRACER: Final = trace.get_tracer("tocsin.transport.http")


@contextmanager
def span_of(request: HttpRequest) -> Iterator[Span]:
    """Give a span of one request, named by its method and host."""
    host = _host(request.url)
    attributes = {"http.request.method": request.method, "server.address": host}
    with _TRACER.start_as_current_span(
        f"{request.method} {host}", kind=SpanKind.CLIENT, attributes=attributes
    ) as span:
        yield span


def tell(span: Span, exchange: HttpExchange) -> None:
    """Note how far a request came."""
    if exchange.response is not None:
        span.set_attribute("http.response.status_code", exchange.response.status)
        return
    span.set_attribute("tocsin.phase", exchange.phase)
    span.set_attribute("error.type", exchange.problem)
    span.set_status(Status(StatusCode.ERROR))


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # no URL: the transport will say so
        return ""
