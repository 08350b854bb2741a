#!/usr/bin/env python3
"""Checks that #include lines respect the dependency direction.

The allowed edges between modules are the DEPS in src/CMakeLists.txt; this script
also checks that those edges point one way (LAYERS below). Third-party headers may
be used only where THIRD_PARTY says, and core is free of operating-system headers.

    tools/check_includes.py [REPOSITORY]      exit code 1 and one line per violation
"""

import pathlib
import re
import sys

# Lower may not use higher, nor its own neighbours.
LAYERS = [
    {"base"},
    {"core", "log"},
    {"target"},
    {"sources", "backlog", "culprit", "embed", "export", "config"},
    {"library", "engine"},
    {"apps"},
]
# Headers of one file that is public; everything in include/loopscope counts as this.
PUBLIC = "include/loopscope"

# Pattern of the included name -> path prefixes that may use it.
THIRD_PARTY = {
    r"prometheus/.*": ["src/export", PUBLIC + "/collectable.h", "src/embed/collectable"],
    r"civetweb\.h|CivetServer\.h": ["src/export"],
    r"zlib\.h": ["src/export"],
    r"yaml-cpp/.*": ["src/config"],
    r"(libelf|gelf|nlist)\.h|elfutils/.*|dwarf\.h|libdw.*": ["src/target", "src/culprit"],
    r"capstone/.*": ["src/target", "src/culprit"],
    r"bpf/.*|linux/bpf\.h": ["src/sources/ebpf"],
    r"uv\.h|uv/.*": ["src/embed", "src/apps/server", PUBLIC + "/loop_monitor.h"],
    r"http_parser\.h": ["src/apps/server"],
    r"curses\.h": ["src/apps/loopscope"],
    r"crypt\.h": ["src/apps/loopscope/bcrypt.cc"],
    r"nlohmann/.*": ["src/log", "src/target", "src/export", "src/engine", "src/apps"],
    r"CLI/.*": ["src/apps"],
    r"spdlog/.*": ["src/log", "src/engine", "src/apps"],
    r"malloc\.h": ["src/apps"],
}

# Headers of the C library and kernel that say nothing about an operating system.
C_HEADERS = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
    "stdarg.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h", "time.h",
}  # fmt: skip
OS_HEADERS = re.compile(
    r"(sys|linux|asm|asm-generic|netinet|net|arpa|bits)/.*|(unistd|fcntl|pthread|sched|signal|poll|"
    r"dirent|dlfcn|elf|link|netdb|termios|regex|getopt|glob|pwd|grp|ucontext|spawn|semaphore|"
    r"syscall|mntent|execinfo|cxxabi|endian|byteswap|ftw|strings|wait|locale|langinfo|utmp|unwind)\.h"
)
OS_FREE_MODULES = {"core"}
# Written into the build directory by CMake, for one module.
GENERATED = {"web_files.h": "export"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MODULE = re.compile(r"^\s*loopscope_module\(([^)]*)\)", re.MULTILINE)


def layer_of(module):
    for number, members in enumerate(LAYERS):
        if module in members:
            return number
    return None


def read_modules(root):
    """The DEPS of every module, from src/CMakeLists.txt; apps may use all of them."""
    allowed = {}
    for call in MODULE.findall((root / "src/CMakeLists.txt").read_text()):
        words = call.split()
        deps = set()
        if "DEPS" in words:
            for word in words[words.index("DEPS") + 1 :]:
                if word.isupper():
                    break
                deps.add(word)
        allowed[words[0]] = deps
    allowed["apps"] = set(allowed)
    return allowed


def check_layers(allowed):
    for module, deps in sorted(allowed.items()):
        layer = layer_of(module)
        if layer is None:
            yield f"src/CMakeLists.txt: module {module} has no layer in tools/check_includes.py"
            continue
        for dep in sorted(deps):
            dep_layer = layer_of(dep)
            if dep_layer is not None and dep_layer >= layer:
                yield f"src/CMakeLists.txt: {module} must not depend on {dep}"


def check_project_include(path, module, name, allowed):
    used = name.split("/")[0] if "/" in name else None
    if used == "loopscope" or GENERATED.get(name) == module:
        return None
    if used is None:
        return f'{path}: "{name}": write it as "module/file.h"'
    if module == PUBLIC:
        return f'{path}: "{name}": public headers may use public headers only'
    if used not in allowed:
        return f'{path}: "{name}": no module of that name in src/CMakeLists.txt'
    if used != module and used not in allowed[module]:
        return f'{path}: "{name}": {module} may not use {used}'
    return None


def check_system_include(path, module, name):
    for pattern, places in THIRD_PARTY.items():
        if re.fullmatch(pattern, name):
            if not any(path.startswith(place) for place in places):
                return f"{path}: <{name}>: only {', '.join(places)} may use it"
            return None
    if re.fullmatch(r"[a-z_0-9]+", name) or name in C_HEADERS:
        return None
    if OS_HEADERS.fullmatch(name):
        if module in OS_FREE_MODULES:
            return f"{path}: <{name}>: {module} knows no operating system"
        return None
    return f"{path}: <{name}>: unknown header; say in tools/check_includes.py who may use it"


def check(root):
    """(violations below root as printable lines, number of files looked at)"""
    allowed = read_modules(root)
    problems = list(check_layers(allowed))
    files = sorted(p for d in ("src", "include") for p in (root / d).rglob("*") if p.suffix in (".h", ".cc"))
    for file in files:
        path = file.relative_to(root).as_posix()
        parts = path.split("/")
        module = PUBLIC if parts[0] == "include" else parts[1]
        if module != PUBLIC and module not in allowed:
            problems.append(f"{path}: src/{module} is no module of src/CMakeLists.txt")
            continue
        for quote, name in INCLUDE.findall(file.read_text()):
            if quote == '"':
                problem = check_project_include(path, module, name, allowed)
            else:
                problem = check_system_include(path, module, name)
            if problem:
                problems.append(problem)
    return problems, len(files)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    problems, count = check(root)
    for problem in problems:
        print(problem)
    print(f"include check: {count} files, {len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
