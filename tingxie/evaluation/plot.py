"""An evaluation as a picture: how the files' error rates are spread, and whether length matters."""

from pathlib import Path

from tingxie.errors import ResultUnwritable
from tingxie.evaluation.evaluation import Evaluation


def save_plot(evaluation: Evaluation, path: Path) -> None:
    """A PNG (or what the suffix says). Raises ResultUnwritable."""
    from matplotlib.figure import Figure  # noqa: PLC0415 (seconds to import)

    percent = [100 * each.error_rate for each in evaluation.judged]
    figure = Figure(figsize=(10, 4), layout="constrained")
    spread, length = figure.subplots(1, 2)
    spread.hist(percent, bins=30)
    spread.set(xlabel="character error rate of a file, %", ylabel="files")
    length.scatter([each.heard.duration_s for each in evaluation.judged], percent, s=8)
    length.set(xlabel="length, s", ylabel="character error rate, %")
    overall = evaluation.rates["CER, normalised"]
    if overall is not None:
        figure.suptitle(f"CER {overall.value:.2%} ({overall.low:.2%} to {overall.high:.2%}), {len(percent)} recordings")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ResultUnwritable(f"{path}: {error}") from error
