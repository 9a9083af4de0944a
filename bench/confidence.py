"""Whether confidence tells wrong characters from right ones: AUROC in white noise, by the bundled model, through the
whole service."""

from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure
from bench.stack import service
from tests.support.confidence import auroc, hear

HELDOUT = Path(__file__).parents[1] / "tests/data/heldout"
LOUDNESS_DB = (20.0, 10.0, 5.0, 0.0)
#: of 300 utterances
EVERY = 3
TIMEOUT_S = 900.0


def measure() -> list[Figure]:
    with service() as client, TemporaryDirectory() as folder:
        heard = {
            snr_db: hear(client, HELDOUT, Path(folder), snr_db=snr_db, every=EVERY, timeout_s=TIMEOUT_S)
            for snr_db in LOUDNESS_DB
        }
    together = [each for some in heard.values() for each in some]
    figures = [Figure(f"{len(together):,} characters at 20 to 0 dB together: AUROC", auroc(together), "", "≥ 0.85")]
    for snr_db, some in heard.items():
        wrong = sum(not each.is_right for each in some) / len(some)
        figures.append(Figure(f"… at {snr_db:g} dB alone ({wrong:.1%} of {len(some):,} wrong)", auroc(some), ""))
    return figures
