"""`tingxie evaluate`: a data set through the service, and its error rates."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tingxie.batch import exit_status
from tingxie.console import errors_as_status
from tingxie.options import NO_KEY, SERVER, AtOnce, Key, Language, Model, Server
from tingxie.results import write_atomically
from tingxie.submit_options import SubmitOptions

Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Hub id, folder of audio, or .jsonl or .csv manifest.")]
Split = Annotated[str, typer.Option("--split", help="Its split; test on the Hub, train elsewhere by default.")]
Configuration = Annotated[str, typer.Option("--config", help="Its configuration on the Hub (a language, say).")]
AudioColumn = Annotated[str, typer.Option("--audio-column", help="The column with the audio, by an unusual name.")]
TextColumn = Annotated[str, typer.Option("--text-column", help="The column with what was said.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first so many recordings.")]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all figures and texts here.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the files' error rates (PNG).")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Write the texts as a new data set here.")]


def evaluate(
    dataset: Dataset,
    *,
    split: Split = "",
    configuration: Configuration = "",
    audio_column: AudioColumn = "",
    text_column: TextColumn = "",
    limit: Limit = None,
    model: Model = None,
    language: Language = None,
    json_file: Json = None,
    plot: Plot = None,
    out: Out = None,
    at_once: AtOnce = 8,
    server: Server = SERVER,
    key: Key = NO_KEY,
) -> None:
    """Transcribe a data set by the service and tell its character and word error rates.

    Needs the extra `evaluate` (pip install 'tingxie[evaluate]'). Exit status: 1 some recordings have no transcript.
    """
    # datasets, jiwer and matplotlib take seconds to import: only this command needs them.
    from tingxie.evaluation.corpus import open_corpus  # noqa: PLC0415
    from tingxie.evaluation.dataset import write_dataset  # noqa: PLC0415
    from tingxie.evaluation.plot import save_plot  # noqa: PLC0415
    from tingxie.evaluation.run import transcribe  # noqa: PLC0415
    from tingxie.evaluation.table import tables  # noqa: PLC0415

    options = SubmitOptions(model=model, language=language)
    with (
        errors_as_status(),
        open_corpus(
            dataset, split=split, configuration=configuration, audio=audio_column, text=text_column, limit=limit
        ) as corpus,
    ):
        run = transcribe(corpus, server, api_key=key, options=options, at_once=at_once)
        evaluation = run.evaluation()
        for table in tables(evaluation):
            Console(highlight=False).print(table, markup=False)
        if json_file is not None:
            write_atomically(json_file, json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=1) + "\n")
        if plot is not None:
            save_plot(evaluation, plot)
        if out is not None:
            write_dataset(corpus, run.transcripts, out)
    raise typer.Exit(exit_status(run.outcomes))
