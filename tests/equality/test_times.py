"""Segments begin and end where they are heard to, in speech with silences at known places; also after hours."""

import numpy as np
import pytest

from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import open_store
from tests.equality.chain import Chain
from tests.support.spaced_speech import edge_errors_s, spaced_speech
from worker.model import load_model

#: on average, in seconds
CLOSE_S = 0.1


@pytest.fixture
def chain(settings: Settings, ledger: Ledger) -> Chain:
    model = load_model(Settings(model="bundled", device="cpu", dtype="float32", model_threads=1))
    return Chain(settings, ledger, open_store(settings.store), model)


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_the_edges_of_segments_are_where_speech_begins_and_ends(chain: Chain, noise: float) -> None:
    speech = spaced_speech(120.0, noise=noise)
    found = chain.transcribe(speech.wave, window_s=20.0, context_s=0.5)
    errors = edge_errors_s(speech, found)
    assert len(errors) > 8
    assert np.abs(errors).mean() < CLOSE_S / 2
    assert np.abs(errors).max() < 4 * CLOSE_S
    chars = found.chars or []
    assert all(
        any(part.start_s <= char.start_s <= char.end_s <= part.end_s for part in found.segments) for char in chars
    )


@pytest.mark.full
@pytest.mark.timeout(900)
def test_three_hours_do_not_drift(chain: Chain) -> None:
    speech = spaced_speech(3 * 3600.0)
    errors = edge_errors_s(speech, chain.transcribe(speech.wave, window_s=20.0, context_s=0.5))
    thirds = [np.abs(third).mean() for third in np.array_split(errors, 3)]
    assert max(thirds) < CLOSE_S
    assert abs(thirds[-1] - thirds[0]) < CLOSE_S / 20
