"""The parts of a transcript that come from the model's tokens: text, segments, words, chars."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jobs.model import ModelSpec
from jobs.transcript import Char, Segment, Word
from worker.segments import LONGEST_S, PAUSE_S, Stretch, heard_edges, segment_stretches, word_stretches
from worker.stitch import Tokens
from worker.stitch_whisper import Chunk
from worker.vocabulary import Vocabulary

#: steps of a confidence in the ledger are 1/255
CONFIDENCE_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Parts:
    text: str
    confidence: float | None
    segments: list[Segment]
    words: list[Word]
    chars: list[Char] | None


def ctc_parts(tokens: Tokens, vocabulary: Vocabulary, spec: ModelSpec) -> Parts:
    """Chars and words have the times of the pipeline's return_timestamps="char": from a token's first frame to after
    its last one. A segment begins and ends where it is heard to: the model says its first character late.
    """
    frame_s = spec.hop_samples / spec.sampling_rate_hz
    starts_s = (tokens.start_frames * spec.hop_samples / spec.sampling_rate_hz).tolist()
    stops_s = (tokens.stop_frames * spec.hop_samples / spec.sampling_rate_hz).tolist()
    ids = tokens.ids.tolist()
    sums = np.concatenate(([0.0], np.cumsum(tokens.confidences)))
    stretches = segment_stretches(tokens, vocabulary, frame_s)
    edges = heard_edges(tokens, stretches, frame_s)
    segments = [
        Segment(
            id=number,
            start_s=start * spec.hop_samples / spec.sampling_rate_hz,
            end_s=stop * spec.hop_samples / spec.sampling_rate_hz,
            text=vocabulary.text(ids[part.first : part.stop]),
            confidence=_mean(sums, part),
        )
        for number, (part, (start, stop)) in enumerate(zip(stretches, edges, strict=True))
    ]
    words = [
        Word(
            text="".join(vocabulary.char(token) for token in ids[part.first : part.stop]),
            start_s=starts_s[part.first],
            end_s=stops_s[part.stop - 1],
            confidence=_mean(sums, part),
        )
        for part in word_stretches(tokens, vocabulary, stretches)
    ]
    rounded = np.round(tokens.confidences, CONFIDENCE_DECIMALS).tolist()
    chars = [
        Char(text=vocabulary.char(token), start_s=start_s, end_s=stop_s, confidence=confidence)
        for token, start_s, stop_s, confidence in zip(ids, starts_s, stops_s, rounded, strict=True)
    ]
    whole = _mean(sums, Stretch(0, len(ids))) if ids else None
    return Parts(vocabulary.text(ids), whole, segments, words, chars)


def whisper_parts(text: str, chunks: list[Chunk], timestamps: str, duration_s: float) -> Parts:
    """Whisper gives no confidence and no chars; words only where they were asked for."""
    pieces = _closed(chunks or [Chunk(text, 0.0, duration_s)], duration_s)
    words = [Word(text=word.text.strip(), start_s=word.start_s, end_s=word.end_s) for word in pieces]
    if timestamps != "word":
        return Parts(text, None, _numbered(pieces), [], None)
    return Parts(text, None, _numbered(_grouped(pieces)), words, None)


def _mean(sums: NDArray[np.floating], part: Stretch) -> float:
    """The mean confidence of a stretch, from the running sums."""
    return round(float(sums[part.stop] - sums[part.first]) / (part.stop - part.first), CONFIDENCE_DECIMALS)


def _closed(chunks: list[Chunk], duration_s: float) -> list[Word]:
    """Chunks with text, their open sides closed: by the neighbour before, and by the next start or the audio's end."""
    starts = [chunk.start_s for chunk in chunks]
    closed: list[Word] = []
    for chunk, following in zip(chunks, [*starts[1:], None], strict=True):
        start_s = chunk.start_s if chunk.start_s is not None else (closed[-1].end_s if closed else 0.0)
        stop_s = chunk.stop_s if chunk.stop_s is not None else (following if following is not None else duration_s)
        if chunk.text.strip():
            closed.append(Word(text=chunk.text, start_s=start_s, end_s=max(start_s, stop_s)))
    return closed


def _grouped(words: list[Word]) -> list[Word]:
    """Words in lines: a pause ends one, and so does its greatest length."""
    edges = [0]
    for index, (word, following) in enumerate(pairwise(words), start=1):
        too_long = following.end_s - words[edges[-1]].start_s > LONGEST_S
        if following.start_s - word.end_s >= PAUSE_S or too_long:
            edges.append(index)
    lines = [words[first:stop] for first, stop in pairwise([*edges, len(words)]) if first < stop]
    return [
        Word(text="".join(word.text for word in line), start_s=line[0].start_s, end_s=line[-1].end_s) for line in lines
    ]


def _numbered(pieces: list[Word]) -> list[Segment]:
    return [
        Segment(id=number, start_s=piece.start_s, end_s=piece.end_s, text=piece.text.strip())
        for number, piece in enumerate(pieces)
    ]
