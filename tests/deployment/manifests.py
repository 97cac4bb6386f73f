"""The Kubernetes manifests, and what they say of one process."""

from typing import Any

import yaml

from tests.deployment.files import TOP

FOLDER = TOP / "deploy/kubernetes"
COMPONENTS = ("keda", "network-policy", "pod-monitor")


def kustomization(folder: str) -> Any:
    """What a folder brings into the cluster, as kustomize is told."""
    return yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text(encoding="utf-8"))


def documents(folder: str) -> list[Any]:
    """The resources that a kustomization of ours lists."""
    names = kustomization(folder)["resources"]
    texts = [(FOLDER / folder / name).read_text(encoding="utf-8") for name in names]
    return [document for text in texts for document in yaml.safe_load_all(text)]


BASE = documents("base")
SECRET = yaml.safe_load((FOLDER / "base/secret.example.yaml").read_text(encoding="utf-8"))


def one(kind: str, process: str) -> Any:
    """The resource of a process, of which there is exactly one."""
    [found] = [
        document
        for document in BASE
        if document["kind"] == kind and document["metadata"]["name"] == f"ai-engine-{process}"
    ]
    return found


def pod(process: str) -> Any:
    """The pod of a process."""
    return one("Deployment", process)["spec"]["template"]["spec"]


def container(process: str) -> Any:
    """Its one container."""
    [only] = pod(process)["containers"]
    return only
