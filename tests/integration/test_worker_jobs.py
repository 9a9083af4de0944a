"""Jobs through real workers, without HTTP and without torch (tests/support/fake_model.py)."""

from pathlib import Path

from jobs.job import State
from jobs.settings import Settings
from tests.support.service import service
from tests.support.speechlike import wav


def test_a_job_succeeds(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs") as running:
        job_id = running.submit_bytes(wav(65.0))
        job = running.wait(job_id)
        assert job.state is State.SUCCEEDED, job.error
        assert job.covered_s == job.duration_s == 65.0
        transcript = running.transcript(job_id)
        assert len(transcript.text) > 100
        assert len(set(transcript.text)) >= 8
