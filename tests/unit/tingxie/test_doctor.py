"""What `tingxie doctor` looks for on a machine is what pyproject.toml installs."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

from tingxie.doctor import _NEEDED

ROOT = Path(__file__).parents[3]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]


def modules(extra: str) -> set[str]:
    """Those of an extra; here each is called as its distribution is."""
    wanted = [Requirement(line) for line in EXTRAS[extra]]
    return {each.name.replace("-", "_") for each in wanted if each.name != "tingxie"}


def test_it_looks_for_all_that_an_extra_brings() -> None:
    for extra, needed in _NEEDED.items():
        assert set(needed) == modules("jobs") | modules(extra) | {"redis"}  # which Celery's extra brings
