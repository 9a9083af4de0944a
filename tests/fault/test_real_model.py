"""Faults 1, 2 and 4 with the bundled model: in fp32 the transcript is, to the character, that of a calm run."""

from pathlib import Path

import pytest
from redis import Redis

from jobs.settings import Settings
from tests.equality.speech import speech
from tests.fault.outcome import Calm, Outcome
from tests.fault.test_bad_window import wav_of
from tests.support.service import BRISK, service, start_transcriber
from tests.support.victims import stop_holder

#: speech that several workers need some seconds for
LENGTH_S = 700.0


@pytest.mark.full
def test_the_transcript_is_the_same(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    options = {"model": "bundled", "dtype": "float32", "batch_windows": 4, **BRISK}
    with service(settings, tmp_path / "logs", transcribers=2, transcribe="tingxie", **options) as running:
        outcome = Outcome(running, calm, "bundled")
        running.covered(outcome.submit(wav_of(speech(LENGTH_S))))
        zombie = stop_holder(running, redis)
        killed = stop_holder(running, redis)
        killed.kill()
        start_transcriber(running, "transcribe-3", "tingxie")
        killed.recovered()
        zombie.recovered()
        zombie.resume()
        outcome.check("lapsed", "redone")
