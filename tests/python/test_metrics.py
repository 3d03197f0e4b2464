"""The text of `GET /metrics`, read by the official parsers of both forms."""

import pytest
import requests
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families as classic_families

from programs import SIMULATED

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
CLASSIC = "text/plain; version=0.0.4; charset=utf-8"
FORMS = {OPEN: open_families, CLASSIC: classic_families}


@pytest.fixture
def told(play, ask):
    """Asks for the figures after a chat, in a form."""
    stage = play(SIMULATED[0], METRICS_PUBLIC="true", METRICS_GENAI="true")
    ask(stage, "Hello")

    def figures(form: str) -> dict:
        url = f"{stage.server.origin}/metrics"
        answer = requests.get(url, headers={"Accept": form}, timeout=10)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == form
        return {family.name: family for family in FORMS[form](answer.text)}

    return figures


@pytest.mark.parametrize("form", FORMS)
def test_official_parsers_read_every_family(told, form):
    families = told(form)
    calls = families["llm2api_requests"]
    done = [sample for sample in calls.samples if sample.labels["outcome"] == "completed"]
    assert sum(sample.value for sample in done) == 1
    assert families["llm2api_request_duration_seconds"].type == "histogram"
    assert families["gen_ai_client_operation_duration_seconds"].type == "histogram"
    assert families["process_resident_memory_bytes"].samples[0].value > 1 << 20


def test_openmetrics_tells_units(told):
    families = told(OPEN)
    assert families["llm2api_time_to_first_token_seconds"].unit == "seconds"
    assert families["process_virtual_memory_bytes"].unit == "bytes"
    assert families["llm2api_build"].type == "info"


def test_buckets_grow_and_end_with_all(told):
    for family in told(OPEN).values():
        if family.type != "histogram":
            continue
        series = {}
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if name != "le"}
            series.setdefault(tuple(labels.items()), []).append(sample)
        for samples in series.values():
            buckets = [sample.value for sample in samples if sample.name.endswith("_bucket")]
            [count] = [sample.value for sample in samples if sample.name.endswith("_count")]
            assert buckets == sorted(buckets) and buckets[-1] == count, family.name
