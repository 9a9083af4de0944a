"""How these tests load a model and make windows for it."""

from pathlib import Path
from typing import Any

import numpy as np

from jobs.ledger import WindowLease
from jobs.settings import Settings
from jobs.window import Window
from worker.forward import ForwardInput
from worker.model import LoadedModel, load_model


def load(folder: Path | str, **changes: Any) -> LoadedModel:
    """A model in float32 on one thread: beside other work on the machine several are slower than one."""
    usual = {"model": str(folder), "device": "cpu", "dtype": "float32", "model_threads": 1}
    return load_model(Settings(**usual | changes))


def make_input(samples: np.ndarray, *, left: int = 0, right: int = 0, **lease: Any) -> ForwardInput:
    """The samples as a claimed window with so much context; `lease` changes language, task or timestamps."""
    fields: dict[str, Any] = {"language": None, "task": "transcribe", "timestamps": "segment"} | lease
    window = Window(0, 0, len(samples), left, right)
    return ForwardInput(WindowLease("job", window, fence=1, suspect=False, **fields), samples)
