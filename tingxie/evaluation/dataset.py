"""What was heard, as a new data set: the old one's rows with a transcript each, audio included."""

from collections.abc import Mapping
from pathlib import Path, PurePath

from tingxie.errors import ResultUnwritable
from tingxie.evaluation.corpus import Corpus
from tingxie.transcript import Transcript

#: the columns that are added; empty where a recording has no transcript
TEXT, CONFIDENCE = "tingxie_text", "tingxie_confidence"


def write_dataset(corpus: Corpus, transcripts: Mapping[PurePath, Transcript], folder: Path) -> None:
    """One Parquet file that `datasets.load_dataset(FOLDER)` reads. Raises ResultUnwritable."""
    from datasets.table import embed_table_storage  # noqa: PLC0415

    found = [transcripts.get(each.source.name) for each in corpus.utterances]
    table = corpus.table.add_column(TEXT, [each.text if each else None for each in found])
    table = table.add_column(CONFIDENCE, [each.confidence if each else None for each in found])
    table = table.with_format("arrow").map(embed_table_storage, batched=True, load_from_cache_file=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        table.with_format(None).to_parquet(str(folder / "train.parquet"))
    except OSError as error:
        raise ResultUnwritable(f"{folder}: {error.strerror or error}") from error
