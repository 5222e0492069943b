"""Numbers for Prometheus: what they say, and who may read them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from support.scripted import served

from vlm_demo.backend import Backend


def test_prometheus_reads_requests_and_memory_with_a_key(backend: Backend, tmp_path: Path) -> None:
    parser = pytest.importorskip("prometheus_client.parser")
    with (
        served(backend, tmp_path, public=True, metrics_key="a key") as address,
        httpx.Client(base_url=address, trust_env=False, timeout=60) as http,
    ):
        http.get("healthz")
        assert http.get("metrics").status_code == 403
        wrong = http.get("metrics", headers={"Authorization": "Bearer another"})
        assert wrong.status_code == 403
        answer = http.get("metrics", headers={"Authorization": "Bearer a key"})
    assert answer.status_code == 200
    samples = {
        (sample.name, sample.labels.get("route", ""), sample.labels.get("status", "")): sample.value
        for family in parser.text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["vlm_demo_http_requests_total", "/healthz", "200"] == 1
    assert samples["vlm_demo_http_requests_total", "/metrics", "403"] == 2
    assert samples["vlm_demo_resident_memory_bytes", "", ""] > 1e7
