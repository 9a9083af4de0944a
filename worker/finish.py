"""The last phase: every window's tokens become the transcript in the store, and the job has succeeded."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import groupby

import structlog
from pydantic import ValidationError

from jobs.errors import AudioNotCovered, JobError, ObjectMissing, Problem, StoreUnavailable
from jobs.ledger import FinishUnit, Ledger, Refused
from jobs.model import ModelSpec
from jobs.script import in_script
from jobs.settings import Settings
from jobs.store import AudioStore, layout
from jobs.transcript import Transcript
from jobs.window import Window
from worker.channels import interleaved
from worker.generated import Generated
from worker.memory import collection_paused
from worker.parts import Parts, ctc_parts, whisper_parts
from worker.runs import Runs
from worker.stitch import stitch
from worker.stitch_whisper import WhisperDecoder
from worker.vocabulary import VOCABULARY_FILE, Vocabulary

log = structlog.get_logger()

Results = list[tuple[Window, bytes]]

#: a job's warning, in the form of worker/decode/notices.py
NO_SPEECH = {
    "type": "no-speech",
    "title": "No speech was found",
    "detail": "The transcript is empty: check that the recording is audible and that the model knows its language.",
}


def finish(unit: FinishUnit, ledger: Ledger, store: AudioStore, settings: Settings) -> None:
    """Write one job's transcript and tell the ledger. Repeatable: a second finisher writes the same bytes.

    A job that can't be finished fails; a refused unit is dropped. Raises LedgerUnavailable and StoreUnavailable, the
    latter also where the model's files aren't in the store: the worker that serves it writes them when it starts.
    """
    del settings  # nothing about a transcript depends on the machine that writes it
    try:
        _attempt(unit, ledger, store)
    except Refused:
        log.info("finish.refused", job_id=unit.job_id, fence=unit.fence)
    except JobError as error:
        _fail(unit, ledger, error)


def _attempt(unit: FinishUnit, ledger: Ledger, store: AudioStore) -> None:
    transcript = _copy(unit, store) if unit.copy_of else _transcript(unit, ledger.results(unit.job_id), store)
    if transcript is None:
        ledger.transcript_gone(unit)
        log.info("finish.nothing_to_copy", job_id=unit.job_id, copy_of=unit.copy_of)
        return
    store.write(layout.transcript(unit.job_id), [transcript.model_dump_json().encode()], sync=True)
    warnings = [] if transcript.text.strip() else [NO_SPEECH]
    ledger.finished(unit, warnings=warnings)
    log.info("finish.done", job_id=unit.job_id, segments=len(transcript.segments), duration_s=transcript.duration_s)


def _fail(unit: FinishUnit, ledger: Ledger, error: JobError) -> None:
    log.warning("finish.failed", job_id=unit.job_id, error=error.type, detail=error.detail)
    try:
        ledger.fail_job(unit, Problem.of(error))
    except Refused:
        log.info("finish.refused", job_id=unit.job_id, fence=unit.fence)


def _transcript(unit: FinishUnit, results: Results, store: AudioStore) -> Transcript:
    _check_cover(results, unit.total_samples)
    duration_s = unit.total_samples / unit.channels / unit.spec.sampling_rate_hz
    with collection_paused():
        heard = [_parts(unit, channel, store, duration_s) for channel in _by_channel(results, unit)]
    parts = interleaved(heard) if unit.request.channels == "split" else heard[0]
    transcript = Transcript(
        job_id=unit.job_id,
        model=unit.spec.model,
        revision=unit.spec.revision,
        language=unit.request.language or unit.spec.language or None,
        duration_s=duration_s,
        text=parts.text,
        confidence=parts.confidence,
        segments=parts.segments,
        words=parts.words,
        chars=parts.chars,
    )
    return in_script(transcript, unit.request.script) if unit.request.script else transcript


def _by_channel(results: Results, unit: FinishUnit) -> list[Results]:
    """Each channel's windows, on its own timeline: they lie one after another on the job's."""
    length = unit.total_samples // unit.channels
    channels: list[Results] = [[] for _ in range(unit.channels)]
    for window, payload in results:
        number = window.cut_start // length
        channels[number].append((window.moved(-number * length), payload))
    return channels


def _parts(unit: FinishUnit, results: Results, store: AudioStore, duration_s: float) -> Parts:
    if unit.spec.family == "ctc":
        return _ctc(unit.spec, results, store)
    return _whisper(unit, results, store, duration_s)


def _copy(unit: FinishUnit, store: AudioStore) -> Transcript | None:
    """The transcript of the job whose work this one shares, as its own; None if it isn't there any more."""
    try:
        copied = Transcript.model_validate_json(store.read(layout.transcript(unit.copy_of or "")))
    except (ObjectMissing, ValidationError):
        return None
    with suppress(ObjectMissing):  # of a job from before there were waveforms
        store.copy(layout.waveform(unit.copy_of or ""), layout.waveform(unit.job_id))
    return copied.model_copy(update={"job_id": unit.job_id})


def _ctc(spec: ModelSpec, results: Results, store: AudioStore) -> Parts:
    vocabulary = Vocabulary.from_json(_model_file(store, layout.model_folder(spec.key) + VOCABULARY_FILE))
    tokens = stitch(_runs(spec, results), vocabulary)
    return ctc_parts(tokens, vocabulary, spec)


def _runs(spec: ModelSpec, results: Results) -> Iterator[Runs]:
    """Each window's. A silence that was left out is as many blanks as it takes for the next frame to be in its place:
    what lies between two silences has the frames of a recording by itself, one or a few less than its length gives.
    """
    frames = 0
    for window, payload in results:
        if payload:
            runs = Runs.unpack(payload)
        else:
            runs = Runs.same(spec.blank_id or 0, window.cut_stop // spec.hop_samples - frames)
        frames += runs.frames
        yield runs


def _whisper(unit: FinishUnit, results: Results, store: AudioStore, duration_s: float) -> Parts:
    folder = layout.model_folder(unit.spec.key)
    files = {found.name.removeprefix(folder): _model_file(store, found.name) for found in store.list(folder)}
    decoder = WhisperDecoder.of_files(files, unit.spec.sampling_rate_hz)
    join = decoder.join_overlapping if unit.request.cutting == "fixed" else decoder.join_separate
    timestamps = unit.request.timestamps
    if all(payload for _, payload in results):
        text, chunks = join([(window, Generated.unpack(payload)) for window, payload in results], timestamps)
    else:
        text, chunks = decoder.join_apart(_between_silences(results), join, timestamps)
    return whisper_parts(text, chunks, timestamps, duration_s)


def _between_silences(results: Results) -> list[list[tuple[Window, Generated]]]:
    """The windows between two silences, group by group: those that were left out, or had no text for certain.

    A group has no context at its ends, where it lies in the silence: nothing follows that it could be matched with.
    """
    groups = []
    for is_heard, group in groupby(results, key=lambda result: bool(result[1])):
        if is_heard:
            windows = [(window, Generated.unpack(payload)) for window, payload in group]
            windows[0] = (replace(windows[0][0], left_samples=0), windows[0][1])
            windows[-1] = (replace(windows[-1][0], right_samples=0), windows[-1][1])
            groups.append(windows)
    return groups


def _model_file(store: AudioStore, name: str) -> bytes:
    try:
        return store.read(name)
    except ObjectMissing as error:
        raise StoreUnavailable(f"{name} isn't in the store yet: no worker that serves it has started") from error


def _check_cover(results: Results, total_samples: int) -> None:
    """Raises AudioNotCovered unless the kept stretches lie end to end from 0 to total_samples."""
    reached = 0
    for window, _ in results:
        if window.cut_start != reached:
            raise AudioNotCovered(f"window {window.index} keeps from sample {window.cut_start}, not from {reached}")
        reached = window.cut_stop
    if reached != total_samples:
        raise AudioNotCovered(f"the windows end at sample {reached} of {total_samples}")
