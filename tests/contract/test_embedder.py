"""What every `Embedder` holds: unit vectors, the same bytes for the same text everywhere."""

from hashlib import blake2b
from typing import get_args

import numpy as np
import numpy.typing as npt
import pytest

from adapters.embedding.choice import EmbedderName
from adapters.embedding.hashed import HashedEmbedder
from core.ports import Embedder
from core.vectors import to_grid
from tests.embedders import embedder_or_skip

SENTENCE = "Students print leaflets against the war and scatter them in the university"
RELATED = "A student printed a leaflet against the war, in secret"
UNRELATED = "The orchestra rehearses an opera about a fisherman"


def cosine(embedder: Embedder, one: str, other: str) -> float:
    first, second = embedder.embed([one, other])
    return float(first @ second)


class TestEmbedder:
    @pytest.fixture(params=get_args(EmbedderName))
    def embedder(self, request: pytest.FixtureRequest) -> Embedder:
        return embedder_or_skip(request.param)

    def test_it_has_a_name(self, embedder: Embedder) -> None:
        assert embedder.id

    def test_there_is_one_row_a_text(self, embedder: Embedder) -> None:
        vectors = embedder.embed([SENTENCE, RELATED, ""])
        assert vectors.shape == (3, embedder.dim)
        assert vectors.dtype == np.float32

    def test_no_texts_give_no_rows(self, embedder: Embedder) -> None:
        assert embedder.embed([]).shape == (0, embedder.dim)

    def test_the_same_text_has_the_same_bytes(self, embedder: Embedder) -> None:
        [alone] = embedder.embed([SENTENCE])
        beside = embedder.embed([RELATED, SENTENCE, UNRELATED])[1]
        assert alone.tobytes() == beside.tobytes()

    @pytest.mark.parametrize("text", [SENTENCE, "Gedächtnis", "日本の記念碑", "word " * 5000])
    def test_vectors_have_length_one(self, embedder: Embedder, text: str) -> None:
        assert np.linalg.norm(embedder.embed([text])[0]) == pytest.approx(1.0, abs=1e-5)

    @pytest.mark.parametrize("text", ["", " \n"])
    def test_a_text_without_anything_is_all_zeros(self, embedder: Embedder, text: str) -> None:
        assert not embedder.embed([text]).any()

    def test_related_texts_are_nearer_than_unrelated_ones(self, embedder: Embedder) -> None:
        related = cosine(embedder, SENTENCE, RELATED)
        assert related > cosine(embedder, SENTENCE, UNRELATED) + 0.2

    def test_a_text_is_nearest_to_itself(self, embedder: Embedder) -> None:
        assert cosine(embedder, SENTENCE, SENTENCE) == pytest.approx(1.0, abs=1e-5)


class TestHashedEmbedder:
    @staticmethod
    def embedded(text: str) -> npt.NDArray[np.float32]:
        vector: npt.NDArray[np.float32] = HashedEmbedder().embed([text])[0]
        return vector

    @pytest.mark.parametrize("text", ["...", "_", "in der an", "😀"])
    def test_a_text_without_words_is_all_zeros(self, text: str) -> None:
        assert not self.embedded(text).any()

    def test_the_vectors_are_the_ones_of_this_version(self) -> None:
        # Stored models hold vectors: whoever changes these bytes changes `id` with them.
        assert HashedEmbedder().id == "hashed-words-grams-384-v1"
        frozen = blake2b(to_grid(self.embedded(SENTENCE)).tobytes(), digest_size=16).hexdigest()
        assert frozen == "6a2bd999591e2f6fcbbca725643d0ad9"

    def test_case_and_punctuation_say_nothing(self) -> None:
        shouted = self.embedded("MUSIC, in the Ghetto!")
        assert shouted.tobytes() == self.embedded("music ghetto").tobytes()

    def test_forms_of_a_word_are_near(self) -> None:
        forms = float(self.embedded("memorial") @ self.embedded("memorials"))
        assert forms > 0.4 > float(self.embedded("memorial") @ self.embedded("orchestra"))
