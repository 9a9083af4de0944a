"""finish writes the transcript, tells the ledger, and never lets a gap through."""

import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from jobs.errors import Problem, StoreUnavailable
from jobs.job import JobRequest
from jobs.ledger import FinishUnit, Ledger, Refused
from jobs.model import ModelSpec
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from jobs.transcript import Transcript
from jobs.window import Window
from worker.finish import finish
from worker.runs import Runs
from worker.vocabulary import VOCABULARY_FILE, Vocabulary

VOCABULARY = Vocabulary(("<pad>", "<unk>", "|", *"你好吗我很ab"), "<pad>", "|", " ", frozenset({"<pad>", "<unk>"}))
SPEC = ModelSpec("m", "r", "float32", "ctc", 16_000, 320, 400, 60.0, False, "zh", 0)
REQUEST = JobRequest(
    id="job1", created_at=0, filename="a.wav", size_bytes=1, sha256="", model="m", language=None, task="transcribe",
    timestamps="segment", cutting="silence", window_s=5.0, context_s=0.5, priority="normal", metadata={},
)  # fmt: skip


@dataclass
class Recorder:
    """A ledger's finish calls."""

    rows: list[tuple[Window, bytes]]
    warnings: list[str] | None = None
    problem: Problem | None = None
    raises: list[Exception] = field(default_factory=list)

    def results(self, _job_id: str) -> list[tuple[Window, bytes]]:
        return self.rows

    def finished(self, _unit: FinishUnit, *, warnings: list[dict[str, str]]) -> None:
        for error in self.raises:
            raise error
        self.warnings = [warning["type"] for warning in warnings]

    def fail_job(self, _unit: FinishUnit, problem: Problem) -> None:
        self.problem = problem


def window(index: int, start: int, stop: int) -> Window:
    return Window(index, start, stop, 0, 0)


def payload(text: str) -> bytes:
    """One frame a character; `_` is the blank."""
    ids = [0 if char == "_" else VOCABULARY.tokens.index("|" if char == " " else char) for char in text]
    return Runs.of_frames(np.array(ids, np.int64), np.ones(len(ids))).pack()


def run(tmp_path: Path, ledger: Recorder, **changes: Any) -> FolderStore:
    store = FolderStore.open(str(tmp_path))
    store.write(layout.model_folder(SPEC.key) + VOCABULARY_FILE, [VOCABULARY.to_json()])
    total = ledger.rows[-1][0].cut_stop if ledger.rows else 0
    unit = replace(FinishUnit("job1", 1, REQUEST, SPEC, total), **changes)
    finish(unit, cast("Ledger", ledger), store, Settings())
    return store


def transcript_of(store: FolderStore) -> Transcript:
    return Transcript.model_validate_json(store.read(layout.transcript("job1")))


def test_the_transcript_has_text_times_and_confidence(tmp_path: Path) -> None:
    ledger = Recorder([(window(0, 0, 1600), payload("_你你_好")), (window(1, 1600, 3200), payload("好_吗__"))])
    transcript = transcript_of(run(tmp_path, ledger))
    assert (transcript.text, transcript.duration_s, transcript.confidence) == ("你好吗", 0.2, 1.0)
    assert [(char.text, char.start_s, char.end_s) for char in transcript.chars or []] == [
        ("你", 0.02, 0.06), ("好", 0.08, 0.12), ("吗", 0.14, 0.16),
    ]  # fmt: skip
    assert [(part.start_s, part.end_s, part.text) for part in transcript.segments] == [(0.02, 0.16, "你好吗")]
    assert [word.text for word in transcript.words] == ["你好吗"]
    assert (transcript.language, transcript.model, transcript.revision) == ("zh", "m", "r")
    assert ledger.warnings == []


def test_an_empty_transcript_is_a_success_with_a_warning(tmp_path: Path) -> None:
    ledger = Recorder([(window(0, 0, 1600), payload("_____"))])
    transcript = transcript_of(run(tmp_path, ledger))
    assert (transcript.text, transcript.segments, transcript.chars, transcript.confidence) == ("", [], [], None)
    assert ledger.warnings == ["no-speech"]


def test_what_follows_a_silence_is_in_its_place(tmp_path: Path) -> None:
    """What ends before it gave a frame less than its length; the doubles on both sides are two."""
    rows = [
        (window(0, 0, 1600), payload("_你好好")),
        (window(1, 1600, 6400), b""),
        (window(2, 6400, 8000), payload("好_吗_")),
    ]
    transcript = transcript_of(run(tmp_path, Recorder(rows)))
    assert [(char.text, char.start_s, char.end_s) for char in transcript.chars or []] == [
        ("你", 0.02, 0.04), ("好", 0.04, 0.08), ("好", 0.4, 0.42), ("吗", 0.44, 0.46),
    ]  # fmt: skip
    assert (transcript.text, transcript.confidence, transcript.duration_s) == ("你好好吗", 1.0, 0.5)


def test_silence_alone_is_an_empty_transcript(tmp_path: Path) -> None:
    ledger = Recorder([(window(0, 0, 1600), b""), (window(1, 1600, 1999), b"")])
    assert transcript_of(run(tmp_path, ledger)).text == ""
    assert ledger.warnings == ["no-speech"]


@pytest.mark.parametrize(
    "rows",
    [
        [(0, 1600), (1920, 3200)],
        [(320, 3200)],
        [(0, 1600), (1600, 2880)],
    ],
    ids=["gap", "late start", "early end"],
)
def test_a_gap_fails_the_job(rows: list[tuple[int, int]], tmp_path: Path) -> None:
    ledger = Recorder([(window(index, *row), payload("你")) for index, row in enumerate(rows)])
    store = run(tmp_path, ledger, total_samples=3200)
    assert ledger.problem
    assert ledger.problem.type == "audio-not-covered"
    assert not store.exists(layout.transcript("job1"))


def test_a_refused_unit_is_dropped(tmp_path: Path) -> None:
    ledger = Recorder([(window(0, 0, 320), payload("你"))], raises=[Refused()])
    run(tmp_path, ledger)
    assert (ledger.warnings, ledger.problem) == (None, None)


def test_a_model_whose_files_are_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="isn't in the store yet"):
        run(tmp_path, Recorder([(window(0, 0, 320), payload("你"))]), spec=replace(SPEC, revision="other"))


TEN_HOURS = """
import resource, sys, time
from pathlib import Path
import numpy as np
from tests.unit.model.test_finish import Recorder, payload, run, transcript_of, window
random = np.random.default_rng(0)
def text():  # 18 s: four characters a second, blanks between
    chars = ("你好吗我很ab"[random.integers(7)] + "_" * random.integers(5, 18) for _ in range(72))
    return "".join(chars)[:900].ljust(900, "_")
step = 288_000
ledger = Recorder([(window(index, index * step, (index + 1) * step), payload(text())) for index in range(2000)])
idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
store = run(Path(sys.argv[1]), ledger)
print(time.process_time() - started, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle) / 1024)
assert "torch" not in sys.modules and "transformers" not in sys.modules
assert len(transcript_of(store).chars) > 100_000
"""


def test_ten_hours_take_seconds_and_little_memory_and_no_torch(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", TEN_HOURS, tmp_path], check=True, capture_output=True, text=True)
    processor_s, memory_mb = (float(figure) for figure in done.stdout.splitlines()[-1].split())
    assert processor_s < 20
    assert memory_mb < 300
