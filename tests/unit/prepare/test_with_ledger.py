"""prepare and the real ledger agree: slices, parking, repair and failure as a job's owner sees them."""

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.job import State
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from tests.support import ledger as given
from worker import samples
from worker.prepare import prepare

RATE = 16_000
JOB = "job1"
AUDIO = (np.random.default_rng(2).standard_normal(400 * RATE) * 0.1).astype(np.float32)

#: claims the job's prepare and works on it, with other settings if any; False where it isn't claimable
Run = Callable[..., bool]


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """The tests' settings, changed by a test's parameter."""
    return settings.model_copy(update=getattr(request, "param", {}))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.open(str(tmp_path / "store"))


@pytest.fixture
def submit(ledger: Ledger, store: FolderStore) -> Callable[[np.ndarray], None]:
    def submit(audio: np.ndarray) -> None:
        path = store.root / layout.audio(JOB)
        path.parent.mkdir(parents=True)
        soundfile.write(path, audio, RATE, format="WAV", subtype="FLOAT")
        ledger.announce(given.spec())
        assert ledger.create(given.request(JOB, cutting="silence", window_s=5.0, context_s=0.5))

    return submit


@pytest.fixture
def run(ledger: Ledger, store: FolderStore, settings: Settings) -> Run:
    claims = count()

    def run(*, others_wait: bool = False, **changed: float) -> bool:
        unit = ledger.claim_prepare("cpu", f"claim-{next(claims)}")
        if unit is None:
            return False
        ledger.start("cpu", unit)
        changed_settings = settings.model_copy(update=changed)
        prepare(unit, ledger, store, changed_settings, should_yield=lambda: others_wait)
        return True

    return run


def test_a_job_is_prepared_in_slices(ledger: Ledger, submit: Callable[[np.ndarray], None], run: Run) -> None:
    submit(AUDIO)
    slices = 0
    while run(others_wait=True, prepare_slice_s=1e-6):
        slices += 1
    job = ledger.job(JOB)
    assert slices > 2
    assert job.state is State.RUNNING
    assert job.duration_s == 400
    assert job.windows_total > 80


@pytest.mark.parametrize("settings", [{"prepare_ahead_windows": 20}], indirect=True)
def test_a_parked_job_comes_back_when_its_windows_are_claimed(
    ledger: Ledger, submit: Callable[[np.ndarray], None], run: Run
) -> None:
    submit(AUDIO)
    assert run()
    assert not run()
    registered = ledger.job(JOB).windows_total
    assert 20 <= registered < 80
    given.claim(ledger, max_windows=registered)
    assert run()
    assert ledger.job(JOB).windows_total >= registered + 20


def test_a_missing_object_is_written_again_and_claimable_again(
    ledger: Ledger, store: FolderStore, submit: Callable[[np.ndarray], None], run: Run
) -> None:
    submit(AUDIO[: 20 * RATE])
    assert run()
    leases = given.claim(ledger, max_windows=100)
    name = layout.window(JOB, 2)
    before = store.read(name)
    store.delete(name)
    ledger.window_missing("gpu", leases[2])
    assert run()
    assert store.read(name) == before
    (again,) = given.claim(ledger, max_windows=100)
    assert again.window == leases[2].window
    window = again.window
    decoded = samples.decode(store.read(name))
    assert np.allclose(decoded, AUDIO[window.start_sample : window.stop_sample], rtol=0, atol=1e-4)


def test_bad_audio_ends_the_job_with_a_reason(ledger: Ledger, submit: Callable[[np.ndarray], None], run: Run) -> None:
    submit(np.append(AUDIO[: 20 * RATE], np.float32(np.nan)))
    assert run()
    job = ledger.job(JOB)
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["type"] == "audio-not-finite"


def test_a_cancelled_job_is_dropped(ledger: Ledger, submit: Callable[[np.ndarray], None], run: Run) -> None:
    submit(AUDIO)
    assert run(others_wait=True, prepare_slice_s=1e-6)
    ledger.cancel(JOB)
    assert not run()
    assert ledger.job(JOB).state is State.CANCELLED
