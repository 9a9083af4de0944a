"""Commands of other packages: listed without being imported, and a missing extra is one line."""

import subprocess
import sys

import pytest


def _python(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


LISTING = """
import sys
sys.argv = ["tingxie", "--help"]
from tingxie.cli import main
try:
    main()
finally:
    print(sorted(sys.modules))
"""


def test_help_imports_none_of_them() -> None:
    done = _python(LISTING)
    assert done.returncode == 0, done.stderr
    assert "Run a worker" in done.stdout
    for module in ("torch", "flask", "celery", "worker.commands", "jobs", "numpy"):
        assert f"'{module}'" not in done.stdout


@pytest.mark.parametrize(("command", "module", "extra"), [("web", "flask", "web"), ("worker", "celery", "worker")])
def test_a_missing_extra_is_one_line(command: str, module: str, extra: str) -> None:
    """A module that is None in sys.modules can't be imported."""
    code = f"""
import sys
sys.modules[{module!r}] = None
sys.argv = ['tingxie', {command!r}, 'prepare']
from tingxie.cli import main
main()
"""
    done = _python(code)
    assert done.returncode == 1
    assert (
        done.stderr
        == f"tingxie {command}: {module} is not installed. Install it with: pip install 'tingxie[{extra}]'\n"
    )
