"""What is kept of the bytes of one request, and in which order they make up an upload."""

import hashlib
from collections.abc import Iterator

import pytest

from jobs.errors import TingxieError, UploadChecksumMismatch, UploadOffsetMismatch
from jobs.incoming import Checksum, Incoming
from jobs.upload import Part, stretches

BEYOND = UploadOffsetMismatch("too many")


def breaking(*pieces: bytes) -> Iterator[bytes]:
    yield from pieces
    raise TingxieError("the connection broke")


def test_bytes_are_divided_whatever_the_pieces() -> None:
    incoming = Incoming([b"abc", b"defgh", b"i"], 9, BEYOND)
    assert incoming.peek(4) == b"abcd"
    assert b"".join(incoming.take(2)) == b"ab"
    assert b"".join(incoming.take(5)) == b"cdefg"
    assert b"".join(incoming.take(5)) == b"hi"
    assert incoming.peek(1) == b""
    incoming.finish()


def test_what_came_before_the_break_is_given_out_first() -> None:
    incoming = Incoming(breaking(b"abc"), 9, BEYOND)
    assert b"".join(incoming.take(5)) == b"abc"
    with pytest.raises(TingxieError, match="broke"):
        incoming.finish()


def test_what_goes_beyond_the_announced_length_is_not_given_out() -> None:
    incoming = Incoming([b"abc", b"def"], 4, BEYOND)
    assert b"".join(incoming.take(9)) == b"abcd"
    with pytest.raises(UploadOffsetMismatch):
        incoming.finish()


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_checksums(algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"abcdef").digest()
    incoming = Incoming([b"abc", b"def"], 6, BEYOND)
    incoming.peek(2)
    assert b"".join(incoming.verified(Checksum(algorithm, digest))) == b"abcdef"
    with pytest.raises(UploadChecksumMismatch):
        list(Incoming([b"abc", b"deF"], 6, BEYOND).verified(Checksum(algorithm, digest)))
    with pytest.raises(TingxieError, match="broke"):
        list(Incoming(breaking(b"abcdef"), 9, BEYOND).verified(Checksum(algorithm, digest)))


@pytest.mark.parametrize(
    ("parts", "made"),
    [
        ([], []),
        ([(0, 5), (5, 9)], [(0, 5), (5, 9)]),
        ([(5, 9), (0, 5)], [(0, 5), (5, 9)]),
        ([(0, 5), (7, 9)], [(0, 5)]),
        ([(2, 9)], []),
        ([(0, 5), (0, 3), (3, 8), (3, 6), (6, 9)], [(0, 5), (5, 8), (8, 9)]),
        ([(0, 8), (2, 4), (4, 6)], [(0, 8)]),
        ([(0, 0)], []),
    ],
)
def test_parts_are_joined_without_a_gap(parts: list[tuple[int, int]], made: list[tuple[int, int]]) -> None:
    found = list(stretches(Part(f"{start}", start, stop) for start, stop in parts))
    assert [(start, stop) for _, start, stop in found] == made
    assert all(part.start <= start and part.stop == stop for part, start, stop in found)
