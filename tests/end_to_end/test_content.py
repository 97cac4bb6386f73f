"""`ai-engine content`: from a curator's file to a catalogue that is served, by the command line."""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.catalogues.files import BENCHES, BENCHES_MAPPED, TREES
from tests.end_to_end.catalogues import SPACE, Target, file_target, qdrant_target
from tests.end_to_end.commands import ai_engine
from tests.end_to_end.operating import outcome
from tests.qdrant_edge.folders import quick_folder
from tests.qdrant_edge.serving import serving

MakeTarget = Callable[[str], Target]
MAPPED = [word for option in BENCHES_MAPPED for word in ("--map", option)]
ROWS = 600
BATCH = 10


@pytest.fixture(scope="session")
def qdrant_url() -> Iterator[str]:
    with quick_folder() as folder, serving(folder) as url:
        yield url


@pytest.fixture
def make_target(request: pytest.FixtureRequest, tmp_path: Path) -> MakeTarget:
    """Makes an empty catalogue: a file, or where the test is for both of the one and the other."""
    if getattr(request, "param", "file") == "file":
        return lambda name: file_target(tmp_path / f"{name}.jsonl")
    url = request.getfixturevalue("qdrant_url")
    return lambda _: qdrant_target(url)


@pytest.fixture
def target(make_target: MakeTarget) -> Target:
    return make_target("catalogue")


for_both = pytest.mark.parametrize("make_target", ["file", "qdrant"], indirect=True)


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Many rows, no two alike."""
    path = tmp_path_factory.mktemp("table") / "stones.csv"
    write_table(path, range(ROWS))
    return path


def write_table(path: Path, numbers: range, changed: str = "") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", "inscription", "lat", "lon", "kind"])
        writer.writerows(
            [n, f"Stone {n}", f"Here lies stone {n}.{changed}", 50 + n / 1e3, 10, f"kind {n % 7}"]
            for n in numbers
        )


@for_both
def test_a_table_becomes_a_catalogue_and_its_bad_rows_are_named(
    target: Target, tmp_path: Path
) -> None:
    every = tmp_path / "problems"
    done = target.content("import", BENCHES, *MAPPED, "--problems", every)
    assert done.returncode == 1
    assert 'title = [\n    "honoured_name",\n    "inscription",\n]' in done.stderr
    assert "# not used: wiki: web addresses" in done.stderr
    assert "row 7, line 10: column latitude: '92.1006' is not a number from -90" in done.stderr
    assert "9 items: 9 new, 0 changed, 0 unchanged; 9 to embed" in done.stdout
    assert "9 rows left out" in done.stdout
    assert "9 written, 9 embedded, 0 removed in " in done.stdout
    assert len(every.read_text().splitlines()) == 9
    found = outcome(target.content("stats", "--json"))
    assert (found["items"], found["placed"], found["vector_space"]) == (9, 8, SPACE)
    assert found["facets"]["colour"]["most"] == {"green": 3, "blue": 3, "grey": 2}
    shown = outcome(target.content("show", "B-003"))
    assert (shown["title"], shown["tags"]["craft:organist"]) == ("Jonas Werfel", 1.0)
    assert "9 items, 8 with a place, 4 with an image" in target.content("stats").stdout


def test_nothing_is_written_by_a_trial_or_for_the_mapping(target: Target) -> None:
    tried = target.imported(TREES, "--dry-run")
    assert (tried["plan"]["new"], tried["plan"]["embeds"], tried["done"]) == (5, 5, None)
    printed = target.content("import", TREES, "--print-mapping")
    assert printed.stdout.startswith('id = "sku"\n')
    assert target.written() == 0
    assert outcome(target.content("stats", "--json"))["items"] == 0


def test_a_printed_mapping_is_kept_edited_and_used(target: Target, tmp_path: Path) -> None:
    mapping = tmp_path / "trees.toml"
    printed = target.content("import", TREES, "--print-mapping").stdout
    mapping.write_text(printed.replace("[tags.keywords]", "[tags.about]"))
    done = target.content("import", TREES, "--mapping", mapping)
    assert (done.returncode, done.stderr) == (0, "")
    assert outcome(target.content("show", "pear"))["tags"] == {
        "about:school": 1.0,
        "about:dance": 1.0,
    }


def test_an_import_again_does_nothing_and_a_change_only_what_it_must(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "stones.csv"
    write_table(path, range(20))
    assert target.imported(path)["done"]["embedded"] == 20
    version = outcome(target.content("stats", "--json"))["version"]
    again = target.imported(path)["done"]
    assert (again["written"], again["unchanged"], again["embedded"]) == (0, 20, 0)
    assert outcome(target.content("stats", "--json"))["version"] == version
    write_table(path, range(5, 25))
    plan = target.imported(path)
    assert (plan["done"]["written"], plan["done"]["embedded"]) == (5, 5)
    assert plan["plan"]["removed"] == ["0", "1", "2", "3", "4"]
    assert len(target.items()) == 25
    told = target.content("import", path, "--prune")
    assert told.returncode == 0
    assert "5 items are not in the file and are removed: 0, 1, 2, 3, 4" in told.stdout
    assert set(target.items()) == {str(n) for n in range(5, 25)}


def test_a_broken_row_does_not_cost_its_item_the_place(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "stones.csv"
    write_table(path, range(20))
    target.imported(path)
    path.write_text(path.read_text().replace("50.001", "north"))
    done = target.content("import", path, "--prune")
    assert done.returncode == 1
    assert "1 items are not in the file and stay as long as rows are left out" in done.stdout
    assert len(target.items()) == 20


@for_both
def test_what_is_hidden_by_hand_stays_hidden_through_an_import(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "stones.csv"
    write_table(path, range(5))
    target.imported(path)
    assert target.content("hide", "1", "3").stdout == "2 hidden\n"
    assert target.content("hide", "1").stdout == "0 hidden\n"
    assert target.imported(path)["done"]["written"] == 0
    assert outcome(target.content("stats", "--json"))["hidden"] == 2
    found = outcome(target.content("search", "stone", "--json"))["items"]
    assert [one["id"] for one in found] == ["0", "2", "4"]
    assert target.content("unhide", "3").stdout == "1 shown again\n"
    assert outcome(target.content("show", "1"))["hidden"] is True
    missing = target.content("hide", "0", "7")
    assert (missing.returncode, missing.stderr) == (
        1,
        "Error: there is no item 7; nothing was changed\n",
    )
    assert target.content("delete", "1", "2").stdout == "2 removed\n"
    assert set(target.items()) == {"0", "3", "4"}
    assert target.content("show", "1").returncode == 1


@for_both
@pytest.mark.parametrize("options", [(), ("--vectors",)])
def test_an_export_imports_back_to_the_same_catalogue(
    target: Target, make_target: MakeTarget, tmp_path: Path, options: tuple[str, ...]
) -> None:
    target.imported(TREES)
    target.content("hide", "lime")
    exported = tmp_path / "exported.jsonl"
    assert target.content("export", exported, *options).stderr == "5 items exported\n"
    assert target.imported(exported)["plan"]["unchanged"] == 5
    other = make_target("other")
    done = other.imported(exported)
    assert done["done"]["embedded"] == (0 if options else 5)
    assert other.items() == target.items()


@for_both
def test_vectors_of_another_space_are_refused_and_replace_all_when_asked(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "stones.csv"
    write_table(path, range(4))
    target.imported(path)
    given = tmp_path / "given.jsonl"
    lines = [{"id": str(n), "title": f"Given {n}", "vector": [n, 1]} for n in range(4)]
    given.write_text("\n".join(map(json.dumps, lines)))
    for options in ((), ("--dry-run",)):
        refused = target.content("import", given, *options)
        assert refused.returncode == 1
        assert f"the catalogue has vectors of {SPACE}" in refused.stderr
        assert "given-2" in refused.stderr
    assert target.items()["1"]["title"] == "Stone 1"
    assert target.imported(given, "--new-embedder")["done"]["written"] == 4
    assert target.items()["1"]["title"] == "Given 1"
    found = outcome(target.content("stats", "--json"))
    assert (found["items"], found["vector_space"]) == (4, "given-2")
    back = target.imported(path, "--new-embedder")
    assert back["done"]["embedded"] == 4
    assert target.items()["1"]["title"] == "Stone 1"


@for_both
class TestKills:
    """The importer is killed, started again, and its catalogue that of one clean run."""

    def clean(self, make_target: MakeTarget, *sources: Path) -> dict[str, Any]:
        other = make_target("clean")
        for source in sources:
            other.imported(source, "--prune")
        return other.items()

    def test_a_first_import(self, target: Target, make_target: MakeTarget, table: Path) -> None:
        reached = 0
        for goal in (0, ROWS // 2):
            assert target.killed_at(goal, table, "--batch", BATCH)
            assert target.written() >= reached
            reached = target.written()
            assert 0 < reached < ROWS
            assert outcome(target.content("stats", "--json"))["items"] == 0
        done = target.imported(table)["done"]
        assert (done["embedded"], done["unchanged"]) == (ROWS - reached, reached)
        assert target.items() == self.clean(make_target, table)

    def test_a_later_import_with_changes_and_removed_items(
        self, target: Target, make_target: MakeTarget, tmp_path: Path, table: Path
    ) -> None:
        target.imported(table)
        later = tmp_path / "later.csv"
        write_table(later, range(ROWS // 2, 3 * ROWS // 2), " Mended.")
        begun = target.written()
        for batches in (1, 20):
            goal = begun + batches * BATCH
            assert target.killed_at(goal, later, "--prune", "--batch", BATCH)
        target.imported(later, "--prune")
        assert target.items() == self.clean(make_target, table, later)


def test_a_kill_while_the_new_file_is_written(tmp_path: Path, table: Path) -> None:
    target, path = file_target(tmp_path / "catalogue.jsonl"), tmp_path / "catalogue.jsonl"
    write_table(tmp_path / "first.csv", range(10))
    target.imported(tmp_path / "first.csv")
    before = path.read_bytes()
    new = tmp_path / "catalogue.jsonl.new"
    assert target.killed(table, at=new.exists)
    assert path.read_bytes() == before or not new.exists()
    target.imported(table)
    clean = file_target(tmp_path / "clean.jsonl")
    clean.imported(table)
    assert path.read_bytes() == (tmp_path / "clean.jsonl").read_bytes()
    left = {one.name for one in tmp_path.iterdir()}
    assert left == {"catalogue.jsonl", "clean.jsonl", "first.csv"}


def test_without_a_catalogue_an_import_asks_for_one_and_a_look_is_at_the_bundled(
    tmp_path: Path,
) -> None:
    refused = ai_engine("content", "import", TREES)
    assert refused.returncode == 1
    assert "say which catalogue: QDRANT_API_URL, CATALOGUE or --catalogue" in refused.stderr
    assert outcome(ai_engine("content", "stats", "--json"))["items"] >= 80
    hidden = ai_engine("content", "hide", "lidice-children")
    assert hidden.returncode == 1
    assert "was not written by an import" in hidden.stderr
    missing = ai_engine("content", "import", TREES, "--catalogue", tmp_path / "no" / "file.jsonl")
    assert missing.returncode == 1
