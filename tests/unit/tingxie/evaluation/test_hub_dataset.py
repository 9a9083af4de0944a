"""A data set of the Hub, parquet with the recordings inside, read by the real `datasets` from a Hub on loopback."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from tests.support.fake_hub import MAIN, NAME, Hub, serving

HELDOUT = Path(__file__).parents[3] / "data" / "heldout"
TEXTS = {"m3-000.opus": "一", "m3-001.opus": "二", "m3-002.opus": "三"}
#: in a process of its own: the Hub's address is read when the libraries are imported
READ = """
import hashlib, sys
from tingxie.errors import InputMissing
from tingxie.evaluation.corpus import open_corpus
try:
    with open_corpus(sys.argv[1], split=sys.argv[2]) as corpus:
        for each in corpus.utterances:
            content = each.source.path.read_bytes()
            print(each.source.name, each.reference, hashlib.sha256(content).hexdigest())
except InputMissing as error:
    print(str(error).splitlines()[0])
"""


def make(folder: Path) -> Path:
    import datasets  # noqa: PLC0415

    rows = [{"audio": {"bytes": (HELDOUT / name).read_bytes(), "path": name}, "text": TEXTS[name]} for name in TEXTS]
    table = datasets.Dataset.from_list(rows).cast_column("audio", datasets.Audio(decode=False))
    folder.mkdir()
    datasets.disable_progress_bars()
    table.to_parquet(str(folder / "test-00000-of-00001.parquet"))
    return folder


def read(address: str, home: Path, name: str = NAME, split: str = "", **more: str) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    environment = {**kept, "HF_ENDPOINT": address, "HF_HOME": str(home), **more}
    command = [sys.executable, "-c", READ, name, split]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_recordings_and_texts_come_from_the_hub(tmp_path: Path) -> None:
    hub = Hub({"main": (MAIN, make(tmp_path / "repository"))}, kind="datasets", token="hf_secret")
    with serving(hub) as address:
        found = read(address, tmp_path / "home", HF_TOKEN="hf_secret")
        (complaint,) = read(address, tmp_path / "elsewhere")
    assert found == [
        f"{number:06d}-{name} {text} {hashlib.sha256((HELDOUT / name).read_bytes()).hexdigest()}"
        for number, (name, text) in enumerate(TEXTS.items())
    ]
    assert complaint.startswith(f"{NAME} can't be read as a data set: Dataset '{NAME}' doesn't exist on the Hub")
