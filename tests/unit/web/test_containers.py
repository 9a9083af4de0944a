"""Sniffing: what is clearly no audio is refused at once, whatever may be audio is left to the decoder."""

import struct

import pytest

from jobs.containers import media_type, not_audio

MP3_FRAME = bytes.fromhex("fffb9064") + bytes(413)
ADTS_FRAME = bytes.fromhex("fff15080") + bytes(100)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"RIFF\x24\x00\x00\x00WAVEfmt ", id="wav"),
        pytest.param(b"RIFFtextWAVEtext", id="wav-that-looks-like-text"),
        pytest.param(b"RF64\xff\xff\xff\xffWAVE", id="rf64"),
        pytest.param(b"riff\x2e\x91\xcf\x11", id="w64"),
        pytest.param(b"fLaC\x00\x00\x00\x22", id="flac"),
        pytest.param(b"OggS\x00\x02", id="ogg"),
        pytest.param(b"FORM\x00\x00\x00\x00AIFF", id="aiff"),
        pytest.param(b"ID3\x04\x00", id="mp3-with-tag"),
        pytest.param(MP3_FRAME, id="mp3-without-tag"),
        pytest.param(ADTS_FRAME, id="raw-aac"),
        pytest.param(bytes(512) + MP3_FRAME, id="mp3-after-zeros"),
        pytest.param(b"\x00\x00\x00\x20ftypM4A ", id="m4a"),
        pytest.param(struct.pack(">I", 8) + b"wide", id="old-quicktime"),
        pytest.param(b"\x1aE\xdf\xa3", id="webm"),
        pytest.param(b"#!AMR\n", id="amr-header-only"),
        pytest.param(b"#!AMR-WB\n", id="amr-wb"),
        pytest.param(b"NIST_1A\n   1024\nsample_rate -i 16000\n".ljust(4096), id="nist-sphere"),
        pytest.param(b"caff\x00\x01", id="caf"),
        pytest.param(b"\x47" + bytes(187) + b"\x47" + bytes(187), id="mpeg-ts"),
        pytest.param(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", id="wma"),
        pytest.param("今天".encode("gb18030") * 50, id="text-in-another-encoding-is-left-to-the-decoder"),
        pytest.param(b"\x80" * 4096, id="unknown-binary"),
    ],
)
def test_accepted(head: bytes) -> None:
    assert not_audio(head) is None


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        pytest.param(b"hello", "a text file", id="text"),
        pytest.param("今天我们去北京。\r\n".encode() * 300, "a text file", id="chinese-text"),
        pytest.param(("今天" * 700).encode()[:4096], "a text file", id="text-cut-inside-a-character"),
        pytest.param(b"\xef\xbb\xbf<html>", "a text file", id="html-with-byte-order-mark"),
        pytest.param(b'{"file": "a.wav"}', "a text file", id="json"),
        pytest.param(b"%PDF-1.7\n%\xe2\xe3", "a PDF document", id="pdf"),
        pytest.param(b"PK\x03\x04\x14\x00", "a ZIP archive or an Office document", id="zip"),
        pytest.param(b"\xff\xd8\xff\xe0\x00\x10JFIF", "a JPEG image", id="jpeg"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "a PNG image", id="png"),
        pytest.param(b"\x7fELF\x02", "a program", id="elf"),
    ],
)
def test_refused(head: bytes, kind: str) -> None:
    assert not_audio(head) == kind


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"RIFF\0\0\0\0WAVE", "audio/wav"),
        (b"OggS", "audio/ogg"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\xff\xfb\x90\x00", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\x1aE\xdf\xa3", "audio/webm"),
        (b"<html>", "application/octet-stream"),
        (b"\xff", "application/octet-stream"),
        (b"", "application/octet-stream"),
    ],
)
def test_the_media_type_of_audio(head: bytes, expected: str) -> None:
    assert media_type(head) == expected
