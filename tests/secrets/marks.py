"""Secrets with a mark in each, so that one search tells which of them got where."""

from collections.abc import Iterator

import msgspec


class Marks:
    """Makes the secrets of one sending and knows them all. `number` is another for each."""

    def __init__(self, sending: str, number: int) -> None:
        """Nothing is made yet."""
        self._sending = sending
        self._number = number
        self._made: dict[str, str] = {}

    def word(self, name: str) -> str:
        """What nothing shows to be personal: a name, a street, a free text."""
        return self._keep(name, f"zq-{self._sending}-{name}-zq")

    def mail(self, name: str) -> str:
        """An e-mail address."""
        return f"{self.word(f'{name}.mail')}@secret.example"

    def address(self, name: str) -> str:
        """An IPv4 address."""
        return self._keep(f"{name}.ip", f"198.51.{self._number}.{self._next(100)}")

    def address6(self, name: str) -> str:
        """An IPv6 address."""
        return self._keep(f"{name}.ip", f"2001:db8:{self._number}::{self._next(100):x}:77")

    def phone(self, name: str) -> str:
        """A telephone number."""
        made = self._keep(f"{name}.phone", f"77{self._number:03}{self._next(1000)}")
        return f"+49 30 {made}"

    def __iter__(self) -> Iterator["Secret"]:
        """All that were made."""
        for name, text in self._made.items():
            yield Secret(f"{self._sending}: {name}", text.encode())

    def _next(self, start: int) -> int:
        return start + len(self._made)

    def _keep(self, name: str, text: str) -> str:
        return self._made.setdefault(name, text)


class Secret(msgspec.Struct, frozen=True):
    """One of them: what it is and what to look for."""

    name: str
    mark: bytes
