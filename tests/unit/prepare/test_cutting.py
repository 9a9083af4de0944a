"""The window rule: windows tile the audio, frame by frame, whatever the lengths, blocks and interruptions."""

import weakref
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.errors import WindowTooShort
from jobs.model import ModelSpec
from jobs.window import Window
from worker.cutting import Cutter, CutWindow, Rule, make_rule


def ctc(*, hop: int = 320, receptive_field: int = 400, rate: int = 16_000) -> ModelSpec:
    return ModelSpec("m", "r", "float32", "ctc", rate, hop, receptive_field, 60.0, False, "zh", 0)


WHISPER = ModelSpec("w", "r", "float32", "whisper", 16_000, 160, 400, 30.0, False, "zh", None)


def cut_all(
    rule: Rule, audio: np.ndarray, *, blocks: list[int] | None = None, after: Window | None = None
) -> tuple[list[CutWindow], int]:
    """Every window of `audio` behind `after`, fed in blocks of the given sizes in turn, and the total."""
    cutter = Cutter(rule) if after is None else Cutter(rule, index=after.index + 1, cut_start=after.cut_stop)
    found, position, turn = [], 0, 0
    while position < len(audio):
        size = (blocks or [len(audio)])[turn % len(blocks or [1])]
        found += cutter.feed(audio[position : position + size])
        position += size
        turn += 1
    return found + cutter.finish(), cutter.total_samples


def noise(samples: int, seed: int) -> np.ndarray:
    """Noise that swells and falls, with true silence in it."""
    random = np.random.default_rng(seed)
    level = np.repeat(random.choice([0.0, 0.003, 0.1, 0.5], samples // 500 + 1), 500)[:samples]
    return (random.standard_normal(samples) * level).astype(np.float32)


def frames(samples: int, spec: ModelSpec) -> int:
    """F(n) of FACTS.md."""
    rf = spec.receptive_field_samples
    return (samples - rf) // spec.hop_samples + 1 if samples >= rf else 0


@dataclass
class Case:
    spec: ModelSpec
    window_s: float
    context_s: float
    audio: np.ndarray


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Small rates, so that many windows take few samples."""
    hop = draw(st.integers(1, 40))
    spec = ctc(hop=hop, receptive_field=hop + draw(st.integers(0, 80)), rate=1000)
    window_s = draw(st.floats(0.6, 3.0))
    context_s = draw(st.floats(0.0, 0.15))
    samples = draw(st.integers(1, 12_000))
    return Case(spec, window_s, context_s, noise(samples, draw(st.integers(0, 2**32 - 1))))


@settings(deadline=None)
@given(cases())
def test_silence_windows_tile_all_frames(case: Case) -> None:
    rule = make_rule(case.spec, "silence", window_s=case.window_s, context_s=case.context_s)
    found, total = cut_all(rule, case.audio)
    hop, rf = case.spec.hop_samples, case.spec.receptive_field_samples
    position = kept = 0
    for window, samples in found:
        is_last = window is found[-1].window
        assert len(samples) == window.samples
        assert rf <= window.samples <= max(rf, case.window_s * case.spec.sampling_rate_hz)
        assert window.start_sample % hop == 0
        assert window.cut_start == position
        assert is_last or window.cut_stop % hop == 0
        assert is_last or window.right_samples >= max(rf - hop, round(case.context_s * 1000))
        assert window.index == 0 or window.left_samples >= min(round(case.context_s * 1000), window.cut_start)
        first = window.left_samples // hop
        stop = frames(window.samples, case.spec) if is_last else (window.cut_stop - window.start_sample) // hop
        assert first <= stop <= frames(window.samples, case.spec)
        assert kept == window.cut_start // hop
        kept += stop - first
        position = window.cut_stop
    assert position == total == max(len(case.audio), rf)
    assert kept == frames(total, case.spec)


@settings(deadline=None)
@given(cases())
def test_windows_hold_the_very_samples(case: Case) -> None:
    rule = make_rule(case.spec, "silence", window_s=case.window_s, context_s=case.context_s)
    found, total = cut_all(rule, case.audio)
    padded = np.pad(case.audio, (0, total - len(case.audio)))
    for window, samples in found:
        assert np.array_equal(samples, padded[window.start_sample : window.stop_sample])


@settings(deadline=None)
@given(cases(), st.lists(st.integers(1, 5000), min_size=1, max_size=5), st.sampled_from(["silence", "fixed"]))
def test_block_sizes_change_nothing(case: Case, blocks: list[int], cutting: str) -> None:
    rule = make_rule(case.spec, cutting, window_s=case.window_s, context_s=case.context_s)
    whole, total = cut_all(rule, case.audio)
    pieces, also_total = cut_all(rule, case.audio, blocks=blocks)
    assert [cut.window for cut in whole] == [cut.window for cut in pieces]
    assert total == also_total


@settings(deadline=None)
@given(cases(), st.data())
def test_a_resumed_cutter_goes_on_alike(case: Case, data: st.DataObject) -> None:
    cutting = data.draw(st.sampled_from(["silence", "fixed"]))
    rule = make_rule(case.spec, cutting, window_s=case.window_s, context_s=case.context_s)
    whole, total = cut_all(rule, case.audio)
    known = data.draw(st.integers(1, len(whole)))
    rest, also_total = cut_all(rule, case.audio, blocks=[777], after=whole[known - 1].window)
    assert [cut.window for cut in whole[known:]] == [cut.window for cut in rest]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(whole[known:], rest, strict=True))
    assert total == also_total


class _Bare:
    """The feature extractor that chunk_iter calls, without features."""

    sampling_rate = 1000

    def __call__(self, chunk: np.ndarray, **_: object) -> dict[str, np.ndarray]:
        return {"samples": chunk}


def test_a_resumed_cutter_lets_go_of_what_it_drops() -> None:
    """A second slice of a ten-hour file goes over hours of blocks before its first window."""
    cutter = Cutter(make_rule(ctc(), "silence", window_s=20.0, context_s=0.5), index=2, cut_start=600_000)
    dropped, kept = (weakref.ref(fed(cutter, np.zeros(samples, np.float32))) for samples in (500_000, 200_000))
    assert dropped() is None
    assert kept() is not None


def fed(cutter: Cutter, block: np.ndarray) -> np.ndarray:
    cutter.feed(block)
    return block


@settings(deadline=None)
@given(cases(), st.sampled_from([1, None]))
def test_fixed_windows_are_those_of_transformers(case: Case, align_to: int | None) -> None:
    """Family whisper has no ratio: align_to is 1. The lengths are rounded as `preprocess` rounds them."""
    from transformers.pipelines.automatic_speech_recognition import chunk_iter  # noqa: PLC0415  # slow, torch

    spec = case.spec
    if align_to == 1:
        spec = ModelSpec("w", "r", "float32", "whisper", 1000, 16, 40, 30.0, False, "zh", None)
    rule = make_rule(spec, "fixed", window_s=case.window_s, context_s=case.context_s)
    hop = align_to or spec.hop_samples
    chunk = int(round(case.window_s * 1000 / hop) * hop)
    stride = int(round(case.context_s * 1000 / hop) * hop)
    theirs = [item["stride"] for item in chunk_iter(case.audio, _Bare(), chunk, stride, stride)]
    chunks = [item["samples"] for item in chunk_iter(case.audio, _Bare(), chunk, stride, stride)]
    ours, _ = cut_all(rule, case.audio, blocks=[1000])
    shortest = spec.receptive_field_samples if spec.family == "ctc" else 0
    if len(chunks[-1]) < shortest:  # the model would raise; ours is filled up with zeros
        assert ours[-1].window.samples == shortest
        theirs[-1] = (shortest, *theirs[-1][1:])
        chunks[-1] = np.pad(chunks[-1], (0, shortest - len(chunks[-1])))
    assert [(cut.window.samples, cut.window.left_samples, cut.window.right_samples) for cut in ours] == theirs
    assert all(np.array_equal(cut.samples, chunk) for cut, chunk in zip(ours, chunks, strict=True))


def test_a_cut_falls_into_a_late_pause() -> None:
    audio = np.random.default_rng(1).standard_normal(16_000 * 60).astype(np.float32) * 0.1
    audio[int(18.3 * 16_000) : int(18.8 * 16_000)] *= 0.01
    first = cut_all(make_rule(ctc(), "silence", window_s=20, context_s=0.5), audio)[0][0].window
    assert 18.3 < first.cut_stop / 16_000 < 18.8


def test_without_a_late_pause_an_earlier_one_is_taken() -> None:
    audio = np.random.default_rng(1).standard_normal(16_000 * 60).astype(np.float32) * 0.1
    audio[int(14.3 * 16_000) : int(14.8 * 16_000)] *= 0.01
    first = cut_all(make_rule(ctc(), "silence", window_s=20, context_s=0.5), audio)[0][0].window
    assert 14.3 < first.cut_stop / 16_000 < 14.8


def test_without_any_pause_windows_are_as_long_as_can_be() -> None:
    audio = np.random.default_rng(1).standard_normal(16_000 * 60).astype(np.float32) * 0.1
    windows = [cut.window for cut in cut_all(make_rule(ctc(), "silence", window_s=20, context_s=0.5), audio)[0]]
    assert [window.samples for window in windows[:-1]] == [320_000] * (len(windows) - 1)


def test_digital_silence_is_cut_late() -> None:
    windows = [
        cut.window
        for cut in cut_all(make_rule(ctc(), "silence", window_s=20, context_s=0.5), np.zeros(16_000 * 100, np.float32))[
            0
        ]
    ]
    assert windows[0].cut_stop / 16_000 > 19


def test_less_than_a_receptive_field_is_filled_up() -> None:
    spec = ctc(hop=640, receptive_field=1488)
    (only,), total = cut_all(make_rule(spec, "silence", window_s=20, context_s=0.5), np.ones(700, np.float32))
    assert only.window == Window(0, 0, 1488, 0, 0)
    assert total == 1488
    assert only.samples[:700].all()
    assert not only.samples[700:].any()


@pytest.mark.parametrize("extra", [1, 79, 80, 81, 319, 320, 321, 400])
def test_a_short_rest_makes_no_short_window(extra: int) -> None:
    """Just more than one window, no pause, no context: the last window still has a receptive field."""
    audio = np.random.default_rng(1).standard_normal(16_000 + extra).astype(np.float32)
    found, total = cut_all(make_rule(ctc(), "silence", window_s=1, context_s=0), audio)
    assert total == len(audio)
    assert len(found) == 2
    assert found[1].window.samples >= 400


@pytest.mark.parametrize("cutting", ["silence", "fixed"])
def test_a_rest_of_just_one_window_is_the_last(cutting: str) -> None:
    """Also when it arrives in a block that ends where the window does: more might have come."""
    rule = make_rule(ctc(), cutting, window_s=1, context_s=0.1)
    one, _ = cut_all(rule, np.ones(16_000, np.float32))
    assert [cut.window for cut in one] == [Window(0, 0, 16_000, 0, 0)]
    two, _ = cut_all(rule, np.ones(28_800, np.float32))
    assert [cut.window for cut in two] == [Window(0, 0, 16_000, 0, 1600), Window(1, 12_800, 28_800, 1600, 0)]


def test_no_audio_gives_no_window() -> None:
    assert cut_all(make_rule(ctc(), "silence", window_s=20, context_s=0.5), np.empty(0, np.float32)) == ([], 0)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 200), st.integers(0, 99))
def test_whisper_windows_at_silence_do_not_overlap(tenths: int, seed: int) -> None:
    audio = noise(tenths * 8000, seed)
    windows = [cut.window for cut in cut_all(make_rule(WHISPER, "silence", window_s=40, context_s=5), audio)[0]]
    assert all(window.left_samples == window.right_samples == 0 for window in windows)
    assert all(window.samples <= 30 * 16_000 for window in windows)
    assert all(window.samples > 16_000 for window in windows[1:])  # a short rest makes Whisper invent text


@pytest.mark.parametrize("cutting", ["silence", "fixed"])
def test_context_that_eats_the_window_is_refused(cutting: str) -> None:
    with pytest.raises(WindowTooShort):
        make_rule(ctc(), cutting, window_s=10, context_s=4.9)
