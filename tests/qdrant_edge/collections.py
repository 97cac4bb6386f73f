"""All collections of a folder and their aliases, which outlive the process."""

import os
import shutil
from pathlib import Path
from threading import RLock
from urllib.parse import quote, unquote

import msgspec
from qdrant_client import models

from tests.qdrant_edge.collection import Collection
from tests.qdrant_edge.errors import QdrantError, not_spoken

_KEPT = ".collection"


class Collections:
    """A folder a collection, and one file of aliases that is replaced whole."""

    def __init__(self, folder: Path) -> None:
        """Open everything that an earlier process left there."""
        self._folder = folder
        self._lock = RLock()
        folder.mkdir(parents=True, exist_ok=True)
        for leftover in (*folder.glob("*.making"), *folder.glob("*.removing")):
            shutil.rmtree(leftover)
        self._open = {
            unquote(path.name.removesuffix(_KEPT)): Collection(path)
            for path in sorted(folder.glob(f"*{_KEPT}"))
        }
        self._aliases = self._read_aliases()

    @property
    def names(self) -> list[str]:
        """Of the collections, without aliases."""
        with self._lock:
            return sorted(self._open)

    @property
    def aliases(self) -> dict[str, str]:
        """From each alias to its collection."""
        with self._lock:
            return dict(self._aliases)

    def get(self, name: str) -> Collection:
        """A collection by its name or by an alias."""
        with self._lock:
            found = self._open.get(self._aliases.get(name, name))
        if found is None:
            raise QdrantError(404, f"Not found: Collection `{name}` doesn't exist!")
        return found

    def exists(self, name: str) -> bool:
        """Whether there is a collection or an alias of that name."""
        with self._lock:
            return self._aliases.get(name, name) in self._open

    def create(self, name: str, wanted: models.CreateCollection) -> None:
        """A new, empty collection."""
        with self._lock:
            if name in self._open:
                raise QdrantError(409, f"Wrong input: Collection `{name}` already exists!")
            if name in self._aliases:
                raise QdrantError(
                    400,
                    f"Wrong input: Can't create collection with name {name}. "
                    "Alias with the same name already exists",
                )
            self._open[name] = Collection.make(self._path(name), wanted)

    def delete(self, name: str) -> bool:
        """With its aliases; an alias is no name of a collection here."""
        with self._lock:
            found = self._open.pop(name, None)
            if found is None:
                return False
            kept = {alias: one for alias, one in self._aliases.items() if one != name}
            self._write_aliases(kept)
            found.remove()
            return True

    def change_aliases(self, actions: list[models.AliasOperations]) -> None:
        """All of them or none, in one step that no reader sees the middle of."""
        with self._lock:
            changed = dict(self._aliases)
            for action in actions:
                self._change(changed, action)
            self._write_aliases(changed)

    def close(self) -> None:
        """Flush everything."""
        with self._lock:
            for collection in self._open.values():
                collection.close()

    def _change(self, aliases: dict[str, str], action: models.AliasOperations) -> None:
        match action:
            case models.CreateAliasOperation():
                made = action.create_alias
                if made.collection_name not in self._open:
                    raise QdrantError(
                        404, f"Not found: Collection `{made.collection_name}` doesn't exist!"
                    )
                if made.alias_name in self._open:
                    raise QdrantError(
                        409, f"Wrong input: Collection `{made.alias_name}` already exists!"
                    )
                aliases[made.alias_name] = made.collection_name
            case models.DeleteAliasOperation():
                aliases.pop(action.delete_alias.alias_name, None)
            case _:
                raise not_spoken("rename_alias")

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}{_KEPT}"

    def _read_aliases(self) -> dict[str, str]:
        path = self._folder / "aliases.json"
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if path.exists() else {}
        return {alias: name for alias, name in found.items() if name in self._open}

    def _write_aliases(self, aliases: dict[str, str]) -> None:
        path = self._folder / "aliases.json"
        written = path.with_suffix(".new")
        with written.open("wb") as file:
            file.write(msgspec.json.encode(aliases))
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
        self._aliases = aliases
