"""Runs the `tingxie` command as a shell would."""

import os
import subprocess
import sys


def tingxie(*arguments: object, timeout_s: float = 120.0, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Its exit status and what it printed; TINGXIE_… variables of ours are left out, those given are set."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TINGXIE_")}
    return subprocess.run(
        [sys.executable, "-m", "tingxie", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
        env={**inherited, **environment},
    )
