"""The silence rule: what is left out, sample by sample, whatever the blocks and interruptions."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.model import ModelSpec
from jobs.window import Window
from tests.unit.prepare.test_prepare import REQUEST
from worker.cutting import CutWindow, make_rule
from worker.silences import SilenceFinder, SilenceRule, Stretch
from worker.skipping import SkippingCutter
from worker.speech import FRAME_SAMPLES, Mask

RATE = 16_000


def spec(family: str = "ctc", *, hop: int = 320, receptive_field: int = 400) -> ModelSpec:
    return ModelSpec("m", "r", "float32", family, RATE, hop, receptive_field, 30.0, False, "zh", 0)


class Marked:
    """A detector for samples that say it themselves: a frame is speech where one of them is above a half."""

    def __init__(self, call_frames: int) -> None:
        self.call = call_frames * FRAME_SAMPLES
        self.rest = np.zeros(0, np.float32)

    def feed(self, block: np.ndarray) -> Mask:
        self.rest = np.concatenate((self.rest, block))
        whole = len(self.rest) // self.call * self.call
        frames, self.rest = self.rest[:whole], self.rest[whole:]
        return frames.reshape(-1, FRAME_SAMPLES).max(axis=1, initial=0) > 0.5

    def finish(self) -> Mask:
        frames = np.pad(self.rest, (0, -len(self.rest) % FRAME_SAMPLES))
        return frames.reshape(-1, FRAME_SAMPLES).max(axis=1, initial=0) > 0.5


@dataclass
class Case:
    spec: ModelSpec
    cutting: str
    silence_s: float
    margin_s: float
    audio: np.ndarray
    call_frames: int

    @property
    def rule(self) -> SilenceRule:
        request = REQUEST.model_copy(update={"silence_s": self.silence_s, "silence_margin_s": self.margin_s})
        rule = SilenceRule.of_request(request, self.spec)
        return SilenceRule(rule.shortest, rule.margin, rule.hop, 20 * rule.hop)

    def cut(self, blocks: list[int], after: Window | None = None) -> tuple[list[CutWindow], int]:
        """Every window behind `after`, and the total."""
        known = {} if after is None else {"index": after.index + 1, "cut_start": after.cut_stop}
        rule = make_rule(self.spec, self.cutting, window_s=4.0, context_s=0.5)
        cutter = SkippingCutter(rule, self.rule, Marked(self.call_frames), **known)
        found, position, turn = [], 0, 0
        while position < len(self.audio):
            size = blocks[turn % len(blocks)]
            found += cutter.feed(self.audio[position : position + size])
            position, turn = position + size, turn + 1
        return found + cutter.finish(), cutter.total_samples

    def gaps(self) -> list[tuple[int, int]]:
        """The stretches without speech: after one frame of it and up to the next, or to an edge of the audio."""
        speech = Marked(1)
        marks = np.concatenate((speech.feed(self.audio), speech.finish()))
        frames = np.flatnonzero(marks) * FRAME_SAMPLES
        starts, stops = [0, *(frames + FRAME_SAMPLES).tolist()], [*frames.tolist(), len(self.audio)]
        return [(start, stop) for start, stop in zip(starts, stops, strict=True) if start < stop]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Stretches of speech and silence of some frames each, and an end that is no whole frame."""
    hop = draw(st.sampled_from([160, 320, 640]))
    family = draw(st.sampled_from(["ctc", "ctc", "whisper"]))
    lengths = draw(st.lists(st.integers(1, 150), min_size=1, max_size=8))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    begins_with_speech = draw(st.booleans())
    parts = []
    for number, frames in enumerate(lengths):
        quiet = random.uniform(0.01, 0.4, frames * FRAME_SAMPLES)
        parts.append(quiet + (0.55 if (number % 2 == 0) == begins_with_speech else 0.0))
    audio = np.concatenate(parts).astype(np.float32)
    return Case(
        spec(family, hop=hop, receptive_field=hop + draw(st.integers(0, 900))),
        draw(st.sampled_from(["silence", "fixed"])),
        draw(st.floats(0.5, 3.0)),
        draw(st.floats(0.1, 0.6)),
        audio[: len(audio) - draw(st.integers(0, FRAME_SAMPLES - 1))],
        draw(st.integers(1, 9)),
    )


@settings(deadline=None, max_examples=60)
@given(cases())
def test_long_silences_are_left_out_but_for_their_margins(case: Case) -> None:
    cuts, total = case.cut([5000])
    rule, position, skipped = case.rule, 0, np.zeros(len(case.audio), np.bool_)
    for index, (window, samples) in enumerate(cuts):
        assert (window.index, window.cut_start) == (index, position)
        position = window.cut_stop
        if samples is None:
            skipped[window.cut_start : window.cut_stop] = True
            assert window.cut_start % rule.hop == 0
            assert window.cut_stop % rule.hop == 0 or window.cut_stop == total
    # CTC alone has a shortest length
    padded = case.spec.receptive_field_samples if case.spec.family == "ctc" and not skipped.any() else 0
    assert position == total == max(len(case.audio), padded)
    expected = np.zeros(len(case.audio), np.bool_)
    for start, stop in case.gaps():
        if stop - start >= rule.shortest:
            first = 0 if start == 0 else -(-(start + rule.margin) // rule.hop) * rule.hop
            last = stop if stop == len(case.audio) else (stop - rule.margin) // rule.hop * rule.hop
            expected[first:last] = True
    assert np.array_equal(skipped, expected)


@settings(deadline=None, max_examples=60)
@given(cases())
def test_what_lies_between_is_cut_as_a_recording_by_itself(case: Case) -> None:
    cuts, _ = case.cut([3000])
    groups: list[list[CutWindow]] = [[]]
    for cut in cuts:
        groups.append([]) if cut.samples is None else groups[-1].append(cut)
    for group in filter(None, groups):
        start, stop = group[0].window.cut_start, group[-1].window.cut_stop
        alone = Case(case.spec, case.cutting, 1e9, case.margin_s, case.audio[start:stop], 1)
        again, _ = alone.cut([stop])
        assert [cut.window.encode() for cut in again] == [cut.window.moved(-start).encode() for cut in group]
        assert all(np.array_equal(one.samples, other.samples) for one, other in zip(again, group, strict=True))
        if case.spec.family == "ctc":  # Whisper fills up what is short
            assert all(len(cut.samples) >= case.spec.receptive_field_samples for cut in group)
        assert start % case.spec.hop_samples == 0


@settings(deadline=None, max_examples=60)
@given(cases(), st.lists(st.integers(1, 9000), min_size=1, max_size=5), st.data())
def test_blocks_and_interruptions_change_nothing(case: Case, blocks: list[int], data: st.DataObject) -> None:
    whole, total = case.cut([len(case.audio)])
    pieces, also_total = case.cut(blocks)
    assert [cut.window for cut in pieces] == [cut.window for cut in whole]
    assert also_total == total
    known = data.draw(st.integers(1, len(whole)))
    rest, rest_total = case.cut(blocks, after=whole[known - 1].window)
    assert [(cut.window, cut.samples is None) for cut in rest] == [
        (cut.window, cut.samples is None) for cut in whole[known:]
    ]
    assert rest_total == total


def test_a_long_silence_comes_in_pieces_before_it_has_ended() -> None:
    rule = SilenceRule(shortest=32_000, margin=8000, hop=320, piece=160_000)
    finder = SilenceFinder(rule)
    found = [stretch for _ in range(40) for stretch in finder.feed(np.zeros(25, np.bool_))]
    assert found == [Stretch(0, 160_000, True), Stretch(160_000, 320_000, True), Stretch(320_000, 480_000, True)]
    speech = (25 * 40) * FRAME_SAMPLES
    assert list(finder.feed(np.ones(1, np.bool_))) == [
        Stretch(480_000, speech - 8000, True),
        Stretch(speech - 8000, speech + 320, False),
    ]
