"""The body of a submission, read as it arrives: multipart or raw bytes, never whole in memory or in a second file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import IO, Generic, TypeVar

from flask import Flask, Request, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from jobs.errors import InvalidRequest, UploadTooLarge

#: Bytes asked of the socket at a time. The decoder holds two or three of these.
PIECE_BYTES = 256 * 1024
#: A form's text fields: sixteen metadata entries of 500 characters fit many times over.
MAX_FIELD_BYTES = 64 * 1024
MAX_PARTS = 32
#: A client that sends nothing for this long has gone; its thread is wanted by others.
STALL_S = 60.0
#: What the form adds to the file: boundaries, part headers and the text fields.
FORM_OVERHEAD_BYTES = MAX_PARTS * (MAX_FIELD_BYTES + 1024)

Received = TypeVar("Received")


class UploadInterrupted(InvalidRequest):
    type = "upload-interrupted"
    title = "The upload ended before all of it had arrived"
    remedy = "Send the whole file again."
    status = 400


@dataclass(slots=True)
class Form(Generic[Received]):
    """A parsed multipart body: the text fields, the file's name, and what `receive` made of its bytes.

    lists: fields that may come several times, as their names say by `[]` at the end.
    """

    fields: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    filename: str = ""
    received: Received | None = None


def register(app: Flask) -> None:
    app.after_request(_close_after_refusal)


def _close_after_refusal(response: Response) -> Response:
    """Announce the end of the connection with a refusal whose body may not have been read.

    The server ends it anyway rather than read ten gigabytes; unannounced, the client's next request would be lost.
    """
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        close_after_answer()
    return response


def close_after_answer() -> None:
    """The request's body may not have been read: the connection ends with the answer, and the answer says so."""
    has_body = request.content_length or request.headers.get("Transfer-Encoding")
    close = getattr(request.environ["wsgi.input"], "close_connection", None)  # only gunicorn's, by web.server
    if has_body and close:
        close()


def refuse_oversize(incoming: Request, max_upload_bytes: int) -> None:
    """Raise UploadTooLarge by the announced length, before a byte of the body is read."""
    announced = incoming.content_length or 0
    if announced > max_upload_bytes + (FORM_OVERHEAD_BYTES if is_form(incoming) else 0):
        raise UploadTooLarge(f"The upload announces {announced} bytes; at most {max_upload_bytes} are accepted.")


def is_form(incoming: Request) -> bool:
    return incoming.mimetype == "multipart/form-data"


def body_pieces(incoming: Request) -> Iterator[bytes]:
    """The raw body as it arrives. Raises UploadInterrupted where it ends early or stalls."""
    if connection := incoming.environ.get("gunicorn.socket"):
        connection.settimeout(STALL_S)
    stream: IO[bytes] = incoming.environ["wsgi.input"]
    left = incoming.content_length
    while left is None or left > 0:
        piece = _read(stream, PIECE_BYTES if left is None else min(left, PIECE_BYTES))
        if not piece:
            break
        left = left - len(piece) if left is not None else None
        yield piece
    if left:
        raise UploadInterrupted(f"{left} bytes that the request announced are missing.")


def read_form(
    incoming: Request, form: Form[Received], receive: Callable[[Form[Received], Iterator[bytes]], Received]
) -> None:
    """Parse a multipart body into `form`; `receive` gets it as read so far, and the chunks of its one file, `file`.

    Fields may come before the file or after it. Raises InvalidRequest for a form of another shape, UploadInterrupted.
    """
    boundary = incoming.mimetype_params.get("boundary", "").encode("ascii", "replace")
    if not boundary:
        raise InvalidRequest("The multipart body names no boundary in its Content-Type.")
    events = _events(_with_whole_end(body_pieces(incoming), b"--" + boundary), boundary)
    for event in events:
        if isinstance(event, File):
            _check_file(event, form)
            form.filename = event.filename
            form.received = receive(form, _data(events))
        elif isinstance(event, Field):
            _read_field(event, form, events)


def _with_whole_end(pieces: Iterator[bytes], delimiter: bytes) -> Iterator[bytes]:
    """The same bytes, never divided between the two dashes that follow the last delimiter.

    werkzeug 3.1.9 takes the carriage return before a delimiter with one dash for data, and adds it to the file.
    """
    held, fed = b"", b""
    for piece in pieces:
        whole = held + piece
        held = b"-" if (fed + whole[-len(delimiter) - 1 :]).endswith(delimiter + b"-") else b""
        whole = whole.removesuffix(held)
        fed = (fed + whole[-len(delimiter) :])[-len(delimiter) :]
        if whole:
            yield whole
    if held:
        yield held


def _events(pieces: Iterator[bytes], boundary: bytes) -> Iterator[Event]:
    decoder = MultipartDecoder(boundary, max_form_memory_size=4 * PIECE_BYTES, max_parts=MAX_PARTS)
    try:
        while True:
            event = decoder.next_event()
            if isinstance(event, NeedData):
                decoder.receive_data(next(pieces, None))
                continue
            yield event
            if isinstance(event, Epilogue):
                return
    except RequestEntityTooLarge as error:
        raise InvalidRequest(f"The form has more than {MAX_PARTS} parts, or a part's headers have no end.") from error
    except ValueError as error:  # the decoder's word for a body that isn't multipart, or that ends early
        raise UploadInterrupted("The multipart body is cut off or malformed.") from error


def _data(events: Iterator[Event]) -> Iterator[bytes]:
    """The bytes of the part whose head was just read."""
    for event in events:
        if isinstance(event, Data):
            if event.data:
                yield event.data
            if not event.more_data:
                return


def _check_file(part: File, form: Form[Received]) -> None:
    if part.name != "file":
        raise InvalidRequest(f"The form sends a file in the field {part.name!r}; it belongs in `file`.")
    if form.received is not None:
        raise InvalidRequest("The form holds more than one file; send one request for each.")


def _read_field(part: Field, form: Form[Received], events: Iterator[Event]) -> None:
    text = bytearray()
    for data in _data(events):
        text += data
        if len(text) > MAX_FIELD_BYTES:
            raise InvalidRequest(f"The field {part.name!r} is longer than {MAX_FIELD_BYTES} bytes.")
    if not part.name or part.name in form.fields:
        raise InvalidRequest(f"The form holds a field without a name, or {part.name!r} twice.")
    try:
        value = text.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"The field {part.name!r} isn't UTF-8.") from error
    if part.name.endswith("[]"):
        form.lists.setdefault(part.name, []).append(value)
    else:
        form.fields[part.name] = value


def disposition_filename(header: str) -> str:
    """The filename of a Content-Disposition header, '' where it names none. WSGI gives its bytes as Latin-1."""
    named = parse_options_header(header)[1].get("filename", "")
    try:
        return named.encode("latin-1").decode()
    except UnicodeError:  # decoded already, from `filename*=UTF-8''…`, or Latin-1 indeed
        return named


def _read(stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except (OSError, ParseException) as error:  # reset, stalled past the socket's timeout, broken chunks or trailers
        raise UploadInterrupted("The connection broke or stalled while the upload was read.") from error
