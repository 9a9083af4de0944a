"""What `pip install tingxie`, without extras, brings: a client and the command line, none of the service."""

import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires

SERVICE = {"torch", "transformers", "numpy", "flask", "apiflask", "celery", "redis", "structlog"}

WITHOUT_THE_SERVICE = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {service}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
from tingxie import AsyncClient, Client, Event, Job, SubmitOptions, Transcript
from tingxie.cli import main
sys.argv = ["tingxie", *sys.argv[1:]]
main()
"""


def _needed(package: str) -> set[str]:
    """The packages that one needs without extras, and theirs, by name; those of other platforms left out."""
    found: set[str] = set()
    waiting = [package]
    while waiting:
        try:
            lines = requires(waiting.pop()) or []
        except PackageNotFoundError:
            continue
        names = [re.split(r"[^A-Za-z0-9._-]", line)[0].lower() for line in lines if "extra ==" not in line]
        waiting += [name for name in names if name not in found]
        found |= set(names)
    return found


def test_no_part_of_the_service_is_required() -> None:
    needed = _needed("tingxie")
    assert "httpx" in needed
    assert not needed & SERVICE


def test_client_and_command_line_work_without_it() -> None:
    code = WITHOUT_THE_SERVICE.format(service=SERVICE | {"jobs", "web", "worker", "kombu"})
    command = [sys.executable, "-c", code, "status", "j1", "--server", "http://127.0.0.1:9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 3, done.stderr
    assert "no answer from http://127.0.0.1:9" in done.stderr
