"""Where somebody speaks: Silero's voice activity detection over a stream of samples, 32 ms at a time.

Its model comes from the silero-vad wheel and runs in onnxruntime; the package itself is not imported, for it brings
torch into the process (docs/decisions/silence.md).
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from jobs.errors import SilenceUnknown
from worker.forward import Samples

#: what the model reads at once, after the end of what came before
FRAME_SAMPLES, CONTEXT_SAMPLES = 512, 64
RATE_HZ = 16_000
STATE_SHAPE = (1, 1, 128)
#: frames of one call, 2 s; always the same ones, so that the result doesn't depend on how the stream is split
CALL_FRAMES = 64
#: From this probability on a frame is speech. Silero's own way takes speech from 0.5 on and ends it below 0.35: what is
#: wrongly kept costs a little computing, what is wrongly left out is lost.
SPEECH_PROBABILITY = 0.35
MODEL_FILE = "data/silero_vad_16k_sequence.onnx"

Mask = npt.NDArray[np.bool_]


class SpeechDetector:
    """Takes samples from the start of the audio on; says of each frame whether somebody speaks in it.

    Raises SilenceUnknown where it can't run.
    """

    def __init__(self, sampling_rate_hz: int = RATE_HZ) -> None:
        if sampling_rate_hz != RATE_HZ:
            raise SilenceUnknown(f"Silero VAD reads {RATE_HZ} samples a second, the model {sampling_rate_hz}")
        self._session = _session()
        self._hidden = self._cell = np.zeros(STATE_SHAPE, np.float32)
        self._context = np.zeros(CONTEXT_SAMPLES, np.float32)
        self._rest: Samples = np.empty(0, np.float32)

    def feed(self, block: Samples) -> Mask:
        """The frames that are complete with this block; a call's frames come together."""
        self._rest = np.concatenate((self._rest, block))
        whole = len(self._rest) // (CALL_FRAMES * FRAME_SAMPLES) * CALL_FRAMES * FRAME_SAMPLES
        samples, self._rest = self._rest[:whole], self._rest[whole:]
        calls = samples.reshape(-1, CALL_FRAMES * FRAME_SAMPLES)
        return np.concatenate([np.zeros(0, np.bool_), *(self._call(call) for call in calls)])

    def finish(self) -> Mask:
        """The audio has ended: the frames that are left, the last one filled up with zeros."""
        samples = np.pad(self._rest, (0, -len(self._rest) % FRAME_SAMPLES))
        self._rest = self._rest[:0]
        return self._call(samples) if len(samples) else np.zeros(0, np.bool_)

    def _call(self, samples: Samples) -> Mask:
        frames = samples.reshape(-1, FRAME_SAMPLES)
        contexts = np.concatenate((self._context[np.newaxis], frames[:-1, -CONTEXT_SAMPLES:]))
        self._context = frames[-1, -CONTEXT_SAMPLES:]
        inputs = {"input": np.concatenate((contexts, frames), axis=1), "h": self._hidden, "c": self._cell}
        scores, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
        speech: Mask = scores.reshape(-1) >= SPEECH_PROBABILITY
        return speech


@lru_cache(maxsize=1)
def _session() -> Any:
    """The model, loaded once in a process: 30 ms and 22 MB."""
    found = find_spec("silero_vad")
    if found is None or not found.submodule_search_locations:
        raise SilenceUnknown("silero-vad isn't installed where this job was prepared")
    try:
        import onnxruntime  # noqa: PLC0415  # only processes that look for silence pay for it
    except ImportError as error:
        raise SilenceUnknown("onnxruntime isn't installed where this job was prepared") from error
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    path = Path(found.submodule_search_locations[0], MODEL_FILE)
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
