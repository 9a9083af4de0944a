"""How windows are cut: the default beside the best of a sweep, on the bundled model's three-minute recordings.

In one process, by the project's own cutting, batches and stitching, in float32. The useful share counts what the model
is given, context and the padding of batches included; as many windows are claimed at once as a worker ever does.
One character more or less is 0.05 points.
"""

import itertools

from bench.figure import Figure
from bench.in_process import LONG, Heard, Setting, hear, load_ctc, read
from jobs.settings import Settings

WINDOWS_S = (10.0, 20.0, 30.0)
SILENCE_CONTEXTS_S = (0.0, 0.5, 1.0)
FIXED_CONTEXT_S = 1.0
#: the pipeline's own: a sixth of the window on each side
DEFAULT_STRIDE = 1 / 6


def settings_swept() -> list[Setting]:
    silence = [Setting("silence", *each) for each in itertools.product(WINDOWS_S, SILENCE_CONTEXTS_S)]
    fixed = [
        Setting("fixed", each, context) for each in WINDOWS_S for context in (FIXED_CONTEXT_S, DEFAULT_STRIDE * each)
    ]
    return [*silence, *fixed]


def measure() -> list[Figure]:
    family, recordings, chosen = load_ctc("float32"), read(LONG), Setting.usual()
    heard = {
        setting: hear(family, recordings, setting, at_once=Settings().batch_windows)
        for setting in dict.fromkeys([chosen, *settings_swept()])
    }
    best = min(heard, key=lambda setting: heard[setting].cer)
    return [
        Figure(f"the default ({chosen}): CER", 100 * heard[chosen].cer, "%"),
        Figure(
            f"… above the best of {len(heard)} settings", 100 * (heard[chosen].cer - heard[best].cer), "points", "≤ 0.3"
        ),
        Figure("… useful share of the computed audio", heard[chosen].useful_share, "", "≥ 0.92"),
        Figure("… without the padding of batches", heard[chosen].kept_samples / heard[chosen].window_samples, ""),
        *(_row(setting, each) for setting, each in sorted(heard.items(), key=lambda pair: pair[1].cer)),
    ]


def _row(setting: Setting, heard: Heard) -> Figure:
    return Figure(f"{setting} (useful share {heard.useful_share:.2f}): CER", 100 * heard.cer, "%")
