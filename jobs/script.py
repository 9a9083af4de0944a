"""Chinese in another script: simplified, traditional, and what is written in Taiwan and Hong Kong.

OpenCC (https://github.com/BYVoid/OpenCC) knows the phrases: 头发 becomes 頭髮, 发展 becomes 發展. Words stay as
they are, only their characters change.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

from jobs.transcript import Transcript

#: s2t: simplified to traditional; t2s: the way back; tw, hk: simplified to what Taiwan and Hong Kong write
Script = Literal["s2t", "t2s", "tw", "hk"]

_CONFIGURATIONS: dict[Script, str] = {"s2t": "s2t", "t2s": "t2s", "tw": "s2tw", "hk": "s2hk"}


def convert(text: str, script: Script) -> str:
    converted: str = _converter(script).convert(text)
    return converted


def respell(pieces: Sequence[str], script: Script) -> list[str]:
    """Each piece in the script, read in the context of its neighbours where that changes no length."""
    whole = convert("".join(pieces), script)
    if len(whole) != sum(map(len, pieces)):
        return [convert(piece, script) for piece in pieces]
    respelled, at = [], 0
    for piece in pieces:
        respelled.append(whole[at : at + len(piece)])
        at += len(piece)
    return respelled


def in_script(transcript: Transcript, script: Script) -> Transcript:
    """The transcript with all of its texts in the script; times and confidences stay."""
    return transcript.model_copy(
        update={
            "text": convert(transcript.text, script),
            "segments": _respelled(transcript.segments, script),
            "words": _respelled(transcript.words, script),
            "chars": None if transcript.chars is None else _respelled(transcript.chars, script),
        }
    )


def _respelled(parts: Sequence[Any], script: Script) -> list[Any]:
    texts = respell([part.text for part in parts], script)
    return [part.model_copy(update={"text": text}) for part, text in zip(parts, texts, strict=True)]


@lru_cache
def _converter(script: Script) -> Any:
    # The dictionaries take 40 ms and 20 MB: who converts nothing doesn't pay.
    from opencc import OpenCC  # noqa: PLC0415

    return OpenCC(_CONFIGURATIONS[script])
