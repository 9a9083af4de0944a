"""eventually() returns what became true, and says what didn't."""

import pytest

from tests.support.waiting import eventually


def test_returns_the_first_true_value() -> None:
    values = iter([0, "", 7])
    assert eventually(lambda: next(values), 5) == 7


def test_an_assertion_inside_is_tried_again_and_raised_at_the_deadline() -> None:
    def never() -> bool:
        assert [1] == [2]
        return True

    with pytest.raises(AssertionError, match=r"\[1\] == \[2\]"):
        eventually(never, 0.05)


def test_says_so_when_it_never_becomes_true() -> None:
    with pytest.raises(AssertionError, match="not true within"):
        eventually(lambda: False, 0.05)
