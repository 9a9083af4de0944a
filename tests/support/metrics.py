"""What /metrics tells, read as Prometheus reads it."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


def scraped(http: httpx.Client) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Each sample by its name and labels."""
    answer = http.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    assert len({family.name for family in families}) == len(families)
    assert all(family.documentation for family in families)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(http: httpx.Client, name: str, **labels: str) -> float:
    """The sum over the samples that have these labels."""
    found = [each for (sample, has), each in scraped(http).items() if sample == name and has >= set(labels.items())]
    assert found, name
    return sum(found)
