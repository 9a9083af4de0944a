"""The whole recipe, `make demo-model`: speech, training, export, held-out material, figures, model card."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from demo_model import card, heldout
from demo_model.evaluate import scores, table

#: glibc gives each big buffer back to the kernel by default; keeping them makes a step a third faster.
KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "8000000000",
    "MALLOC_TOP_PAD_": "100000000",
}


def train(work: Path, out: Path) -> None:
    """Train in a process of its own, since glibc reads its settings at the start of one."""
    command = [sys.executable, "-m", "demo_model.train"]
    arguments = ["--work", str(work), "--out", str(out)]
    subprocess.run([*command, *arguments], check=True, env=os.environ | KEEP_MEMORY)


def main() -> None:
    """Make everything again below the repository's root."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/demo-model"), help="corpus and checkpoint, 2 GB")
    parser.add_argument("--root", type=Path, default=Path(), help="the repository")
    options = parser.parse_args()
    model = options.root / "worker/bundled"
    train(options.work, model)
    heldout.build_utterances(options.root / "tests/data/heldout")
    heldout.build_long(options.root / "tests/data/long")
    heldout.build_sample(options.root / "samples")
    rows = scores(model, options.root)
    card.write(model, rows)
    print(table(rows))


if __name__ == "__main__":
    main()
