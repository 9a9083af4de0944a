"""What turns a CTC model's token ids into text: the part of its tokenizer that finish needs, without its libraries.

The transcribe worker writes it to the store once (`to_json`); finish reads it there, so that it needs no transformers
(importing its tokenizers pulls in torch: 250 MB and seconds for each process).
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

#: its name in the folder of its model in the store
VOCABULARY_FILE = "vocabulary.json"

#: scripts written without spaces start here (CJK radicals), as far as a cut between two characters is concerned
FIRST_UNSPACED = "⺀"

#: what `PreTrainedTokenizerBase.clean_up_tokenization` of transformers 5.23 replaces, in its order
CLEANED_UP = (
    (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"),
    (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
)  # fmt: skip


@dataclass(frozen=True)
class Vocabulary:
    """A `Wav2Vec2CTCTokenizer`'s decoding side.

    tokens: the text of each id that the model can emit. blank: the token that CTC separates repeats with.
    delimiter: the token between words, shown as `space`; None where there is none. specials: tokens that never belong
    to the text. lower_case, clean_up: what the tokenizer does to whole texts at last.
    """

    tokens: tuple[str, ...]
    blank: str
    delimiter: str | None
    space: str
    specials: frozenset[str]
    lower_case: bool = False
    clean_up: bool = False

    def to_json(self) -> bytes:
        fields = {**asdict(self), "specials": sorted(self.specials)}
        return json.dumps(fields, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, document: bytes) -> "Vocabulary":
        fields = json.loads(document)
        return cls(**{**fields, "tokens": tuple(fields["tokens"]), "specials": frozenset(fields["specials"])})

    @cached_property
    def spoken(self) -> npt.NDArray[np.bool_]:
        """For each id whether its text belongs to the transcript: neither blank nor special."""
        return np.array([token != self.blank and token not in self.specials for token in self.tokens], np.bool_)

    @cached_property
    def is_space(self) -> npt.NDArray[np.bool_]:
        return np.array([self.char(token) == self.space for token in range(len(self.tokens))], np.bool_)

    @cached_property
    def joins(self) -> npt.NDArray[np.bool_]:
        """For each id whether it is part of a word in a script with spaces, so that no cut may fall beside it."""
        return np.array([token[-1:].isalnum() and token[-1] < FIRST_UNSPACED for token in self.tokens], np.bool_)

    def char(self, token: int) -> str:
        """One token as shown by itself."""
        return self._cased(self._shown(token))

    def text(self, tokens: Iterable[int]) -> str:
        """The text of collapsed tokens without blanks and specials, as the tokenizer's `decode` gives it."""
        text = self._cased("".join(self._shown(token) for token in tokens).strip())
        if self.clean_up:
            for found, better in CLEANED_UP:
                text = text.replace(found, better)
        return text

    def _shown(self, token: int) -> str:
        text = self.tokens[token]
        return self.space if text == self.delimiter else text

    def _cased(self, text: str) -> str:
        return text.lower() if self.lower_case else text
