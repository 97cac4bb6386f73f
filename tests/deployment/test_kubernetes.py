"""The Kubernetes manifests: valid, closed, complete, and in agreement with the settings."""

import tempfile

import pytest
from kubernetes_validate import ValidationError, latest_version, validate

from tests.deployment.files import image_user, port_of, settings_file
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
from tests.deployment.processes import PROCESSES, SETTINGS

OLDEST = "1.30"
"""What base/kustomization.yaml says is needed."""

each_process = pytest.mark.parametrize("name", PROCESSES)


@pytest.mark.parametrize("version", [OLDEST, latest_version()])
def test_every_manifest_is_what_kubernetes_allows(version: str) -> None:
    for document in (*BASE, *documents("components/network-policy"), SECRET):
        validate(document, version, strict=True)


def test_a_misspelt_field_would_be_found() -> None:
    deployment = one("Deployment", "webhook")
    misspelt = deployment | {"spec": deployment["spec"] | {"replica": 2}}
    with pytest.raises(ValidationError, match="replica"):
        validate(misspelt, OLDEST, strict=True)


@pytest.mark.parametrize("folder", ["base", *(f"components/{name}" for name in COMPONENTS)])
def test_a_kustomization_takes_every_file_of_its_folder_but_the_example(folder: str) -> None:
    files = {path.name for path in (FOLDER / folder).glob("*.yaml")}
    assert set(kustomization(folder)["resources"]) == files - {
        "kustomization.yaml",
        "secret.example.yaml",
    }


@each_process
def test_a_pod_is_the_image_with_the_command_and_the_port_of_its_process(name: str) -> None:
    assert container(name)["image"] == "ai-engine"
    assert container(name)["command"] == PROCESSES[name].command
    assert container(name)["ports"] == [{"name": "http", "containerPort": port_of(name)}]


@each_process
def test_every_variable_is_a_setting_and_its_secret_is_in_the_example(name: str) -> None:
    for variable in container(name)["env"]:
        wanted = variable["valueFrom"]["secretKeyRef"]
        assert variable["name"] in SETTINGS
        assert wanted["name"] == SECRET["metadata"]["name"]
        assert wanted["key"] in SECRET["stringData"]
    named = {variable["name"] for variable in container(name)["env"]}
    own = {
        "webhook": {"INGEST_API_KEY", "TOMBSTONE_KEY"},
        "worker": {"QDRANT_API_KEY", "TOMBSTONE_KEY"},
        "serve": {"SERVE_API_KEY", "QDRANT_API_KEY"},
    }
    assert named == {"REDIS_URL"} | own.get(name, {"QDRANT_API_KEY"})


@pytest.mark.parametrize("name", ["worker", "serve"])
def test_who_keeps_snapshots_has_a_place_to_write_them(name: str) -> None:
    [mounted] = container(name)["volumeMounts"]
    assert mounted["mountPath"] == tempfile.gettempdir()
    assert {"name": mounted["name"], "emptyDir": {}} in pod(name)["volumes"]


def test_the_shared_settings_are_settings_and_reach_every_process() -> None:
    [generated] = kustomization("base")["configMapGenerator"]
    [file] = generated["envs"]
    assert set(settings_file(FOLDER / "base" / file)) <= set(SETTINGS)
    for name in PROCESSES:
        assert container(name)["envFrom"] == [{"configMapRef": {"name": generated["name"]}}]


@each_process
def test_no_service_of_the_namespace_can_set_a_setting(name: str) -> None:
    # Kubernetes would set SERVE_PORT=tcp://... for a Service called `serve`.
    assert pod(name)["enableServiceLinks"] is False


@each_process
def test_a_probe_restarts_what_is_broken_and_only_readiness_asks_for_redis(name: str) -> None:
    paths = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    for probe, path in paths.items():
        assert container(name)[probe]["httpGet"] == {"path": path, "port": "http"}


@each_process
def test_a_pod_is_given_more_time_to_stop_than_it_takes(name: str) -> None:
    before_s = container(name).get("lifecycle", {}).get("preStop", {}).get("sleep", {})
    waited_s = before_s.get("seconds", 0)
    assert (waited_s > 0) == (name != "worker"), "only requests come through proxies"
    assert pod(name)["terminationGracePeriodSeconds"] > waited_s + PROCESSES[name].stops_within_s


@each_process
def test_a_pod_may_do_nothing_that_it_need_not(name: str) -> None:
    user = image_user()
    assert pod(name)["automountServiceAccountToken"] is False
    assert pod(name)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@each_process
def test_a_pod_asks_for_processor_and_memory_and_its_memory_has_an_end(name: str) -> None:
    assert set(container(name)["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container(name)["resources"]["limits"]
