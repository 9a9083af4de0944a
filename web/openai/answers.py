"""A job's transcript in the formats of OpenAI's API."""

import math
import zlib
from collections.abc import Iterator

from flask import Response
from pydantic import BaseModel

from jobs.settings import Settings
from jobs.transcript import Segment, Transcript
from web.formats import txt
from web.formats.document import Document, parse, split
from web.formats.tokens import CueShape, segment_tokens
from web.openai.schemas import (
    TranscribedSegment,
    TranscribedWord,
    Transcription,
    TranscriptionForm,
    TranslationForm,
    Usage,
    VerboseTranscription,
)
from web.openapi import JSON
from web.transcripts import SUBTITLES

PLAIN = "text/plain; charset=utf-8"


def rendered(stored: bytes, fields: TranslationForm, settings: Settings) -> Response:
    """The answer, from the transcript as it lies in the store."""
    if fields.response_format == "text":
        return Response("".join(txt.render(parse(stored))), content_type=PLAIN)
    if render := SUBTITLES.get(fields.response_format):
        shape = CueShape(settings.cue_columns, settings.cue_lines)
        return Response("".join(render(parse(stored), shape)), content_type=PLAIN)
    transcript, _, _ = split(stored)
    body: BaseModel
    if fields.response_format == "json":
        body = Transcription(text=transcript.text, usage=_usage(transcript))
    else:
        body = _verbose(transcript, stored, fields)
    return Response(body.model_dump_json(), content_type=JSON)


def _verbose(transcript: Transcript, stored: bytes, fields: TranslationForm) -> VerboseTranscription:
    translated = not isinstance(fields, TranscriptionForm)
    asked = fields.timestamp_granularities if isinstance(fields, TranscriptionForm) else []
    return VerboseTranscription(
        task="translate" if translated else "transcribe",
        language="english" if translated else transcript.language or "",
        duration=transcript.duration_s,
        text=transcript.text,
        segments=[_segment(each) for each in transcript.segments] if "segment" in (asked or ["segment"]) else None,
        words=list(_words(parse(stored))) if "word" in asked else None,
        usage=_usage(transcript),
    )


def _segment(segment: Segment) -> TranscribedSegment:
    text = segment.text.encode()
    return TranscribedSegment(
        id=segment.id,
        start=segment.start_s,
        end=segment.end_s,
        text=segment.text,
        avg_logprob=math.log(max(segment.confidence, 1e-6)) if segment.confidence is not None else 0.0,
        compression_ratio=len(text) / len(zlib.compress(text)),  # as Whisper computes it
    )


def _words(document: Document) -> Iterator[TranscribedWord]:
    for _, tokens in segment_tokens(document):
        for token in tokens:
            yield TranscribedWord(word=token.text, start=token.start_s, end=token.end_s)


def _usage(transcript: Transcript) -> Usage:
    return Usage(seconds=transcript.duration_s)
