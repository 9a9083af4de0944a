"""In CI a skip is a failure, unless it is listed with a reason."""

from types import SimpleNamespace

import pytest

from tests.support.skips import ALLOWED, allowed_globs, judged


def skipped(node_id: str, **extra: str) -> SimpleNamespace:
    return SimpleNamespace(nodeid=node_id, skipped=True, outcome="skipped", longrepr="no Redis", **extra)


def test_a_skip_that_is_not_listed_fails() -> None:
    report = judged(skipped("tests/unit/test_a.py::test_b[x]"), ["tests/gpu/*"])
    assert report.outcome == "failed"
    assert "no Redis" in report.longrepr


@pytest.mark.parametrize("glob", ["tests/gpu/*", "tests/gpu/test_a.py::test_b[[]x]", "*::test_b[x]"])
def test_a_listed_skip_stays_a_skip(glob: str) -> None:
    assert judged(skipped("tests/gpu/test_a.py::test_b[x]"), [glob.replace("[[]", "[")]).outcome == "skipped"


def test_an_expected_failure_is_no_skip() -> None:
    assert judged(skipped("tests/unit/test_a.py::test_b", wasxfail="known"), []).outcome == "skipped"


def test_every_listed_skip_has_a_reason() -> None:
    assert allowed_globs(ALLOWED.read_text())
    with pytest.raises(ValueError, match="no reason"):
        allowed_globs("tests/gpu/*")
