"""Starts and ends the cluster, and runs commands where it is."""

import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import time

from . import images, node, programs

HERE = pathlib.Path(__file__).resolve().parent
START_SECONDS = 180
CONTAINERD_CONFIG = """\
version = 4
root = "{directory}/containerd/root"
state = "{directory}/containerd/state"
oom_score = 0

[plugins.'io.containerd.server.v1.grpc']
  address = "{directory}/containerd/containerd.sock"

[plugins.'io.containerd.server.v1.ttrpc']
  address = "{directory}/containerd/containerd.sock.ttrpc"

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "localhost/pause:1"

# Without CAP_SYS_RESOURCE nobody may lower the score of a process below its parent's.
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "{directory}/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        BinaryName = "{runc}"
        SystemdCgroup = false
"""


def network_config(directory):
    ranges = [[{"subnet": node.PODS}]]
    routes = [{"dst": "0.0.0.0/0"}]
    addresses = {
        "type": "host-local", "ranges": ranges, "routes": routes, "dataDir": f"{directory}/addresses",
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}


def kubelet_config(directory):
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.ADDRESS,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{directory}/containerd/containerd.sock",
        "staticPodPath": f"{directory}/static-pods",
        "clusterDNS": [node.ADDRESS],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{directory}/resolv.conf",
        "maxPods": 200,
        "serializeImagePulls": False,
        "evictionHard": {"memory.available": "200Mi"},
        "imageGCHighThresholdPercent": 100,
    }


def kubeconfig(directory, token):
    server = {"server": node.API_SERVER, "certificate-authority": f"{directory}/pki/ca.crt"}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": server}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "admin"}}],
    }


def write_keys(directory):
    names = "DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
    (directory / "names").write_text(f"subjectAltName=IP:{node.ADDRESS},IP:127.0.0.1,IP:10.96.0.1,{names}\n")
    for command in (
        "genrsa -out accounts.key 2048",
        "rsa -in accounts.key -pubout -out accounts.pub",
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 30",
        "req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=kube-apiserver",
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 30"
        " -extfile names",
    ):
        subprocess.run(["openssl", *command.split()], cwd=directory, check=True, capture_output=True)


class Cluster:
    """One at a time: its control groups are the machine's. Use as a context manager."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.run_directory = self.directory / "run"
        self.outer = None
        self.init_pid = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def start(self):
        self._write_files()
        with open(self.directory / "logs" / "node.log", "wb") as log:
            self.outer = subprocess.Popen(  # pylint: disable=consider-using-with
                ["unshare", "--pid", "--net", "--mount", "--uts", "--ipc", "--fork", "--kill-child",
                 "--mount-proc", "--propagation", "slave", sys.executable, HERE / "node.py",
                 self.directory, programs.BIN],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )
        self._wait_until_started()
        self.kubectl("wait", "--for=condition=Ready", f"node/{node.NODE}", "--timeout=120s")
        for image in sorted(images.IMAGES.glob("*.tar")):
            self.import_image(image)

    def end(self):
        """Nothing of it is left on the machine."""
        if self.outer is not None:
            if self.init_pid is not None:
                try:
                    os.kill(self.init_pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            else:
                self.outer.kill()
            self.outer.wait(timeout=60)
        self._remove_control_groups()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, *command, text=None, check=True, timeout=180):
        """Runs a command inside; returns what it printed."""
        place = [f"--{kind}" for kind in ("pid", "net", "mount", "uts", "ipc")]
        inside = {
            **os.environ,
            "KUBECONFIG": str(self.directory / "kubeconfig"),
            "PATH": f"{programs.BIN}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            ["nsenter", "--target", str(self.init_pid), *place, f"--wdns={pathlib.Path.cwd()}", "--",
             *map(str, command)],
            env=inside, input=text, text=True, capture_output=True, check=False, timeout=timeout,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
        return done.stdout

    def kubectl(self, *arguments, **options):
        return self.run("kubectl", *arguments, **options)

    def get(self, *arguments):
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, *manifests):
        """Creates or changes what the dictionaries say."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        return self.kubectl("apply", "-f", "-", text=text)

    def import_image(self, file):
        self.run(
            "ctr", "--address", self.directory / "containerd" / "containerd.sock",
            "--namespace", "k8s.io", "images", "import", file,
        )

    def _write_files(self):
        for name in ("run", "logs", "pki", "etcd", "containerd", "kubelet", "cni", "static-pods"):
            (self.directory / name).mkdir(parents=True)
        (self.directory / "etcd").chmod(0o700)
        token = secrets.token_hex(16)
        runc = shutil.which("runc", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        write_keys(self.directory / "pki")
        for name, text in (
            ("token", token),
            ("tokens.csv", f"{token},admin,admin,system:masters\n"),
            ("resolv.conf", ""),
            ("containerd.toml", CONTAINERD_CONFIG.format(directory=self.directory, runc=runc)),
            ("cni/10-bridge.conflist", json.dumps(network_config(self.directory))),
            ("kubelet.yaml", json.dumps(kubelet_config(self.directory))),
            ("kubeconfig", json.dumps(kubeconfig(self.directory, token))),
        ):
            (self.directory / name).write_text(text)

    def _wait_until_started(self):
        deadline = time.monotonic() + START_SECONDS
        while not (self.run_directory / "started").exists():
            if self.outer.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self.directory / "logs" / "node.log").read_text())
            time.sleep(0.2)
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text()
        self.init_pid = int(children.split()[0])
        deadline = time.monotonic() + START_SECONDS
        while not self.kubectl("get", "node", node.NODE, check=False):
            if time.monotonic() > deadline:
                raise AssertionError((self.directory / "logs" / "kubelet.log").read_text()[-4000:])
            time.sleep(0.5)

    @staticmethod
    def _remove_control_groups():
        root = pathlib.Path("/sys/fs/cgroup")
        for name in ("kubepods", "k8s.io"):
            for group in [*root.glob(f"*/{name}"), root / name]:
                for directory, _, _ in os.walk(group, topdown=False):
                    try:
                        os.rmdir(directory)
                    except OSError:
                        pass
