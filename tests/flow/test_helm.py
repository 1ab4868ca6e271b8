# SPDX-License-Identifier: MIT
"""The Helm chart and the plain manifests made of it.  There is no Helm in Debian: tests/helm is
its engine (text/template, sprig, the schema's library) with what Helm adds."""

import copy
import os
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

import harness
from harness import ROOT
from kubelet import documents, only
from manifests import pod_specs, restricted_faults, schema_faults

CHART = ROOT / "deploy/helm/alertpost"
PLAIN = ROOT / "deploy/kubernetes"
RENDER = os.environ.get("CHART_RENDER", str(ROOT / "build/tests/chart-render"))
VALUES = sorted(CHART.glob("ci/*-values.yaml"))
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())


def run_render(values, *flags, chart=CHART):
    return subprocess.run([RENDER, "-values", "/dev/stdin", *flags, chart], input=yaml.safe_dump(values),
                          capture_output=True, text=True)


def render(values, *flags):
    done = run_render(values, *flags)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rendered(path):
    return documents(render(yaml.safe_load(path.read_text())))


def all_manifests():
    """Name -> manifests, of every values file and of every plain file."""
    return {path.name: rendered(path) for path in VALUES} | {
        path.name: documents(path.read_text()) for path in sorted(PLAIN.glob("*.yaml"))}


@pytest.fixture(scope="module")
def everything():
    return all_manifests()


def test_the_chart_renders_for_the_default_and_four_value_sets():
    assert [path.name.removesuffix("-values.yaml") for path in VALUES] == [
        "default", "extended", "guarded", "memory", "monitored"]
    kinds = {path.name: sorted(one["kind"] for one in rendered(path)) for path in VALUES}
    always = ["ConfigMap", "Deployment", "Pod", "Service"]
    assert kinds["default-values.yaml"] == sorted([*always, "PersistentVolumeClaim", "ServiceAccount"])
    assert kinds["memory-values.yaml"] == sorted([*always, "ServiceAccount"])
    assert kinds["guarded-values.yaml"] == sorted([*always, "Ingress", "NetworkPolicy"])
    assert kinds["monitored-values.yaml"] == sorted([*always, "PersistentVolumeClaim", "ServiceAccount",
                                                     "PodDisruptionBudget", "PrometheusRule", "ServiceMonitor"])
    assert kinds["extended-values.yaml"] == sorted([*always, "PersistentVolumeClaim", "ServiceAccount", "ConfigMap",
                                                    "Secret"])


def test_every_manifest_is_one_that_the_api_takes(everything):
    faults = [f"{name}: {one['kind']}: {fault}" for name, manifests in everything.items()
              for one in manifests for fault in schema_faults(one)]
    assert faults == []
    assert len(everything) == len(VALUES) + 7


def test_the_schemas_refuse_what_the_api_refuses(everything):
    good = only(everything["sidecar.yaml"], "StatefulSet")
    for change, fault in (
            (lambda pod: pod.update(restartPolcy="Always"), "'restartPolcy' was unexpected"),
            (lambda pod: pod.update(terminationGracePeriodSeconds="60"), "'60' is not of type 'number'"),
            (lambda pod: pod["initContainers"][0]["args"].append({"--storage=memory": None}), "not of type 'string'"),
            (lambda pod: pod["initContainers"][0].pop("name"), "'name' is a required property")):
        bad = copy.deepcopy(good)
        change(bad["spec"]["template"]["spec"])
        assert [found for found in schema_faults(bad) if fault in found], (fault, schema_faults(bad))
    assert schema_faults({"apiVersion": "apps/v1beta1", "kind": "Deployment"}) == ["no schema of apps/v1beta1 Deployment"]


def test_every_pod_keeps_to_pod_security_restricted(everything):
    specs = [(name, spec) for name, manifests in everything.items() for one in manifests for spec in pod_specs(one)]
    assert [(name, fault) for name, spec in specs for fault in restricted_faults(spec)] == []
    assert len(specs) == 2 * len(VALUES) + 3
    for name, spec in specs:
        own = [one for one in spec.get("initContainers", []) + spec.get("containers", []) if one["name"] == "alertpost"]
        assert [one["securityContext"]["readOnlyRootFilesystem"] for one in own] == [True], name


def test_pod_security_is_found_wanting(everything):
    good, = pod_specs(only(everything["alertpost.yaml"], "Deployment"))
    for change, fault in (
            (lambda pod, one: pod["securityContext"].pop("runAsNonRoot"), "container alertpost: runAsNonRoot is not true"),
            (lambda pod, one: pod["securityContext"].pop("seccompProfile"),
             "container alertpost: seccompProfile is neither RuntimeDefault nor Localhost"),
            (lambda pod, one: one["securityContext"].pop("allowPrivilegeEscalation"),
             "container alertpost: allowPrivilegeEscalation is not false"),
            (lambda pod, one: one["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
             "container alertpost: capabilities are not dropped"),
            (lambda pod, one: pod.update(hostNetwork=True), "hostNetwork is true"),
            (lambda pod, one: pod["volumes"].append({"name": "x", "hostPath": {"path": "/"}}), "volume x: hostPath")):
        bad = copy.deepcopy(good)
        change(bad, bad["containers"][0])
        assert restricted_faults(bad) == [fault]


def test_the_parts_of_a_release_find_each_other(everything):
    for name in (path.name for path in VALUES):
        manifests = everything[name]
        deployment = only(manifests, "Deployment")["spec"]
        pod, labels = deployment["template"]["spec"], deployment["template"]["metadata"]["labels"]
        ours, = [one for one in pod["containers"] if one["name"] == "alertpost"]
        ports = {port["name"] for port in ours["ports"]}
        service = only(manifests, "Service")
        assert deployment["selector"]["matchLabels"].items() <= labels.items()
        assert service["spec"]["selector"].items() <= labels.items()
        assert {port["targetPort"] for port in service["spec"]["ports"]} == ports
        assert not service["spec"]["selector"].items() <= only(manifests, "Pod")["metadata"]["labels"].items()
        for one in manifests:
            if one["kind"] in ("NetworkPolicy", "PodDisruptionBudget"):
                selector = one["spec"].get("podSelector") or one["spec"].get("selector")
                assert selector["matchLabels"].items() <= labels.items()
            if one["kind"] == "ServiceMonitor":
                assert one["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
                assert one["spec"]["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}
                assert service["metadata"]["labels"][one["spec"]["jobLabel"]] == "alertpost"  # what the rules look for


def test_volumes_are_there_and_are_folders_whose_changes_are_seen(everything):
    for name, manifests in everything.items():
        for one in manifests:
            for spec in pod_specs(one):
                claims = [claim["metadata"]["name"] for claim in one["spec"].get("volumeClaimTemplates", [])]
                there = {volume["name"] for volume in spec.get("volumes", [])} | set(claims)
                mounts = [mount for container in spec.get("initContainers", []) + spec.get("containers", [])
                          for mount in container.get("volumeMounts", [])]
                assert {mount["name"] for mount in mounts} == there, name
                assert not [mount for mount in mounts if "subPath" in mount], name


def test_every_value_does_something():
    """Each value of values.yaml is set by one of the sets, and the set without it is another release."""
    whole = {("config",), ("templates",), ("secrets",), ("podSecurityContext",), ("securityContext",), ("resources",)}

    def leaves(tree, path=()):
        for key, value in tree.items():
            here = (*path, key)
            if isinstance(value, dict) and value and here not in whole:
                yield from leaves(value, here)
            else:
                yield here

    sets = [yaml.safe_load(path.read_text()) for path in VALUES]
    with_all = [render(one) + render(one, "-notes") for one in sets]

    def matters(path):
        for one, everything in zip(sets, with_all):
            less = copy.deepcopy(one)
            inner = less
            for key in path[:-1]:
                inner = inner.get(key, {})
            if path[-1] in inner:
                del inner[path[-1]]
                if run_render(less).stdout + run_render(less, "-notes").stdout != everything:
                    return True
        return False
    assert [".".join(path) for path in leaves(DEFAULTS) if not matters(path)] == []


@pytest.mark.parametrize("values, message", [
    ({"replicaCount": 2}, "replicaCount: Must be less than or equal to 1"),
    ({"replicas": 1}, "Additional property replicas is not allowed"),
    ({"image": {"digest": "latest"}}, "image.digest: Does not match pattern"),
    ({"storage": {"type": "postgres"}}, 'storage.type must be one of the following: "sqlite", "memory"'),
    ({"service": {"port": "http"}}, "service.port: Invalid type. Expected: integer, given: string"),
    ({"secrets": {"a": "b"}, "existingSecret": "c"}, "secrets and existingSecret: only one of them"),
])
def test_wrong_values_are_refused(values, message):
    done = run_render(values)
    assert done.returncode == 1 and message in done.stderr and done.stdout == ""


def test_a_change_of_the_configuration_restarts_the_pod_only_where_it_is_not_reloaded():
    def annotations(values):
        template = only(documents(render(values)), "Deployment")["spec"]["template"]
        return template["metadata"].get("annotations", {})
    other = {"config": {"global": {"smtp_from": "other@example.org"}}}
    assert annotations({}) == annotations(other) == {}
    assert annotations({"liveReload": False})["checksum/config"] != annotations(
        {"liveReload": False, **other})["checksum/config"]


def test_the_storage_decides_how_pods_are_replaced():
    def deployment(values):
        return only(documents(render(values)), "Deployment")["spec"]
    assert deployment({})["strategy"] == {"type": "Recreate"}
    memory = deployment({"storage": {"type": "memory"}})
    assert memory["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    assert "--storage=memory:" in memory["template"]["spec"]["containers"][0]["args"]


def test_a_pod_has_the_time_to_end_that_it_takes(everything):
    for name in (path.name for path in VALUES):
        pod = only(everything[name], "Deployment")["spec"]["template"]["spec"]
        args = " ".join(pod["containers"][0]["args"])
        delay, timeout = (int(re.search(rf"--shutdown.{what}=(\d+)s", args)[1]) for what in ("delay", "timeout"))
        assert pod["terminationGracePeriodSeconds"] > delay + timeout


def test_every_configuration_in_a_config_map_is_good(everything, tmp_path):
    for name, manifests in everything.items():
        for number, one in enumerate(one for one in manifests if one["kind"] == "ConfigMap"):
            folder = tmp_path / f"{name}-{number}"
            folder.mkdir()
            for file, text in one["data"].items():
                (folder / file).write_text(text)
            if "alertpost.yml" in one["data"]:
                checked = subprocess.run([harness.ALERTPOST, "check", folder / "alertpost.yml"],
                                         capture_output=True, text=True)
                warnings = [line for line in checked.stderr.splitlines() if "cannot be read at present: /" not in line]
                assert checked.returncode == 0 and not warnings, checked
            if "alertmanager.yml" in one["data"]:
                subprocess.run(["amtool", "check-config", folder / "alertmanager.yml"], check=True, capture_output=True)


def test_the_rules_are_the_mixin_s():
    mixin = (ROOT / "deploy/mixin/alerts.yaml").read_text()
    assert (CHART / "files/alerts.yaml").read_text() == mixin
    made = only(documents(render({"prometheusRule": {"enabled": True}})), "PrometheusRule")
    assert made["spec"] == yaml.safe_load(mixin)


def test_the_chart_s_versions_are_the_program_s():
    version = re.search(r"project\(alertpost VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (version, version)


def test_the_chart_s_readme_tells_every_value():
    told = re.findall(r"^\| `([\w.]+)` \|", (CHART / "README.md").read_text(), re.M)

    def names(tree, path=""):
        for key, value in tree.items():
            if isinstance(value, dict) and value and key not in ("config", "podSecurityContext", "securityContext",
                                                                 "resources"):
                yield from names(value, f"{path}{key}.")
            else:
                yield f"{path}{key}"
    assert told == list(names(DEFAULTS))


def test_what_the_readmes_show_is_accepted(tmp_path):
    values, = re.findall(r"^```yaml\n(.*?)^```", (CHART / "README.md").read_text(), re.M | re.S)
    manifests = documents(render(yaml.safe_load(values)))
    assert [fault for one in manifests for fault in schema_faults(one)] == []
    (tmp_path / "alertpost.yml").write_text(only(manifests, "ConfigMap")["data"]["alertpost.yml"])
    subprocess.run([harness.ALERTPOST, "check", tmp_path / "alertpost.yml"], check=True, capture_output=True)
    pasted, = re.findall(r"^```yaml\n(.*?)^```", (PLAIN / "README.md").read_text(), re.M | re.S)
    (tmp_path / "alertmanager.yml").write_text(pasted)
    subprocess.run(["amtool", "check-config", tmp_path / "alertmanager.yml"], check=True, capture_output=True)


def test_the_notes_tell_what_is_left_to_do():
    notes = render({}, "-notes")
    assert "url: http://alertpost.monitoring.svc:9725/hooks/alertmanager" in notes
    assert "smtp_smarthost is still the example's" in notes and "post to /hooks/alertmanager" in notes
    guarded = render(yaml.safe_load((CHART / "ci/guarded-values.yaml").read_text()), "-notes")
    assert "WARNING" not in guarded
    assert "each of the 2 pods remembers" in render({"storage": {"type": "memory"}, "replicaCount": 2}, "-notes")


def test_what_is_applied_again_replaces_no_secret_and_needs_no_operator(everything):
    """The Secrets are those that the README has made; only the operator's files have its kinds."""
    plain = {name: everything[name] for name in everything if (PLAIN / name).exists()}
    kinds = {name: {one["apiVersion"].split("/")[0] for one in manifests} for name, manifests in plain.items()}
    assert {name for name in kinds if "monitoring.coreos.com" in kinds[name]} == {
        "monitoring.yaml", "operator.yaml", "sidecar-monitor.yaml"}
    assert not [name for name in plain for one in plain[name] if one["kind"] == "Secret"]
    made = dict(re.findall(r"kubectl -n monitoring create secret generic (\S+) --from-file=(\S+)",
                           (PLAIN / "README.md").read_text()))
    used = {}
    for spec in (spec for manifests in plain.values() for one in manifests for spec in pod_specs(one)):
        folders = {mount["name"]: mount["mountPath"] for one in spec.get("initContainers", []) + spec.get("containers", [])
                   for mount in one["volumeMounts"]}
        used |= {volume["secret"]["secretName"]: folders[volume["name"]]
                 for volume in spec["volumes"] if "secret" in volume}
    assert used.keys() == made.keys()
    texts = "".join((PLAIN / name).read_text() for name in plain)
    assert {path for path in re.findall(r"_file: (/run/secrets/\S+)", texts)} == {
        f"{used[name]}/{key}" for name, key in made.items()}


def test_where_the_operator_looks_there_is_what_it_is_to_find(everything):
    pods = only(everything["sidecar.yaml"], "StatefulSet")["spec"]["template"]
    monitor = only(everything["sidecar-monitor.yaml"], "PodMonitor")["spec"]
    assert monitor["selector"]["matchLabels"].items() <= pods["metadata"]["labels"].items()
    ports = {port["name"] for one in pods["spec"]["initContainers"] for port in one["ports"]}
    assert {endpoint["port"] for endpoint in monitor["podMetricsEndpoints"]} <= ports
    ours = only(everything["operator.yaml"], "Alertmanager")
    routes = only(everything["operator.yaml"], "AlertmanagerConfig")
    chosen = ours["spec"]["alertmanagerConfigSelector"]["matchLabels"]
    assert chosen and chosen.items() <= routes["metadata"]["labels"].items()
    # The operator labels pods with the resource's name.
    assert only(everything["operator.yaml"], "PodMonitor")["spec"]["selector"]["matchLabels"] == {
        "alertmanager": ours["metadata"]["name"]}


def test_the_plain_manifests_are_what_the_chart_makes(tmp_path):
    target = PLAIN if os.environ.get("UPDATE") else tmp_path / "not" / "there yet"
    if target == PLAIN:
        shutil.copy(ROOT / "deploy/mixin/alerts.yaml", CHART / "files/alerts.yaml")
    subprocess.run([PLAIN / "generate", target], check=True, env={**os.environ, "CHART_RENDER": RENDER})
    made = {path.name: path.read_text() for path in pathlib.Path(target).glob("*.yaml")}
    assert made == {path.name: path.read_text() for path in PLAIN.glob("*.yaml")}, "UPDATE=1 writes them anew"
