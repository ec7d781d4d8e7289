"""Sends spans to a collector, where one is named; without one they cost nothing."""

from config.settings import Settings


def configure_tracing(settings: Settings, process: str) -> None:
    """Send the spans of this process by OTLP over HTTP to TOCSIN_OTLP_ENDPOINT, in batches."""
    if settings.otlp_endpoint is None:
        return
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create({"service.name": "tocsin", "service.instance.id": process})
    provider = TracerProvider(resource=resource)
    url = f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
    trace.set_tracer_provider(provider)
