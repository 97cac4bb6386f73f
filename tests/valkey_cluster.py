"""A Valkey Cluster of three nodes on this machine, for tests."""

import time
from collections.abc import Callable
from pathlib import Path

import redis

from deploy.valkey import Valkey, free_port

_SLOTS = 16_384
_FORMED_WITHIN_S = 40.0
_TRY_EVERY_S = 3.0


class ValkeyCluster:
    """Three masters that share the slots; a node can be killed and started again."""

    def __init__(
        self, folder: Path, *, replicas: bool = False, node_timeout_ms: int = 2_000
    ) -> None:
        """Nothing starts yet.

        `replicas`: each master has one that takes over when it has been away
        for `node_timeout_ms`.
        """
        self.nodes = [_node(folder / f"node-{number}", node_timeout_ms) for number in range(3)]
        self.replicas = [
            _node(folder / f"replica-{number}", node_timeout_ms) for number in range(3 * replicas)
        ]

    @property
    def url(self) -> str:
        """What REDIS_URL is to be, with REDIS_CLUSTER=1."""
        return self.nodes[0].url

    def start(self) -> None:
        """Start the nodes, share out the slots, and wait until all agree."""
        everybody = [*self.nodes, *self.replicas]
        for node in everybody:
            node.start()
        share = -(-_SLOTS // len(self.nodes))
        for number, node in enumerate(self.nodes):
            last = min((number + 1) * share, _SLOTS) - 1
            _ask(node, "CLUSTER", "ADDSLOTSRANGE", number * share, last)
        _wait_until(lambda: all(self._is_formed(node) for node in everybody), trying=self._meet)
        for master, replica in zip(self.nodes, self.replicas, strict=False):
            _ask(replica, "CLUSTER", "REPLICATE", _ask(master, "CLUSTER", "MYID"))
        _wait_until(lambda: all(map(_is_in_step, self.replicas)))

    def kill(self) -> None:
        """End all nodes."""
        for node in (*self.nodes, *self.replicas):
            node.kill()

    def _meet(self) -> None:
        """Have everybody meet the first; who has done so already is not troubled."""
        bus = int(self.nodes[0].options["cluster-port"])
        for node in (*self.nodes[1:], *self.replicas):
            _ask(node, "CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, bus)

    def _is_formed(self, node: Valkey) -> bool:
        info = bytes(_ask(node, "CLUSTER", "INFO"))
        known = f"cluster_known_nodes:{len(self.nodes) + len(self.replicas)}".encode()
        return b"cluster_state:ok" in info and known in info


def _is_in_step(replica: Valkey) -> bool:
    with redis.Redis(port=replica.port, socket_timeout=5) as client:
        state: dict[str, object] = client.info("replication")
    return state.get("master_link_status") == "up"


def _wait_until(true: Callable[[], bool], trying: Callable[[], None] = lambda: None) -> None:
    """Wait, and try again now and then: a handshake on a busy machine may come to nothing."""
    deadline = time.monotonic() + _FORMED_WITHIN_S
    try_at = 0.0
    while not true():
        now = time.monotonic()
        if now > deadline:
            raise RuntimeError(f"no cluster within {_FORMED_WITHIN_S:.0f} s")
        if now >= try_at:
            trying()
            try_at = now + _TRY_EVERY_S
        time.sleep(0.05)


def _node(folder: Path, node_timeout_ms: int) -> Valkey:
    options = {
        "cluster-enabled": "yes",
        "cluster-config-file": str(folder / "nodes.conf"),
        "cluster-node-timeout": str(node_timeout_ms),
        "cluster-port": str(free_port()),
        "cluster-replica-validity-factor": "0",  # a replica takes over however old its data are
        "repl-diskless-sync-delay": "0",
    }
    return Valkey(folder, options=options)


def _ask(node: Valkey, *command: object) -> bytes:
    with redis.Redis(port=node.port, socket_timeout=5) as client:
        # As one word: the client would turn the reply of the two into a dict.
        answer = client.execute_command(*command, NEVER_DECODE=True)
    return answer if isinstance(answer, bytes) else str(answer).encode()
