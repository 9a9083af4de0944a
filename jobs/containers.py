"""What the first bytes of an upload tell of its kind. What they don't tell for sure is left to the decoder."""

import codecs
import re

#: Bytes worth looking at: a NIST SPHERE header is 1,024 bytes of text, so text counts as text only when there is more.
HEAD_BYTES = 4096

#: Containers and raw streams of audio that begin with text or with bytes that another rule might take for something
#: else (offset, signature). MP3 and ADTS frames need no entry: no rule below matches their sync word 0xFFE.
_AUDIO = (
    (0, b"RIFF"),  # WAV, AVI
    (0, b"RIFX"),  # WAV, big-endian
    (0, b"RF64"),
    (0, b"BW64"),
    (0, b"riff"),  # Sony W64
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"FORM"),  # AIFF, AIFC
    (0, b"ID3"),
    (0, b"APETAGEX"),
    (4, b"ftyp"),  # MP4, M4A, 3GP
    (4, b"moov"),
    (4, b"mdat"),
    (4, b"wide"),
    (4, b"free"),
    (4, b"skip"),
    (0, b"\x1aE\xdf\xa3"),  # Matroska, WebM
    (0, b"#!AMR"),
    (0, b"#!SILK"),
    (0, b"ADIF"),
    (0, b".snd"),
    (0, b"caff"),
    (0, b"wvpk"),
    (0, b"MAC "),
    (0, b"NIST_1A"),
    (0, b"PVF1"),
    (0, b"Creative Voice File"),
    (0, b"FLV"),
)

#: Kinds of file that hold no audio this server could read (signature at the start, name for the client).
_OTHER = (
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an Office document"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "a database"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
)

#: what browsers play, by signature (offset, bytes): ftyp and EBML hold video as well, and play as audio all the same
_MEDIA_TYPES = (
    (0, b"RIFF", "audio/wav"),
    (0, b"RF64", "audio/wav"),
    (0, b"BW64", "audio/wav"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"FORM", "audio/aiff"),
    (0, b"ID3", "audio/mpeg"),
    (4, b"ftyp", "audio/mp4"),
    (0, b"\x1aE\xdf\xa3", "audio/webm"),
    (0, b"#!AMR", "audio/amr"),
    (0, b".snd", "audio/basic"),
    (0, b"caff", "audio/x-caf"),
)

#: eleven set bits begin a frame of MPEG audio; ADTS is the one without a layer
_SYNC, _ADTS = re.compile(b"\xff[\xe0-\xff]"), re.compile(b"\xff[\xe0\xe1\xe8\xe9\xf0\xf1\xf8\xf9]")

_TEXT_CONTROLS = frozenset("\t\n\r\f\x1b")


def not_audio(head: bytes) -> str | None:
    """What the file clearly is instead of audio, in a few words for its owner; None where it may be audio.

    head: its first HEAD_BYTES bytes, or all of it where it is shorter.
    """
    if any(head.startswith(signature, offset) for offset, signature in _AUDIO):
        return None
    for signature, kind in _OTHER:
        if head.startswith(signature):
            return kind
    return "a text file" if _is_text(head) else None


def media_type(head: bytes) -> str:
    """The media type of audio that begins so; application/octet-stream where it isn't known."""
    for offset, signature, kind in _MEDIA_TYPES:
        if head.startswith(signature, offset):
            return kind
    if _SYNC.match(head):
        return "audio/aac" if _ADTS.match(head) else "audio/mpeg"
    return "application/octet-stream"


def _is_text(head: bytes) -> bool:
    """UTF-8 of printable characters only; a character cut at the end of the head counts as whole."""
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in _TEXT_CONTROLS for character in text)
