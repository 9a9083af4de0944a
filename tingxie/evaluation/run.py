"""A corpus through a service: every recording a job, a few of them in hand at a time."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from tingxie.batch import Batch, Outcome, Stop
from tingxie.client import Client
from tingxie.errors import InputMissing
from tingxie.evaluation.corpus import Corpus
from tingxie.evaluation.evaluation import Evaluation, Heard, judge
from tingxie.progress import display
from tingxie.records import Job
from tingxie.sources import Source
from tingxie.submit_options import SubmitOptions
from tingxie.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Run:
    """transcripts: by the recordings' names, of those that have one. outcomes: in the corpus's order."""

    corpus: Corpus
    transcripts: Mapping[PurePath, Transcript]
    outcomes: Sequence[Outcome]

    def evaluation(self) -> Evaluation:
        """Of the recordings whose text is known and that have a transcript."""
        heard = [
            Heard(str(each.source.name), each.reference, transcript.text, transcript.duration_s)
            for each in self.corpus.utterances
            if each.reference is not None and (transcript := self.transcripts.get(each.source.name)) is not None
        ]
        failed = {str(each.source.name): str(each.error) for each in self.outcomes if each.error is not None}
        return Evaluation([judge(each) for each in heard], failed)


def transcribe(corpus: Corpus, server: str, *, api_key: str, options: SubmitOptions, at_once: int) -> Run:
    """Raises InputMissing for an empty corpus, ServerUnreachable; what fails of single recordings is in the run."""
    if not corpus.utterances:
        raise InputMissing("the data set holds no recordings")
    transcripts: dict[PurePath, Transcript] = {}
    stop = Stop()
    with Client(server, api_key=api_key, pause=stop.pause) as client, display(len(corpus.utterances)) as show:
        client.check_alive()
        batch = Batch(client, options=options, deliver=_keep(client, transcripts), at_once=at_once, stop=stop)
        outcomes = batch.run([utterance.source for utterance in corpus.utterances], show)
    return Run(corpus, transcripts, outcomes)


def _keep(client: Client, transcripts: dict[PurePath, Transcript]) -> Callable[[Source, Job], None]:
    lock = threading.Lock()

    def keep(source: Source, job: Job) -> None:
        transcript = client.transcript(job.id)
        with lock:
            transcripts[source.name] = transcript

    return keep
