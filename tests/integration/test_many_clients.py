"""1,000 jobs of mixed length from 50 clients on simulated devices: no error, all done, metrics true to the ledger."""

import math
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.settings import Settings
from tests.support.clients import MIXED_S, run_clients, write_recordings
from tests.support.service import Service, service
from tests.support.waiting import eventually

#: a forward sleeps 160 ms for 20 s of audio
DEVICE = "bench.simulated_device"
RUN_S = 170.0


def check_load(settings: Settings, folder: Path, *, clients: int, jobs: int, devices: int) -> None:
    recordings = write_recordings(folder / "recordings")
    with service(
        settings, folder / "logs", transcribe=DEVICE, transcribers=devices, preparers=2, web=True, log_level="info"
    ) as running:
        load = run_clients(running.url, recordings, folder, clients=clients, jobs=jobs, timeout_s=RUN_S)
        assert load.errors == []
        assert list(load.ended.values()) == ["succeeded"] * jobs
        check_jobs(running, load.ended, jobs)
        eventually(lambda: check_metrics(running, jobs, polls=len(load.taken_ms["poll"])))


def check_jobs(running: Service, ended: dict[str, str], jobs: int) -> None:
    """Each is there once, covered to its end; together they are the recordings that were sent."""
    found = [running.job(job_id) for job_id in ended]
    lengths_s = [MIXED_S[number % len(MIXED_S)] for number in range(jobs)]
    assert sorted(job.duration_s or 0.0 for job in found) == sorted(lengths_s)
    assert all(job.covered_s == job.duration_s for job in found)


def check_metrics(running: Service, jobs: int, *, polls: int) -> bool:
    """What /metrics tells is what the ledger holds, and what the clients did. Workers tell theirs by heartbeat."""
    figures = scraped(running.url)
    counters, windows = running.ledger.counters(), sum(running.job(each).windows_done for each in all_jobs(running))
    assert figures["tingxie_jobs_created_total"] == counters["created"] == jobs
    assert figures['tingxie_jobs_ended_total{state="succeeded"}'] == counters["succeeded"] == jobs
    assert figures["tingxie_windows_committed_total"] == counters["committed"] == windows
    assert figures["tingxie_units_lapsed_total"] == figures["tingxie_windows_redone_total"] == 0
    for gauge in ("tingxie_backlog_seconds", "tingxie_jobs_unfinished", "tingxie_windows_claimable"):
        assert total(figures, gauge) == 0, gauge
    assert figures["tingxie_cpu_units_claimable"] == 0
    assert figures['tingxie_stage_seconds_count{stage="all"}'] == jobs
    assert total(figures, "tingxie_worker_windows_total") == windows
    useful_s = sum(MIXED_S[number % len(MIXED_S)] for number in range(jobs))
    assert math.isclose(total(figures, "tingxie_worker_useful_seconds_total"), useful_s, abs_tol=1e-3 * jobs)
    assert figures['tingxie_http_requests_total{method="POST",route="/v1/jobs",status="202"}'] == jobs
    assert figures['tingxie_http_requests_total{method="GET",route="/v1/jobs/<job_id>",status="200"}'] == polls
    assert not [name for name in figures if name.startswith("tingxie_http_requests_total") and 'status="5' in name]
    return True


def all_jobs(running: Service) -> list[str]:
    return [path.parent.name for path in Path(running.settings.store.removeprefix("file://")).glob("jobs/*/job.json")]


def scraped(url: str) -> dict[str, float]:
    """Each sample by its name and labels."""
    figures = {}
    for family in text_string_to_metric_families(httpx.get(f"{url}/metrics").text):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            figures[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return figures


def total(figures: dict[str, float], name: str) -> float:
    return sum(value for each, value in figures.items() if each.split("{")[0] == name)


@pytest.mark.full
@pytest.mark.timeout(280)
def test_a_thousand_jobs_from_fifty_clients(settings: Settings, tmp_path: Path) -> None:
    check_load(settings, tmp_path, clients=50, jobs=1000, devices=6)
