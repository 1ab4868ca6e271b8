# SPDX-License-Identifier: MIT
"""Judges of Kubernetes manifests: the API's schemas, and the Pod Security Standard "restricted"."""

import functools
import json

import jsonschema

from harness import ROOT

SCHEMAS = ("kubernetes", "monitoring-v1", "monitoring-v1alpha1")


@functools.cache
def schemas():
    """By (apiVersion, kind), the schema of a manifest."""
    found = {}
    for name in SCHEMAS:
        definitions = json.loads((ROOT / f"tests/helm/{name}.json").read_text())["definitions"]
        for title, schema in definitions.items():
            known = schema.get("properties", {})
            if title.startswith("I") and "const" in known.get("kind", {}) and "const" in known.get("apiVersion", {}):
                found[known["apiVersion"]["const"], known["kind"]["const"]] = {
                    "$ref": f"#/definitions/{title}", "definitions": definitions}
        if "IAlertmanagerConfigSpec" in definitions:
            found["monitoring.coreos.com/v1alpha1", "AlertmanagerConfig"] = {
                "type": "object", "required": ["metadata", "spec"], "additionalProperties": False,
                "properties": {"apiVersion": {}, "kind": {}, "metadata": {"type": "object"},
                               "spec": {"$ref": "#/definitions/IAlertmanagerConfigSpec"}}, "definitions": definitions}
    return found


def schema_faults(manifest):
    """What the API would not take: ["spec.replicas: 'one' is not of type 'number'"]."""
    schema = schemas().get((manifest.get("apiVersion"), manifest.get("kind")))
    if schema is None:
        return [f"no schema of {manifest.get('apiVersion')} {manifest.get('kind')}"]
    validator = jsonschema.Draft7Validator(schema)
    return [f"{'.'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in validator.iter_errors(manifest)]


def pod_specs(manifest):
    """The pod specifications in a manifest; an Alertmanager resource has the fields of one."""
    kind, spec = manifest["kind"], manifest.get("spec", {})
    if kind in ("Deployment", "StatefulSet"):
        return [spec["template"]["spec"]]
    return [spec] if kind in ("Pod", "Alertmanager") else []


VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
ANY_CAPABILITY = {"NET_BIND_SERVICE"}


def pod_faults(spec):
    """What the standard "restricted" forbids about the pod as a whole."""
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield f"{key} is true"
    for volume in spec.get("volumes", []):
        kinds = volume.keys() - {"name"}
        if not kinds <= VOLUMES:
            yield f"volume {volume['name']}: {', '.join(kinds)}"


def container_faults(pod, container):
    """The same about one container; what it does not say, the pod may say for it."""
    own = container.get("securityContext", {})
    both = {**pod, **own}
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation is not false"
    if both.get("runAsNonRoot") is not True:
        yield "runAsNonRoot is not true"
    if both.get("runAsUser") == 0:
        yield "runAsUser is 0"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile is neither RuntimeDefault nor Localhost"
    capabilities = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []) or not set(capabilities.get("add", [])) <= ANY_CAPABILITY:
        yield "capabilities are not dropped"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"


def restricted_faults(spec):
    """What a namespace with pod-security.kubernetes.io/enforce: restricted would refuse."""
    containers = spec.get("initContainers", []) + spec.get("containers", [])
    return [*pod_faults(spec), *(f"container {one['name']}: {fault}" for one in containers
                                 for fault in container_faults(spec.get("securityContext", {}), one))]
