"""Writes docker/constraints.txt anew: the versions that this environment has of all that the images install.

    .venv/bin/python docker/pin.py

Run it where the tests pass. The CUDA wheels that torch brings on its own are pinned by torch.
"""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CONSTRAINTS = Path(__file__).with_name("constraints.txt")
EXTRAS = ("web", "worker", "s3")
HEAD = "# Made by docker/pin.py: what the images hold.\n"


def pinned() -> dict[str, str]:
    """Distribution → version, of all below `tingxie[web,worker,s3]`; what isn't for this platform is left out."""
    found: dict[str, str] = {}
    waiting = [("tingxie", extra) for extra in ("", *EXTRAS)]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # only another platform's
        if name != "tingxie":
            found[name] = package.version.partition("+")[0]
        for line in package.requires or ():
            wanted = Requirement(line)
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(wanted.name), each) for each in ("", *wanted.extras)]
    return found


def text() -> str:
    return HEAD + "".join(f"{name}=={version}\n" for name, version in sorted(pinned().items()))


if __name__ == "__main__":
    CONSTRAINTS.write_text(text(), encoding="utf-8")
