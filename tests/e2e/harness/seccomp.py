"""The system call filter that containers run under by default, as BPF instructions.

The profile is that of podman and CRI-O, from Debian's package; libseccomp translates it.
"""

import ctypes
import errno
import json
import platform

from harness import env

_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_COMPARE = {"SCMP_CMP_NE": 1, "SCMP_CMP_LT": 2, "SCMP_CMP_LE": 3, "SCMP_CMP_EQ": 4,
            "SCMP_CMP_GE": 5, "SCMP_CMP_GT": 6, "SCMP_CMP_MASKED_EQ": 7}
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class _Comparison(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int),
                ("first", ctypes.c_uint64), ("second", ctypes.c_uint64)]


def _library():
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    library.seccomp_init.argtypes = [ctypes.c_uint32]
    library.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
        ctypes.POINTER(_Comparison),
    ]
    library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.seccomp_release.argtypes = [ctypes.c_void_p]
    return library


def _verdict(kind, error):
    if kind == "SCMP_ACT_ALLOW":
        return _ALLOW
    assert kind == "SCMP_ACT_ERRNO", kind
    return _ERRNO | (errno.EPERM if error is None else error)


def _applies(rule, capabilities):
    architecture = _ARCHITECTURES[platform.machine()]
    needs, unless = rule.get("includes") or {}, rule.get("excludes") or {}
    assert (set(needs) | set(unless)) <= {"arches", "caps"}, f"unknown condition: {rule}"
    return (
        architecture in needs.get("arches", [architecture])
        and set(needs.get("caps", [])) <= capabilities
        and architecture not in unless.get("arches", [])
        and not set(unless.get("caps", [])) & capabilities
    )


def write_default_filter(path, capabilities):
    """Writes the filter of a container with these capabilities ("CAP_SYS_PTRACE"...)."""
    profile = json.loads(env.seccomp_profile().read_text())
    library = _library()
    default = _verdict(profile["defaultAction"], profile.get("defaultErrnoRet"))
    context = library.seccomp_init(default)
    assert context, "libseccomp cannot make a filter"
    for rule in profile["syscalls"]:
        verdict = _verdict(rule["action"], rule.get("errnoRet"))
        if not _applies(rule, capabilities) or verdict == default:
            continue
        arguments = rule.get("args") or []
        comparisons = (_Comparison * len(arguments))(*(
            _Comparison(a["index"], _COMPARE[a["op"]], a["value"], a["valueTwo"])
            for a in arguments
        ))
        for name in rule["names"]:
            number = library.seccomp_syscall_resolve_name(name.encode())
            if number < 0:
                continue  # not on this architecture, or newer than the library
            failed = library.seccomp_rule_add_array(
                context, verdict, number, len(arguments), comparisons
            )
            assert failed == 0, f"libseccomp refuses {name}: {failed}"
    with open(path, "wb") as file:
        failed = library.seccomp_export_bpf(context, file.fileno())
    library.seccomp_release(context)
    assert failed == 0, f"libseccomp cannot export the filter: {failed}"
