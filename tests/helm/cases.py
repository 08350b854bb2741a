"""Values that the chart is rendered with: every mode, every option at least once."""

AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {"matchExpressions": [{"key": "pool", "operator": "In", "values": ["web"]}]}
            ]
        }
    }
}
CONFIG = {
    "log_level": "debug",
    "stall_threshold": "100ms",
    "sources": {"procfs": False},
    "stacks": {"ptrace": False},
    "targets": [{"name": "checkout", "port": 3000, "labels": {"team": "payments"}}],
}
DIGEST = "sha256:" + "0123456789abcdef" * 4

CASES = {
    "node": {},
    "node-least": {
        "runAsUser": 1000,
        "runAsGroup": None,
        "node": {
            "otherNetworks": False,
            "containerLabels": False,
            "hostPaths": {"cgroup": "", "containerLogs": ""},
            "tolerations": [],
            "nodeSelector": {"kubernetes.io/os": None},
        },
        "listenAddress": "127.0.0.1",
        "serviceAccount": {"create": False},
    },
    "node-everything": {
        "enabled": True,
        "global": {"anything": 1},
        "fullnameOverride": "eyes",
        "namespaceOverride": "eyes",
        "commonLabels": {"team": "platform"},
        "image": {
            "repository": "registry.example.com:5000/tools/loopscope",
            "digest": DIGEST,
            "pullPolicy": "Always",
        },
        "imagePullSecrets": [{"name": "registry"}],
        "config": CONFIG,
        "port": 9100,
        "noStacks": True,
        "logFormat": "text",
        "extraArgs": ["--compat=prom-client"],
        "extraEnv": [
            {"name": "TZ", "value": "UTC"},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        "extraVolumes": [{"name": "scratch", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],
        "webConfig": {"existingSecret": "passwords", "key": "web.yml"},
        "runAsUser": 1234,
        "runAsGroup": 1235,
        "appArmorProfile": "Unconfined",
        "resources": {"requests": {"cpu": 1}, "limits": {"cpu": "1.5", "memory": "1Gi"}},
        "sidecar": {"name": "eyes", "processes": "^unused"},
        "node": {
            "perf": True,
            "hostPaths": {"cgroup": "/sys/fs/cgroup", "containerLogs": "/data/containers"},
            "tolerations": [{"key": "pool", "operator": "Equal", "value": "web", "effect": "NoSchedule"}],
            "nodeSelector": {"pool": "web"},
            "affinity": AFFINITY,
            "priorityClassName": "system-node-critical",
            "podAnnotations": {"example.com/a": "b"},
            "podLabels": {"example.com/c": "d"},
            "maxUnavailable": 3,
        },
        "serviceAccount": {"name": "watcher", "annotations": {"example.com/e": "f"}},
        "podMonitor": {
            "enabled": True,
            "labels": {"release": "kube-prometheus-stack"},
            "namespaceSelector": {"matchNames": ["shop"]},
            "selector": {"matchLabels": {"app": "checkout"}},
            "interval": "30s",
            "scrapeTimeout": "5s",
            "honorLabels": True,
            "basicAuth": {
                "username": {"name": "scraper", "key": "user"},
                "password": {"name": "scraper", "key": "password"},
            },
            "relabelings": [{"action": "labeldrop", "regex": "endpoint"}],
            "metricRelabelings": [{"action": "labeldrop", "regex": "file"}],
        },
        "networkPolicy": {
            "enabled": True,
            "from": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "prometheus"}}}
            ],
        },
    },
    "demo": {"mode": "demo", "networkPolicy": {"enabled": True}},
    "demo-restricted": {
        "mode": "demo",
        "tier": "restricted",
        "nameOverride": "watcher",
        "image": {"tag": "1.2.3"},
        "imagePullSecrets": [{"name": "registry"}],
        "config": CONFIG,
        "webConfig": {"existingSecret": "passwords"},
        "demo": {
            "replicas": 2,
            "port": 8080,
            "resources": {"limits": {"cpu": 1}},
            "load": {"seconds": 60, "blockMilliseconds": 20, "image": "registry.example.com/busybox:1", "runAsUser": 1001},
        },
    },
    "demo-no-load": {"mode": "demo", "demo": {"load": {"enabled": False}}},
    # A platform that gives every namespace users of its own, such as OpenShift.
    "demo-any-user": {
        "mode": "demo",
        "tier": "restricted",
        "demo": {"load": {"enabled": False}},
    },
    "none": {"mode": "none", "podMonitor": {"enabled": True}},
    "injection": {
        "mode": "none",
        "injection": {"enabled": True},
        "podMonitor": {"enabled": True},
    },
    "injection-v1beta1": {
        "mode": "none",
        "tier": "restricted",
        "config": CONFIG,
        "webConfig": {"existingSecret": "passwords"},
        "imagePullSecrets": [{"name": "registry"}],
        "sidecar": {"processes": "^nginx"},
        "injection": {
            "enabled": True,
            "apiVersion": "admissionregistration.k8s.io/v1beta1",
            "annotation": "example.com/watch",
            "namespaceSelector": {"matchLabels": {"shop": "yes"}},
            "failurePolicy": "Fail",
        },
    },
}

# Their texts are those of other tested files; so they are compared with these, not kept.
MONITORING = {
    "mode": "none",
    "prometheusRule": {"enabled": True, "labels": {"release": "kube-prometheus-stack"}},
    "dashboards": {
        "enabled": True,
        "labels": {"team": "platform"},
        "annotations": {"grafana_folder": "Loopscope"},
    },
}
MONITORING_ELSEWHERE = {
    "mode": "none",
    "prometheusRule": {
        "enabled": True,
        "docsUrl": "https://wiki.example.org/loopscope/",
        "grafanaUrl": "https://grafana.example.org",
    },
    "dashboards": {"enabled": True, "label": "dashboards", "labelValue": "yes"},
}
