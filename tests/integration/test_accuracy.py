"""What the whole service makes of real speech that the bundled model never met."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_model.evaluate import score
from tests.support.accuracy import transcribe_folder
from tests.support.confidence import auroc, hear
from tests.support.stack import Up
from tingxie.client import Client

DATA = Path(__file__).parents[1] / "data"

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    up = Up.start(tmp_path_factory.mktemp("accuracy"), "--port", "0")
    try:
        with Client(up.url) as client:
            yield client
    finally:
        assert up.stop() == 0


def test_utterances_of_unknown_voices_are_understood(client: Client) -> None:
    result = score("utterances", transcribe_folder(client, DATA / "heldout", timeout_s=600))

    assert result.recordings == 300
    assert result.cer <= 0.015
    # A collapse that merges doubles (妈妈, 谢谢, 看看, 三三) would lose all of them.
    assert result.doubles_kept >= 0.97 * result.doubles > 0


def test_three_minute_recordings_are_understood(client: Client) -> None:
    result = score("recordings", transcribe_folder(client, DATA / "long", timeout_s=600))

    assert result.recordings == 4
    assert result.cer <= 0.025


def test_confidence_tells_wrong_characters_from_right_ones(client: Client, tmp_path: Path) -> None:
    at = {
        snr_db: hear(client, DATA / "heldout", tmp_path, snr_db=snr_db, every=6, timeout_s=600)
        for snr_db in (20.0, 10.0, 5.0, 0.0)
    }

    together = [each for some in at.values() for each in some]
    assert sum(not each.is_right for each in together) > 200
    assert auroc(together) >= 0.85
    assert auroc(at[10.0]) >= 0.85
