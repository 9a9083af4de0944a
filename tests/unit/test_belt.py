"""Belt: one thread's pieces, taken by a consumer in another."""

from collections.abc import Iterator

import pytest

from jobs.belt import Belt, SourceBroke


def test_the_consumer_gets_all_in_order_and_its_result_comes_back() -> None:
    with Belt(b"".join, "test") as belt:
        assert all(belt.lay(bytes([number])) for number in range(100))
        assert belt.end() == bytes(range(100))


def test_a_consumer_that_stops_is_noticed_and_its_error_raised_at_the_end() -> None:
    def refuse(pieces: Iterator[bytes]) -> None:
        next(pieces)
        raise KeyError("full")

    with Belt(refuse, "test") as belt:
        laid = 0
        while belt.lay(b"piece"):
            laid += 1
        assert laid <= 2
        with pytest.raises(KeyError, match="full"):
            belt.end()


def test_a_source_that_breaks_is_told_and_its_own_error_stays() -> None:
    told = []

    def consume(pieces: Iterator[bytes]) -> None:
        try:
            list(pieces)
        except SourceBroke as broke:
            told.append(broke)
            raise

    def break_off() -> None:
        with Belt(consume, "test") as belt:
            belt.lay(b"piece")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert len(told) == 1
