"""Where something is heard, and how far a segment's edges are moved to it."""

import numpy as np
import pytest

from jobs.model import ModelSpec
from worker.loudness import heard_from, heard_until, loud_frames
from worker.parts import ctc_parts
from worker.stitch import Tokens
from worker.vocabulary import Vocabulary

HOP = 320
FRAME_S = 0.02


def mask(text: str) -> np.ndarray:
    return np.array([char == "#" for char in text])


def test_loud_is_relative_to_the_window() -> None:
    tone = np.sin(np.arange(10 * HOP)).astype(np.float32)
    wave = np.concatenate([np.zeros(5 * HOP, np.float32), tone, np.zeros(5 * HOP, np.float32)])
    for volume in (1.0, 1e-3):
        assert loud_frames(volume * wave, HOP, 20).tolist() == mask(".....##########.....").tolist()


def test_a_noise_floor_is_not_speech() -> None:
    dice = np.random.default_rng(0)
    wave = 0.05 * dice.standard_normal(100 * HOP).astype(np.float32)
    wave[40 * HOP : 60 * HOP] += np.sin(np.arange(20 * HOP)).astype(np.float32)
    loud = loud_frames(wave, HOP, 100)
    assert loud[40:60].all()
    assert loud.sum() <= 22


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (100, 0), (0, 3), (3 * HOP - 1, 3)])
def test_silence_and_short_windows(samples: int, frames: int) -> None:
    assert not loud_frames(np.zeros(samples, np.float32), HOP, frames).any()


@pytest.mark.parametrize(
    ("loud", "frame", "not_before", "found"),
    [
        ("...#####..", 6, 0, 3),
        ("..........", 6, 0, 6),
        ("##########", 6, 4, 4),
        (".##.###...", 6, 0, 1),
        ("#......##.", 8, 0, 7),
        ("..###.....", 6, 0, 2),
        ("#" * 100, 60, 0, 35),
    ],
    ids=["onset", "nothing", "another's", "a gap", "a pause", "said late", "not too far"],
)
def test_beginnings(loud: str, frame: int, not_before: int, found: int) -> None:
    assert heard_from(mask(loud), frame, not_before=not_before, frame_s=FRAME_S) == found


@pytest.mark.parametrize(
    ("loud", "frame", "not_after", "found"),
    [
        ("######....", 3, 10, 6),
        ("##########", 3, 5, 5),
        ("####.##...", 3, 10, 7),
        ("####......##", 3, 12, 4),
        ("####", 4, 10, 4),
        ("#" * 100, 30, 100, 55),
    ],
    ids=["end", "another's", "a gap", "a pause", "the end of all", "not too far"],
)
def test_ends(loud: str, frame: int, not_after: int, found: int) -> None:
    assert heard_until(mask(loud), frame, not_after=not_after, frame_s=FRAME_S) == found


def test_a_segment_never_starts_after_its_first_character() -> None:
    """Both are made of frames by the same arithmetic, whatever its rounding (35 * 0.02 > 35 * 320 / 16,000)."""
    vocabulary = Vocabulary(("<pad>", "你"), "<pad>", "|", " ", frozenset({"<pad>"}))
    spec = ModelSpec("m", "r", "float32", "ctc", 16_000, 320, 400, 60.0, False, "zh", 0)
    for frame in range(1, 400):
        tokens = Tokens(np.array([1]), np.array([frame]), np.array([frame + 1]), np.ones(1), np.zeros(400, np.bool_))
        parts = ctc_parts(tokens, vocabulary, spec)
        [char] = parts.chars or []
        assert (parts.segments[0].start_s, parts.segments[0].end_s) == (char.start_s, char.end_s)
