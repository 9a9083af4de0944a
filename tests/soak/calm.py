"""What every recording's transcript is where nothing goes wrong."""

import time
from pathlib import Path

from tests.soak.crew import Crew
from tests.soak.load import Load, each_once
from tests.soak.recordings import Recording

#: the bundled model needs seconds for all recordings together; torch's start-up takes longest
CALM_S = 600.0
POLL_S = 0.2


def transcribe_calmly(folder: Path, model: Path, made: list[Recording]) -> dict[Path, str]:
    """Each recording's transcript, from the same stack. Raises RuntimeError where one fails or is empty."""
    crew = Crew.start(folder, model)
    try:
        load = Load(crew.url, each_once(made))
        load.start()
        deadline = time.monotonic() + CALM_S
        while (len(load.jobs) < len(made) or load.poll()) and time.monotonic() < deadline:
            time.sleep(POLL_S)
            load.poll()
        load.stop()
        bad = [each.recording.path.name for each in load.jobs if each.ended is None or each.ended.state != "succeeded"]
        if bad or len(load.jobs) < len(made):
            raise RuntimeError(f"without faults, {bad or 'some'} did not succeed; see {folder}")
        texts = {each.recording.path: load.text(each) for each in load.jobs}
    finally:
        crew.stop()
    silent = [path.name for path, text in texts.items() if not text.strip()]
    if silent:
        raise RuntimeError(f"these transcripts are empty, and so compare nothing: {silent}")
    return texts
