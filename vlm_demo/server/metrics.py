"""Numbers for Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from importlib.util import find_spec

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from vlm_demo.server.figures import Figures
from vlm_demo.server.monitor import Monitor
from vlm_demo.server.operators import is_operator
from vlm_demo.settings import Settings

if find_spec("prometheus_client"):
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.exposition import CONTENT_TYPE_LATEST
    from prometheus_client.registry import Collector

    class _PageCollector(Collector):
        """Reads the numbers when they are asked for."""

        def __init__(self, monitor: Monitor, measure: Callable[[], Figures]) -> None:
            self._monitor = monitor
            self._measure = measure

        def collect(self) -> Iterator[Metric]:
            yield from self._collect_requests()
            yield from self._collect_figures(self._measure())

        def _collect_requests(self) -> Iterator[Metric]:
            labels = ["method", "route", "status"]
            counts = CounterMetricFamily("vlm_demo_http_requests", "Requests.", labels=labels)
            seconds = CounterMetricFamily(
                "vlm_demo_http_request_seconds", "Seconds of all requests together.", labels=labels
            )
            for key, (count, total) in self._monitor.requests().items():
                values = [key.method, key.path, str(key.status)]
                counts.add_metric(values, count)
                seconds.add_metric(values, total)
            events = CounterMetricFamily(
                "vlm_demo_log_events", "Warnings and errors in the log.", labels=["level", "logger"]
            )
            for (level, source), count in self._monitor.event_counts().items():
                events.add_metric([level, source], count)
            yield from (counts, seconds, events)

        def _collect_figures(self, figures: Figures) -> Iterator[Metric]:
            labels = ["model"]
            for name, about, field in (
                ("answering", "Answers that are being written.", "answering"),
                ("waiting", "Requests that wait for a model.", "waiting"),
                ("weight_bytes", "Memory of the weights.", "weight_bytes"),
                ("cached_bytes", "Memory of the caches.", "cached_bytes"),
            ):
                gauge = GaugeMetricFamily(f"vlm_demo_model_{name}", about, labels=labels)
                for model in figures.models:
                    gauge.add_metric([model.name], getattr(model.usage, field))
                yield gauge
            for name, about, field in (
                ("requests", "Requests to a model since it was loaded.", "requests"),
                ("prompt_tokens", "Tokens of prompts.", "prompt_tokens"),
                ("reused_tokens", "Tokens of prompts found in the prefix cache.", "reused_tokens"),
                ("tokens", "Tokens written.", "tokens"),
            ):
                counter = CounterMetricFamily(f"vlm_demo_model_{name}", about, labels=labels)
                for model in figures.models:
                    counter.add_metric([model.name], getattr(model.usage, field))
                yield counter
            for name, about, value in (
                ("resident_memory_bytes", "Memory of this process.", figures.resident_memory),
                ("free_memory_bytes", "Memory that is free.", figures.free_memory),
                ("free_disk_bytes", "Free bytes where uploads are kept.", figures.free_disk),
                ("open_files", "Open files of this process.", figures.open_files),
                ("started_seconds", "Unix time of the start.", self._monitor.started.timestamp()),
            ):
                yield GaugeMetricFamily(f"vlm_demo_{name}", about, value=value)
            if figures.free_gpu_memory is not None:
                yield GaugeMetricFamily(
                    "vlm_demo_free_gpu_memory_bytes",
                    "Memory that is free on GPUs.",
                    value=figures.free_gpu_memory,
                )


def metrics_routes(
    settings: Settings, monitor: Monitor, measure: Callable[[], Figures]
) -> list[Route]:
    """Return `GET /metrics`, for the operator and for whoever has the key of the settings.

    Args:
        settings: of this run.
        monitor: that counts requests.
        measure: returns what the program is doing now.
    """

    async def answer(request: Request) -> Response:
        if not (is_operator(request) or _has_key(request, settings.metrics_key)):
            return PlainTextResponse("These numbers are for the operator of this page.", 403)
        if not find_spec("prometheus_client"):
            words = "These numbers need another package: pip install prometheus-client"
            return PlainTextResponse(words, 501)
        return await run_in_threadpool(_write)

    def _write() -> Response:
        registry = CollectorRegistry()
        registry.register(_PageCollector(monitor, measure))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [Route("/metrics", answer, methods=["GET"])]


def _has_key(request: Request, key: str) -> bool:
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    return bool(key) and hmac.compare_digest(given.encode(), key.encode())
