#!/usr/bin/env python3
"""Process 1 of the cluster's own namespaces: starts every part, and reaps what is left to it.
Whoever ends it ends the cluster, as the kernel then ends all processes of the namespace.

    node.py DIRECTORY BIN

Each part logs to DIRECTORY/logs/PART.log; DIRECTORY/run/started is there once all are.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

ADDRESS = "10.250.0.1"
SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/23"
API_SERVER = f"https://{ADDRESS}:6443"
NODE = "loopnode"
WAIT_SECONDS = 60


def sh(*command):
    subprocess.run(command, check=True)


def private_places(directory):
    """Mounts over what the cluster would leave on the machine otherwise."""
    sh("mount", "--make-rshared", "/")
    pathlib.Path("/run/netns").mkdir(parents=True, exist_ok=True)
    sh("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
    for name in ("pods", "containers"):
        place = pathlib.Path("/var/log", name)
        place.mkdir(parents=True, exist_ok=True)
        own = directory / "logs" / name
        own.mkdir(parents=True, exist_ok=True)
        sh("mount", "--bind", str(own), str(place))


def network():
    """An address that is not loopback, which the API server does not take."""
    sh("ip", "link", "set", "lo", "up")
    sh("ip", "link", "add", "node0", "type", "bridge")
    sh("ip", "address", "add", f"{ADDRESS}/24", "dev", "node0")
    sh("ip", "link", "set", "node0", "up")
    sh("ip", "route", "add", "default", "dev", "node0")
    sh("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0")
    sh("hostname", NODE)


def parts(directory):
    """Name and command of each, in the order of their start."""
    kubeconfig = ("--kubeconfig", directory / "kubeconfig")
    pki = directory / "pki"
    return {
        "etcd": (
            "etcd", "--name", "only", "--data-dir", directory / "etcd", "--unsafe-no-fsync",
            "--log-level", "warn", "--listen-client-urls", "http://127.0.0.1:2379",
            "--advertise-client-urls", "http://127.0.0.1:2379",
            "--listen-peer-urls", "http://127.0.0.1:2380",
        ),
        "containerd": ("containerd", "--config", directory / "containerd.toml"),
        "kube-apiserver": (
            "kube-apiserver", "--etcd-servers", "http://127.0.0.1:2379",
            "--bind-address", ADDRESS, "--advertise-address", ADDRESS, "--secure-port", "6443",
            "--cert-dir", pki, "--tls-cert-file", pki / "server.crt",
            "--tls-private-key-file", pki / "server.key",
            "--token-auth-file", directory / "tokens.csv", "--authorization-mode", "Node,RBAC",
            "--allow-privileged=true", "--service-cluster-ip-range", SERVICES,
            "--kubelet-preferred-address-types", "InternalIP",
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--api-audiences", "https://kubernetes.default.svc",
            "--service-account-key-file", pki / "accounts.pub",
            "--service-account-signing-key-file", pki / "accounts.key",
        ),
        "kube-controller-manager": (
            "kube-controller-manager", *kubeconfig, "--leader-elect=false",
            "--root-ca-file", pki / "ca.crt",
            "--service-account-private-key-file", pki / "accounts.key",
        ),
        "kube-scheduler": ("kube-scheduler", *kubeconfig, "--leader-elect=false"),
        "kubelet": (
            "kubelet", *kubeconfig, "--config", directory / "kubelet.yaml",
            "--root-dir", directory / "kubelet", "--node-ip", ADDRESS, "--hostname-override", NODE,
        ),
        "kube-proxy": (
            "kube-proxy", *kubeconfig, "--hostname-override", NODE, "--proxy-mode", "iptables",
            "--cluster-cidr", PODS, "--conntrack-max-per-core", "0",
            "--conntrack-tcp-timeout-established", "0", "--conntrack-tcp-timeout-close-wait", "0",
        ),
        "name-server": (
            sys.executable, pathlib.Path(__file__).with_name("name_server.py"), API_SERVER,
            directory / "token", ADDRESS,
        ),
    }


class Node:
    def __init__(self, directory):
        self.directory = directory
        self.commands = parts(directory)

    def start(self, name):
        with open(self.directory / "logs" / f"{name}.log", "ab") as log:
            subprocess.Popen(  # pylint: disable=consider-using-with
                [str(word) for word in self.commands[name]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )

    def wait_for(self, *command):
        deadline = time.monotonic() + WAIT_SECONDS
        while subprocess.run(command, capture_output=True, check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(" ".join(map(str, command)))
            time.sleep(0.2)

    def start_all(self):
        for name in self.commands:
            self.start(name)
            if name == "containerd":
                socket = self.directory / "containerd" / "containerd.sock"
                self.wait_for("ctr", "--address", socket, "version")
            if name == "kube-apiserver":
                config = self.directory / "kubeconfig"
                self.wait_for("kubectl", "--kubeconfig", config, "get", "--raw", "/readyz")

    def reap(self):
        """Until somebody ends this process."""
        while True:
            try:
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass
            except ChildProcessError:
                pass
            time.sleep(0.1)


def main():
    directory, programs = pathlib.Path(sys.argv[1]), sys.argv[2]
    os.environ["PATH"] = f"{programs}:/usr/lib/cni:{os.environ['PATH']}"
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    private_places(directory)
    network()
    node = Node(directory)
    node.start_all()
    (directory / "run" / "started").touch()
    node.reap()


if __name__ == "__main__":
    main()
