"""What the sentence model is for: it sees meaning where no word is shared."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from adapters.contents import open_content_store
from adapters.settings import SharedSettings, read_settings
from core.errors import ConfigError
from core.ports import Embedder
from core.vectors import to_grid
from tests.embedders import embedder_or_skip

PAIRS = (
    ("The train to the camp left at dawn", "Deportation transport early in the morning"),
    ("A girl keeps a diary in her hiding place", "A teenager writes about a secret annex"),
    ("Farmers hide a Jewish family in their barn", "Neighbours rescue people from persecution"),
    ("Students scatter leaflets against the regime", "Young resistance fighters print flyers"),
    ("Prisoners rehearse an opera behind barbed wire", "Inmates make music in the ghetto"),
    ("She was forbidden to go to school", "A child is excluded from lessons"),
    ("Shop windows were smashed that night", "The pogrom of November 1938"),
    ("Parents send their sons abroad by ship", "Refugee children leave their families"),
    ("There was never enough bread", "Hunger and starvation in the barracks"),
    ("A stone in the pavement bears his name", "Memorial plaque for a murdered resident"),
    ("The soldiers opened the gates in April", "Liberation by American troops"),
    ("He testified before the judges", "The trial of war criminals"),
)
"""Two ways to tell of one thing, made up, with hardly a word in common."""
STORY = "The orchestra rehearses an opera about a fisherman. "
ENDING = "Then the deportation train left for the camp. "


OPEN = "from adapters.embedding.choice import open_embedder; open_embedder('minilm')"


@pytest.fixture
def model() -> Embedder:
    return embedder_or_skip("minilm")


def found(embedder: Embedder) -> float:
    """The share of texts whose own paraphrase is the nearest of all of them."""
    told, retold = (embedder.embed(texts) for texts in zip(*PAIRS, strict=True))
    nearest = np.argmax(told @ retold.T, axis=1)
    return float(np.mean(nearest == np.arange(len(PAIRS))))


def run_python(code: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
    )


def test_it_finds_paraphrases_that_hashing_does_not(model: Embedder) -> None:
    assert found(model) >= 2 / 3
    assert found(embedder_or_skip("hashed")) <= 1 / 3


def test_a_train_to_the_camp_is_near_a_deportation_transport(model: Embedder) -> None:
    def preferred(embedder: Embedder) -> float:
        train, transport, music = embedder.embed(
            ["The train to the camp", "Deportation transport", "The orchestra rehearses an opera"]
        )
        return float(train @ transport - train @ music)

    assert preferred(model) > 0.1 > preferred(embedder_or_skip("hashed"))


def test_the_end_of_a_long_text_counts(model: Embedder) -> None:
    long, longer, ending = model.embed([STORY * 60, STORY * 40 + ENDING * 20, ENDING])
    assert ending @ longer > ending @ long + 0.2


def test_a_very_long_text_is_read_as_far_as_its_bound(model: Embedder) -> None:
    long, longer = model.embed([STORY * 600, STORY * 600 + ENDING])
    assert long.tobytes() == longer.tobytes()


def test_the_vectors_are_the_ones_of_this_version(model: Embedder) -> None:
    # Stored vectors lie in this space: whoever changes them changes `id` with them. Another CPU
    # may round a number differently, by one step of the grid.
    assert model.id == "all-minilm-l6-v2-int8-384-v1"
    first = to_grid(model.embed([STORY])[0])[:8]
    assert np.abs(first - [-224, 132, -179, 126, -536, 111, 103, -7]).max() <= 1


def test_files_of_another_model_are_refused(model: Embedder) -> None:
    minilm = pytest.importorskip("adapters.embedding.minilm")
    assert isinstance(model, minilm.MiniLmEmbedder)
    package, name, _ = minilm._VOCABULARY
    with pytest.raises(ConfigError, match=package):
        minilm._file(package, name, "0" * 64)


def test_the_settings_choose_it(model: Embedder, tmp_path: Path) -> None:
    catalogue = tmp_path / "items.jsonl"
    catalogue.write_text('{"id": "1", "title": "A train"}', encoding="utf-8")
    environ = {"EMBEDDER": "minilm", "CATALOGUE": str(catalogue)}
    store = open_content_store(read_settings(SharedSettings, environ))
    assert model.id in store.vector_space


def test_it_leaves_nothing_at_home(model: Embedder, tmp_path: Path) -> None:
    # Releases of onnxruntime that report to their maker keep a number of the machine there.
    done = run_python(f"{OPEN}.embed(['{model.id}'])", os.environ | {"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob("*"))


def test_without_the_extra_the_settings_are_at_fault_and_say_what_to_install() -> None:
    done = run_python("import sys; sys.modules['onnxruntime'] = None; " + OPEN, os.environ)
    assert done.returncode == 1
    assert "core.errors.ConfigError: EMBEDDER=minilm needs the extra" in done.stderr
    assert "make minilm" in done.stderr
