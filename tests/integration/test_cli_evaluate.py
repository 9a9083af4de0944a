"""`tingxie evaluate` over a real service with the bundled model: figures, JSON, picture, new data set."""

import json
from pathlib import Path

import pytest

from tests.support.shell import tingxie
from tests.support.stack import Up

HELDOUT = Path(__file__).parents[1] / "data" / "heldout"


@pytest.mark.timeout(200)
def test_a_manifest_is_transcribed_and_judged(service: Up, tmp_path: Path) -> None:
    references = [json.loads(line) for line in (HELDOUT / "references.jsonl").read_text().splitlines()][:6]
    rows = [{"audio": str(HELDOUT / each["file"]), "text": each["text"]} for each in references]
    rows[0]["text"] = "电" + rows[0]["text"]  # an error that must show
    rows.append({"audio": str(HELDOUT / "references.jsonl"), "text": "没有声音"})
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    figures, picture, folder = tmp_path / "figures.json", tmp_path / "plot.png", tmp_path / "heard"
    done = tingxie("evaluate", manifest, "--json", figures, "--plot", picture, "--out", folder, "--server", service.url)
    assert done.returncode == 1, done.stderr
    assert "CER, normalised" in done.stdout
    document = json.loads(figures.read_text())
    assert document["utterances"] == 6
    assert list(document["failed"].values()) == [
        "The file isn't audio that this server reads: The upload is a text file."
    ]
    assert 0 < document["rates"]["CER, normalised"]["value"] < 0.1
    assert document["files"][0]["reference"].startswith("电")
    assert picture.read_bytes().startswith(b"\x89PNG")

    import datasets  # noqa: PLC0415

    heard = datasets.load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
    heard = heard.cast_column("audio", datasets.Audio(decode=False))
    assert heard["text"] == [row["text"] for row in rows]
    assert list(heard["tingxie_text"])[:6] == [each["text"] for each in document["files"]]
    assert heard["tingxie_text"][6] is None
    assert heard[0]["audio"]["bytes"] == (HELDOUT / references[0]["file"]).read_bytes()
