# SPDX-License-Identifier: MIT
"""What a kubelet does with a pod of our manifests: lays its volumes, starts a container with its
arguments, asks its startup probe."""

import os
import pathlib
import shutil

import yaml

from container import Container
from harness import request, wait_for


class ConfigMap:
    """A folder as the kubelet keeps it: files are links through ..data, which is exchanged."""

    def __init__(self, folder, files):
        self.folder, self.number = folder, 0
        folder.mkdir(parents=True)
        self.put(files)
        for name in files:
            (folder / name).symlink_to(f"..data/{name}")

    def put(self, files):
        self.number += 1
        old = self.folder / f"..{self.number - 1}"
        new = self.folder / f"..{self.number}"
        new.mkdir()
        for name, text in files.items():
            (new / name).write_text(text)
        link = self.folder / "..data_tmp"
        link.symlink_to(new.name)
        os.rename(link, self.folder / "..data")
        shutil.rmtree(old, ignore_errors=True)


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


def only(manifests, kind, name=None):
    found, = [one for one in manifests if one["kind"] == kind and name in (None, one["metadata"]["name"])]
    return found


class Pod:
    """The pod of a workload, or of an Alertmanager resource; volumes outlive containers.  `secrets` are
    those of the cluster: {name: {key: text}}."""

    def __init__(self, folder, root, manifests, kind, secrets):
        self.folder, self.root, self.manifests = pathlib.Path(folder), root, manifests
        self.secrets = secrets
        workload = only(manifests, kind)["spec"]
        self.spec = workload.get("template", {}).get("spec", workload)
        self.claims = [claim["metadata"]["name"] for claim in workload.get("volumeClaimTemplates", [])]
        self.volumes = {volume["name"]: self.lay(volume) for volume in self.spec["volumes"]}
        self.volumes |= {name: self.lay({"name": name}) for name in self.claims}
        self.starts = 0

    def lay(self, volume):
        """The volume as a folder; a ConfigMap's is kept, for its changes."""
        folder = self.folder / volume["name"]
        group = self.spec["securityContext"]["fsGroup"]
        if "configMap" in volume:
            return ConfigMap(folder, only(self.manifests, "ConfigMap", volume["configMap"]["name"])["data"])
        folder.mkdir(parents=True)
        shutil.chown(folder, 0, group)
        folder.chmod(0o2775)
        if "secret" in volume:
            for name, text in self.secrets[volume["secret"]["secretName"]].items():
                (folder / name).write_text(text)
                shutil.chown(folder / name, 0, group)
                (folder / name).chmod(volume["secret"]["defaultMode"])
        return folder

    def container(self, name):
        found, = [one for one in self.spec.get("initContainers", []) + self.spec.get("containers", [])
                  if one["name"] == name]
        return found

    def run(self, start, name, entrypoint, mounts):
        """Starts the container, and comes back when its startup probe says so."""
        what, context = self.container(name), self.spec["securityContext"]
        mounts, env = dict(mounts), {one["name"]: one["value"] for one in what.get("env", [])}
        for mount in what["volumeMounts"]:
            volume = self.volumes[mount["name"]]
            mounts[mount["mountPath"]] = (getattr(volume, "folder", volume), "ro" if mount.get("readOnly") else "rw")
        assert what["securityContext"]["readOnlyRootFilesystem"]
        self.starts += 1
        running = start(Container, self.root, entrypoint + what["args"],
                        f"{context['runAsUser']}:{context['runAsGroup']}", mounts, env, name=f"{name}-{self.starts}",
                        folder=self.folder)
        probe = what["startupProbe"]["httpGet"]
        port, = [port["containerPort"] for port in what["ports"] if port["name"] == probe["port"]]

        def answers():
            assert running.running(), running.output()
            try:
                return request(port, "GET", probe["path"])[0] == 200
            except OSError:
                return False
        wait_for(answers, "the startup probe", what["startupProbe"]["failureThreshold"])
        return running
