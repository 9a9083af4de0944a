"""Fault 15: whoever committed the last window dies before it could hint at the finish; the finisher dies."""

from pathlib import Path

from jobs.settings import Settings
from tests.fault.fixtures import killed_after_last_commit, killed_in_finish
from tests.fault.fixtures.once import MARKS, died
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.speechlike import wav


def test_a_complete_job_is_finished_all_the_same(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    module = killed_after_last_commit.__name__
    # slower than prepare, so that a commit completes the job
    marks = {MARKS: str(tmp_path), SLEEP: "0.01"}
    with service(
        settings,
        tmp_path / "logs",
        preparers=0,
        transcribe=module,
        environment=marks,
        **BRISK,
    ) as running:
        running.start("prepare", killed_in_finish.__name__)
        outcome = Outcome(running, calm)
        outcome.submit(wav(45.0))
        assert outcome.check("lapsed", "hints")["redone"] == 0
        assert died(tmp_path, killed_after_last_commit.POINT)
        assert died(tmp_path, killed_in_finish.POINT)
