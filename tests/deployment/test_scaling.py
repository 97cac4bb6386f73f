"""How many pods there are, where they run, and who decides that."""

import pytest

from adapters.redis.keys import GROUP, stream_key
from tests.deployment.files import port_of, settings_file
from tests.deployment.manifests import (
    BASE,
    COMPONENTS,
    FOLDER,
    SECRET,
    container,
    documents,
    kustomization,
    one,
    pod,
)
from tests.deployment.processes import PROCESSES

each_process = pytest.mark.parametrize("name", PROCESSES)
each_server = pytest.mark.parametrize("name", ["webhook", "serve"])
AUTHENTICATION, SCALED = documents("components/keda")


@each_process
def test_everything_of_a_process_selects_its_pods(name: str) -> None:
    labels = one("Deployment", name)["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/component": name}
    assert one("Deployment", name)["spec"]["selector"]["matchLabels"] == labels
    assert one("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"] == labels
    spread = pod(name)["topologySpreadConstraints"]
    assert all(constraint["labelSelector"]["matchLabels"] == labels for constraint in spread)
    topologies = {constraint["topologyKey"] for constraint in spread}
    assert topologies == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}


@each_server
def test_a_service_leads_to_the_pods_of_its_process(name: str) -> None:
    service = one("Service", name)["spec"]
    assert service["selector"] == {"app.kubernetes.io/component": name}
    assert [port["targetPort"] for port in service["ports"]] == ["http"]


@each_server
def test_webhook_and_read_api_are_scaled_by_their_processors(name: str) -> None:
    scaler = one("HorizontalPodAutoscaler", name)["spec"]
    assert scaler["scaleTargetRef"]["name"] == one("Deployment", name)["metadata"]["name"]
    assert [metric["resource"]["name"] for metric in scaler["metrics"]] == ["cpu"]
    assert "replicas" not in one("Deployment", name)["spec"], "every apply would set it back"
    assert "cpu" in container(name)["resources"]["requests"], "which the share is of"


@each_process
def test_one_pod_of_a_process_may_be_missing_and_another_is_there(name: str) -> None:
    budget = one("PodDisruptionBudget", name)["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
    fewest = (
        min(one("Deployment", name)["spec"]["replicas"], SCALED["spec"]["minReplicaCount"])
        if name == "worker"
        else one("HorizontalPodAutoscaler", name)["spec"]["minReplicas"]
    )
    assert fewest >= 2


def test_workers_are_scaled_by_the_lag_of_every_shard_s_stream() -> None:
    shards = int(settings_file(FOLDER / "base/settings.env")["INGEST_SHARDS"])
    triggers = SCALED["spec"]["triggers"]
    assert [trigger["type"] for trigger in triggers] == ["redis-streams"] * shards
    for shard, trigger in enumerate(triggers):
        assert trigger["metadata"]["stream"] == stream_key(shard)
        assert trigger["metadata"]["consumerGroup"] == GROUP
        assert int(trigger["metadata"]["lagCount"]) > 0
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
        name = trigger["authenticationRef"]["name"]
        assert name == AUTHENTICATION["metadata"]["name"]


def test_keda_finds_the_workers_and_their_redis() -> None:
    deployment = one("Deployment", "worker")["metadata"]["name"]
    assert SCALED["spec"]["scaleTargetRef"] == {"name": deployment}
    for wanted in AUTHENTICATION["spec"]["secretTargetRef"]:
        assert wanted["name"] == SECRET["metadata"]["name"]
        assert wanted["key"] in SECRET["stringData"]
    [patch] = kustomization("components/keda")["patches"]
    assert patch["target"] == {"kind": "Deployment", "name": deployment}
    assert "path: /spec/replicas" in patch["patch"], "KEDA alone decides"


def test_the_components_speak_of_the_label_that_the_base_gives() -> None:
    [labels] = kustomization("base")["labels"]
    assert labels["includeSelectors"] is True
    [policy] = documents("components/network-policy")
    [monitor] = documents("components/pod-monitor")
    assert policy["spec"]["podSelector"]["matchLabels"] == labels["pairs"]
    assert monitor["spec"]["selector"]["matchLabels"] == labels["pairs"]


def test_metrics_are_asked_of_the_port_that_every_process_has() -> None:
    [monitor] = documents("components/pod-monitor")
    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "http", "path": "/metrics"}]
    for name in PROCESSES:
        assert {"name": "http", "containerPort": port_of(name)} in container(name)["ports"]


def test_the_example_takes_the_base_every_component_and_names_the_image() -> None:
    example = kustomization("example")
    assert example["resources"] == ["../base"]
    assert example["components"] == [f"../components/{name}" for name in COMPONENTS]
    images = {container(process)["image"] for process in PROCESSES}
    assert {image["name"] for image in example["images"]} == images
    assert not [document for document in BASE if document["kind"] == "Secret"]
