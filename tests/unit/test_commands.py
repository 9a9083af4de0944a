"""Commands of web and worker tell a wrong setting in one line, and say by their exit status what is to be done."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("web", 78),
        ("worker prepare", 78),
        ("worker check", 1),
        ("models list", 1),
        ("recover", 1),
        ("keys list", 1),
    ],
)
def test_a_wrong_setting_is_one_line(command: str, status: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tingxie", *command.split()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"TINGXIE_PORT": "many"},
    )
    assert done.returncode == status
    assert done.stderr.startswith(f"tingxie {command.removesuffix(' list')}: TINGXIE_PORT: ")
    assert len(done.stderr.splitlines()) == 1
