"""A Valkey Cluster of three nodes on this machine, for tests."""

import time
from pathlib import Path

import redis

from deploy.valkey import Valkey, free_port

_SLOTS = 16_384
_FORMED_WITHIN_S = 20.0


class ValkeyCluster:
    """Three masters that share the slots; a node can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        """Nothing starts yet."""
        self.nodes = [_node(folder / f"node-{number}") for number in range(3)]

    @property
    def url(self) -> str:
        """What REDIS_URL is to be, with REDIS_CLUSTER=1."""
        return self.nodes[0].url

    def start(self) -> None:
        """Start the nodes, share out the slots, and wait until all agree."""
        for node in self.nodes:
            node.start()
        share = -(-_SLOTS // len(self.nodes))
        for number, node in enumerate(self.nodes):
            last = min((number + 1) * share, _SLOTS) - 1
            _ask(node, "CLUSTER", "ADDSLOTSRANGE", number * share, last)
            bus = int(self.nodes[0].options["cluster-port"])
            _ask(node, "CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, bus)
        deadline = time.monotonic() + _FORMED_WITHIN_S
        while not all(self._is_formed(node) for node in self.nodes):
            if time.monotonic() > deadline:
                raise RuntimeError(f"no cluster within {_FORMED_WITHIN_S:.0f} s")
            time.sleep(0.05)

    def kill(self) -> None:
        """End all nodes."""
        for node in self.nodes:
            node.kill()

    def _is_formed(self, node: Valkey) -> bool:
        info = bytes(_ask(node, "CLUSTER", "INFO"))
        known = f"cluster_known_nodes:{len(self.nodes)}".encode()
        return b"cluster_state:ok" in info and known in info


def _node(folder: Path) -> Valkey:
    options = {
        "cluster-enabled": "yes",
        "cluster-config-file": str(folder / "nodes.conf"),
        "cluster-node-timeout": "2000",
        "cluster-port": str(free_port()),
    }
    return Valkey(folder, options=options)


def _ask(node: Valkey, *command: object) -> bytes:
    with redis.Redis(port=node.port, socket_timeout=5) as client:
        # As one word: the client would turn the reply of the two into a dict.
        answer = client.execute_command(*command, NEVER_DECODE=True)
    return answer if isinstance(answer, bytes) else str(answer).encode()
