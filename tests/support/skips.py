"""A pytest plugin: in CI (the variable CI is set) a skip is a failure, unless tests/allowed-skips.txt names it.

Each line of that file is `glob of the test's id: reason`; `#` starts a comment.
"""

import os
from collections.abc import Generator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

ALLOWED = Path(__file__).parent.parent / "allowed-skips.txt"


def allowed_globs(text: str) -> list[str]:
    """The globs of the file; raises ValueError for a line without a reason."""
    globs = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        glob, separator, reason = line.partition(": ")
        if not separator or not reason.strip():
            raise ValueError(f"tests/allowed-skips.txt: no reason given in {line!r}")
        globs.append(glob.strip())
    return globs


def judged(report: Any, globs: list[str]) -> Any:
    """The report, failed in place of skipped where no line allows the skip. An expected failure is no skip."""
    if report.skipped and not hasattr(report, "wasxfail") and not _is_allowed(report.nodeid, globs):
        report.outcome = "failed"
        report.longrepr = f"skipped in CI, and tests/allowed-skips.txt doesn't allow it: {report.longrepr}"
    return report


def _is_allowed(node_id: str, globs: list[str]) -> bool:
    # fnmatch reads [ as a character class; ids of parametrised tests hold it literally
    return any(node_id == glob or fnmatchcase(node_id, glob.replace("[", "[[]")) for glob in globs)


def _in_ci() -> bool:
    return os.environ.get("CI", "") not in ("", "0", "false")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    return judged(report, allowed_globs(ALLOWED.read_text())) if _in_ci() else report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    return judged(report, allowed_globs(ALLOWED.read_text())) if _in_ci() else report
