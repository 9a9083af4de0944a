"""The model card: what the bundled model is, with the figures that were measured."""

from pathlib import Path

from demo_model.batches import LONG_S, SHORT_S
from demo_model.evaluate import CHUNK_S, STRIDE_S, Score, table
from demo_model.grammar import Grammar
from demo_model.speech import HELD_OUT_VARIANTS, MAIN_VARIANTS, MORE_VARIANTS, SPEED_MAX, SPEED_MIN
from demo_model.train import CYCLES, STEPS

TEMPLATE_FILE = Path(__file__).with_name("card.md")


def write(folder: Path, scores: list[Score]) -> None:
    """Write the card into a model's folder."""
    grammar = Grammar.load()
    text = TEMPLATE_FILE.read_text(encoding="utf-8").format(
        characters=len(grammar.characters()),
        patterns=len(grammar.patterns),
        voices=len(MAIN_VARIANTS) + len(MORE_VARIANTS),
        slowest=SPEED_MIN,
        fastest=SPEED_MAX,
        shortest=SHORT_S[0],
        longest=LONG_S[1],
        steps=STEPS,
        cycles=" and ".join(f"{steps:,} steps to {peak:.1e}" for steps, peak in CYCLES),
        held_out=" and ".join(f"`{variant}`" for variant in HELD_OUT_VARIANTS),
        chunk=CHUNK_S,
        stride=STRIDE_S,
        table=table(scores),
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
