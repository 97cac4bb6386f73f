"""What was said about an id, and which person it belongs to by that.

Only what was said is kept, never what follows from it: claims are a set with the
earliest time of each, so they come to the same in any order, twice, or late.
Every id belongs to at most one other; so persons are trees, and two of them are
never joined by an id that both have used.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import msgspec

from core.config import Count, Section


class IdentityConfig(Section, frozen=True, kw_only=True):
    """Variables with the prefix `IDENTITY_`."""

    max_persons: Count = 2
    """An id that was linked to more persons than this is a shared device, and nobody's."""
    max_ids: Count = 50
    """Ids of one person whose events count, nearest and then latest linked first."""
    link_days: Count = 180
    """How long a link lives after it was last said."""
    session_gap_s: Count = 1800
    """After so long without an event a shared device is somebody else's."""

    @property
    def session_gap_ms(self) -> int:
        """The same in milliseconds."""
        return self.session_gap_s * 1000

    @property
    def link_ttl_ms(self) -> int:
        """How long a link lives. Units: milliseconds."""
        return self.link_days * 86_400_000


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody said that the id `of` is the person `person`.

    `by` a device in passing (an identify, or the anonymous id on another call), or
    on purpose (alias, merge). A person of their own claims themselves.

    Units: `ts_ms` Unix milliseconds, when it was said.
    """

    of: str
    person: str
    ts_ms: int
    by: Literal["device", "alias"]


class Node(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was said of one id. Shape: from a person's id to the earliest time it was said.

    `is_person`: others were linked to it, or it was identified. `claimed_by` are
    ids that were ever said to be it, the latest first; each of them decides itself.
    """

    is_person: bool = False
    devices: Mapping[str, int] = {}
    aliases: Mapping[str, int] = {}
    claimed_by: Sequence[str] = ()


NOBODY = Node()
SHARED = ""
"""The owner of what is nobody's; no id is empty."""
_ERASED = "(erased) "
Refusal = Literal["shared", "two_persons", "of_another"]
"""A device of too many; a person of their own; a device that somebody was linked to before."""
REFUSALS: tuple[str, ...] = get_args(Refusal)


def persons_of(node: Node) -> dict[str, int]:
    """Whom the id may belong to, with the earliest time of each.

    A person is joined to another one on purpose only, by an alias or a merge: an
    anonymous id that is somebody's user id is an accident.
    """
    said = dict(node.aliases)
    if not node.is_person:
        for person, ts_ms in node.devices.items():
            said[person] = min(ts_ms, said.get(person, ts_ms))
    return said


def is_shared(node: Node, config: IdentityConfig) -> bool:
    """Whether so many persons use the id that it is nobody's: a kiosk, a constant.

    A person does not become one, whoever else they were said to be.
    """
    return not node.is_person and len(persons_of(node)) > config.max_persons


def owner_of(node: Node, config: IdentityConfig) -> str | None:
    """Whose the id is: of the person it was linked to first; None for one of its own.

    Where that person was erased and the id was not, it is nobody else's either.
    `SHARED` for a shared device, to whom no other id can belong either.
    """
    persons = persons_of(node)
    if len(persons) > config.max_persons:
        return None if node.is_person else SHARED
    if not persons:
        return None
    first = min(persons, key=lambda person: (persons[person], person))
    return first if is_somebody(first) else None


def refusal_of(claim: Claim, node: Node, config: IdentityConfig) -> Refusal | None:
    """Why a claim does not count, as far as is known by now; None where it does."""
    if claim.of == claim.person or owner_of(node, config) == claim.person:
        return None
    if len(persons_of(node)) > config.max_persons:
        return "shared"
    return "of_another" if claim.person in persons_of(node) else "two_persons"


def somebody_erased(name: str) -> str:
    """What stands for an erased person where it counts that somebody used a device."""
    return f"{_ERASED}{name}"


def is_somebody(person: str) -> bool:
    """Whether it is a person's id, and not what stands for an erased one."""
    return not person.startswith(_ERASED)


def without_name(node: Node, person: str, somebody: str) -> Node:
    """The node with another name for a person: how many use the id stays as it is.

    Where nobody else was said, nobody is.
    """

    def renamed(said: Mapping[str, int]) -> dict[str, int]:
        return {somebody if one == person else one: ts_ms for one, ts_ms in said.items()}

    devices, aliases = renamed(node.devices), renamed(node.aliases)
    if [*devices, *aliases] == [somebody]:
        devices, aliases = {}, {}
    return msgspec.structs.replace(node, devices=devices, aliases=aliases)
