"""Reading bodies as they arrive: multipart in any slicing, and every way to end early."""

import io
from collections.abc import Iterator

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from jobs.errors import InvalidRequest, UploadTooLarge
from web.upload import (
    MAX_FIELD_BYTES,
    Form,
    UploadInterrupted,
    body_pieces,
    disposition_filename,
    read_form,
    refuse_oversize,
)

BOUNDARY = "b0undary"
AUDIO = b"RIFF\r\n--b0undar\r\n--\r\n" * 50_000  # full of what might be a boundary


class Trickle(io.BytesIO):
    """Gives at most `step` bytes a read, as a slow connection does."""

    def __init__(self, content: bytes, step: int) -> None:
        super().__init__(content)
        self._step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self._step if size is None or size < 0 else min(size, self._step))


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    named = f'; filename="{filename}"' if filename is not None else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def request(
    content: bytes,
    *,
    step: int = 1 << 20,
    announced: int | None = None,
    content_type: str = f"multipart/form-data; boundary={BOUNDARY}",
) -> Request:
    environ = EnvironBuilder(method="POST").get_environ()
    environ["CONTENT_TYPE"] = content_type
    environ["wsgi.input"] = Trickle(content, step)
    environ["CONTENT_LENGTH"] = str(len(content) if announced is None else announced)
    return Request(environ)


def parsed(made: Request) -> Form[bytes]:
    form: Form[bytes] = Form()

    def receive(_: Form[bytes], chunks: Iterator[bytes]) -> bytes:
        return b"".join(chunks)

    read_form(made, form, receive)
    return form


@pytest.mark.parametrize("step", [1 << 20, 65_537, 1009])
def test_the_file_arrives_whole_however_it_is_sliced(step: int) -> None:
    content = body(part("language", b"zh"), part("file", AUDIO, "a.wav"), part("priority", b"low"))
    form = parsed(request(content, step=step))
    assert form.received == AUDIO
    assert form.filename == "a.wav"
    assert form.fields == {"language": "zh", "priority": "low"}


def test_byte_by_byte() -> None:
    content = body(part("file", b"\r\n--b0undary-not\r\n", "a.wav"), part("language", "中".encode()))
    form = parsed(request(content, step=1))
    assert (form.received, form.fields) == (b"\r\n--b0undary-not\r\n", {"language": "中"})


def test_fields_before_the_file_are_known_when_it_comes() -> None:
    seen: list[dict[str, str]] = []
    form: Form[int] = Form()

    def receive(so_far: Form[int], chunks: Iterator[bytes]) -> int:
        seen.append(dict(so_far.fields))
        return sum(map(len, chunks))

    read_form(request(body(part("language", b"zh"), part("file", b"RIFF", "a"), part("model", b"m"))), form, receive)
    assert seen == [{"language": "zh"}]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param(b"", UploadInterrupted, id="nothing"),
        pytest.param(b"not multipart", UploadInterrupted, id="not-multipart"),
        pytest.param(body(part("file", AUDIO, "a"))[:-20], UploadInterrupted, id="no-end"),
        pytest.param(body(part("audio", b"RIFF", "a")), InvalidRequest, id="file-in-another-field"),
        pytest.param(body(part("file", b"RIFF", "a"), part("file", b"RIFF", "b")), InvalidRequest, id="two-files"),
        pytest.param(body(part("language", b"zh"), part("language", b"en")), InvalidRequest, id="field-twice"),
        pytest.param(body(part("language", b"x" * (MAX_FIELD_BYTES + 1))), InvalidRequest, id="long-field"),
        pytest.param(body(part("language", b"\xff\xfe")), InvalidRequest, id="field-not-utf-8"),
        pytest.param(body(*(part(f"f{n}", b"") for n in range(40))), InvalidRequest, id="many-fields"),
        pytest.param(f"--{BOUNDARY}\r\nX: y\r\n\r\n".encode(), UploadInterrupted, id="no-disposition"),
        pytest.param(b"x" * 3_000_000, InvalidRequest, id="endless-preamble"),
        pytest.param(f"--{BOUNDARY}\r\n".encode() + b"X: y\r\n" * 500_000, InvalidRequest, id="endless-part-headers"),
    ],
)
def test_forms_of_another_shape_are_refused(content: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        parsed(request(content))


def test_a_form_without_a_boundary_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="boundary"):
        parsed(request(b"", content_type="multipart/form-data"))


def test_a_raw_body_that_ends_before_its_announced_length_is_interrupted() -> None:
    with pytest.raises(UploadInterrupted, match="93 bytes"):
        list(body_pieces(request(b"RIFF...", announced=100)))


def test_a_connection_that_breaks_is_an_interrupted_upload() -> None:
    class Broken(io.BytesIO):
        def read(self, _: int | None = -1, /) -> bytes:
            raise ConnectionResetError

    made = request(b"", announced=10)
    made.environ["wsgi.input"] = Broken()
    with pytest.raises(UploadInterrupted):
        list(body_pieces(made))


def test_an_announced_length_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(UploadTooLarge):
        refuse_oversize(request(b"", announced=11, content_type="audio/wav"), 10)
    refuse_oversize(request(b"", announced=10, content_type="audio/wav"), 10)


@pytest.mark.parametrize(
    ("header", "filename"),
    [
        ('attachment; filename="a b.wav"', "a b.wav"),
        ("attachment; filename*=UTF-8''%E4%B8%AD.wav", "中.wav"),
        ('attachment; filename="中.wav"'.encode().decode("latin-1"), "中.wav"),
        ("attachment", ""),
        ("", ""),
    ],
)
def test_the_filename_of_a_raw_body(header: str, filename: str) -> None:
    assert disposition_filename(header) == filename
