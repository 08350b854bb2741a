#!/usr/bin/env bash
# Installs what building and testing Loopscope needs on a bare Debian machine
# (12 or newer), and nothing that is already there. As root, or by sudo.
#
#   tools/setup.sh [--list] [build|test|demo|image|image-root|cross|matrix|cluster|lint|fuzz|dashboards|all]...     (default: build)
#
# --list prints the packages and installs nothing.
set -euo pipefail
# shellcheck source=tools/apt.sh
. "$(dirname "$0")/apt.sh"

root=$(cd "$(dirname "$0")/.." && pwd)
fixtures=${LOOPSCOPE_FIXTURES:-$root/build/fixtures}

# One line each: what has to be there | Debian package | what it is for.
# "cmd:NAME" is met by a program of any origin, "-" by the package alone.
readonly kBuild="
cmd:g++        | g++                | compiles it
cmd:make       | make               | the entry points of this repository
cmd:cmake      | cmake              | configures the build
cmd:ninja      | ninja-build        | runs the build
cmd:pkg-config | pkg-config         | finds libuv, libelf and Capstone
-              | prometheus-cpp-dev | metric types and text format
-              | libcivetweb-dev    | HTTP server
-              | libyaml-cpp-dev    | config files
-              | libspdlog-dev      | log
-              | nlohmann-json3-dev | JSON API
-              | libcli11-dev       | command line
-              | libuv1-dev         | the embedded monitor and the reference server
-              | libelf-dev         | reads a target's ELF images
-              | libdw-dev          | unwinds native stacks
-              | libcapstone-dev    | disassembles uv_run
-              | libcrypt-dev       | compares passwords with their hashes
-              | libncurses-dev     | the live table at the terminal
-              | libhttp-parser-dev | HTTP in the reference server
-              | zlib1g-dev         | gzip
cmd:node       | nodejs             | bundles the live page
cmd:npm        | npm                | fetches its chart library and its bundler
"
readonly kTest="
-              | libgtest-dev       | unit tests
-              | libgmock-dev       | unit tests
-              | libbenchmark-dev   | micro benchmarks
cmd:ps         | procps             | tests look at processes
cmd:ss         | iproute2           | tests look at sockets
cmd:strip      | binutils           | makes a stripped Node
cmd:flock      | util-linux         | one fixture download at a time
cmd:python3    | python3            | end-to-end tests and checks
-              | python3-yaml       | checks the alert rules
cmd:curl       | curl               | end-to-end tests
cmd:tmux       | tmux               | a terminal for the tests of the live table
cmd:node       | nodejs             | test programs
cmd:npm        | npm                | fetches the Node versions under test
cmd:cmake      | cmake              | has what the chart's tests need fetched once
cmd:unzip      | unzip              | unpacks Helm
cmd:chromium   | chromium           | tests of the live page
-              | chromium-driver    | steers it
-              | python3-selenium   | steers it, for Debian's own Python
-              | libseccomp2        | a container's system call filter
cmd:nsenter    | util-linux         | makes pods without a cluster
"
readonly kDemo="
cmd:flock      | util-linux         | one fixture download at a time
cmd:python3    | python3            | plays the scenarios
-              | python3-yaml       | shortens the times in the alert rules
cmd:npm        | npm                | fetches Node
"
readonly kLint="
cmd:clang-format | clang-format | layout of the code
cmd:clang-tidy   | clang-tidy   | static checks
cmd:shellcheck   | shellcheck   | checks the shell scripts
cmd:python3      | python3      | include check
"
readonly kFuzz="
cmd:clang++ | clang           | libFuzzer comes with Clang
-           | libclang-rt-dev | libFuzzer and sanitizer run times
"
readonly kDashboards="
cmd:node  | nodejs | writes the Grafana dashboards
cmd:npm   | npm    | fetches what their generator needs
cmd:cmake | cmake  | has it fetched once
"

readonly kImageRoot="
cmd:strip   | binutils    | leaves symbols out of the image
cmd:setcap  | libcap2-bin | gives the program its capabilities
cmd:python3 | python3     | lists what is in the image
"
readonly kImage="$kImageRoot
cmd:umoci | umoci | makes an OCI image of a directory
"

readonly kMatrix="
cmd:python3 | python3              | runs the long tests
cmd:java    | default-jdk-headless | a program that hands polling from thread to thread
cmd:cargo   | cargo                | tokio, another one
"

readonly kCluster="
cmd:runc      | runc                       | runs the containers
-             | containernetworking-plugins | networks of the pods
cmd:iptables  | iptables                   | addresses of Services
cmd:conntrack | conntrack                  | kube-proxy forgets connections by it
cmd:ip        | iproute2                   | the node's address
cmd:unshare   | util-linux                 | namespaces of its own
cmd:openssl   | openssl                    | keys and certificates
cmd:curl      | curl                       | asks the pods
cmd:gcc       | gcc                        | process 1 of the pods
-             | libc6-dev                  | which is linked statically
cmd:python3   | python3                    | plays the trials
"

readonly kCross="
cmd:aarch64-linux-gnu-g++ | g++-aarch64-linux-gnu | compiles for 64-bit ARM
"

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# missing_packages TABLE: prints "package|why" for every line that is not met.
missing_packages() {
  local probe package why
  local -a candidates=()
  local -A reason=()
  while IFS='|' read -r probe package why; do
    read -r probe <<<"$probe"
    read -r package <<<"$package"
    read -r why <<<"$why"
    [ -n "$package" ] || continue
    if [[ "$probe" == cmd:* ]] && command -v "${probe#cmd:}" >/dev/null; then
      continue
    fi
    [ -n "${reason[$package]:-}" ] || candidates+=("$package")
    reason[$package]=$why
  done <<<"$1"
  [ "${#candidates[@]}" -gt 0 ] || return 0
  for package in $(apt_missing "${candidates[@]}"); do
    echo "$package|${reason[$package]}"
  done
}

install_missing() {
  local missing package why
  missing=$(missing_packages "$1")
  [ -n "$missing" ] || return 0
  local -a packages=()
  echo "setup: installing with apt-get, because they are missing here:"
  while IFS='|' read -r package why; do
    printf 'setup:   %-20s %s\n' "$package" "$why"
    packages+=("$package")
  done <<<"$missing"
  apt_install "${packages[@]}"
}

# take_out_of PACKAGE PATH TARGET WHAT: one file of a package, which is not installed.
take_out_of() {
  local package=$1 path=$2 target=$3 what=$4 dir
  apt_have_lists || apt_update
  echo "setup: taking $what out of Debian's package $package"
  mkdir -p "$(dirname "$target")"
  dir=$(mktemp -d "$fixtures/unpack.XXXXXX")
  apt_extract "$dir" "$package"
  mv "$dir/$path" "$target"
  rm -rf "$dir"
}

# The packages of Prometheus create users and start services on fixed ports; so the
# programs are taken out of them instead, into the fixtures' bin directory.
#
# ensure_program NAME PACKAGE WHY
ensure_program() {
  local name=$1 package=$2 why=$3
  command -v "$name" >/dev/null || [ -x "$fixtures/bin/$name" ] && return 0
  take_out_of "$package" "usr/bin/$name" "$fixtures/bin/$name" "$name ($why)"
}

# Debian 12 has promtool inside its prometheus package, newer ones have a package promtool.
ensure_promtool() {
  local package=prometheus
  ! apt-cache show promtool >/dev/null 2>&1 || package=promtool
  ensure_program promtool "$package" "checks metrics and alert rules"
}

# Debian's Alertmanager does not start without its templates, which it looks for in one
# place only.
ensure_alertmanager() {
  local dir templates=/usr/share/prometheus/alertmanager
  ensure_program prometheus-alertmanager prometheus-alertmanager "delivers alerts"
  [ ! -e "$templates/default.tmpl" ] || return 0
  echo "setup: putting Alertmanager's templates into $templates, where it reads them"
  dir=$(mktemp -d "$fixtures/unpack.XXXXXX")
  apt_extract "$dir" prometheus-alertmanager
  as_root mkdir -p "$templates"
  as_root cp "$dir$templates/"*.tmpl "$templates/"
  rm -rf "$dir"
}

# What podman and CRI-O give containers by default; its package wants a container engine.
ensure_seccomp_profile() {
  local profile=usr/share/containers/seccomp.json
  [ -e "/$profile" ] || [ -e "$fixtures/seccomp.json" ] && return 0
  take_out_of golang-github-containers-common "$profile" "$fixtures/seccomp.json" \
    "containers' default system call filter"
}

ensure_servers() {
  ensure_program prometheus prometheus "scrapes, evaluates the alert rules"
  ensure_alertmanager
}

list=no
if [ "${1:-}" = --list ]; then
  list=yes
  shift
fi
command -v apt-get >/dev/null || {
  echo "error: tools/setup.sh knows Debian's apt-get only; the packages to look for are listed in it" >&2
  exit 1
}

[ $# -gt 0 ] || set -- build
tables=""
promtool=no servers=no profile=no
for group in "$@"; do
  case $group in
    build) tables+=$kBuild ;;
    test)
      tables+=$kTest$kImage
      promtool=yes servers=yes profile=yes
      ;;
    demo)
      tables+=$kDemo
      servers=yes
      ;;
    image) tables+=$kImage ;;
    image-root) tables+=$kImageRoot ;;
    cross) tables+=$kCross ;;
    matrix) tables+=$kMatrix ;;
    cluster) tables+=$kCluster ;;
    lint) tables+=$kLint ;;
    fuzz) tables+=$kFuzz ;;
    dashboards) tables+=$kDashboards ;;
    all)
      tables+=$kBuild$kTest$kDemo$kImage$kLint$kFuzz$kDashboards
      promtool=yes servers=yes profile=yes
      ;;
    *) usage ;;
  esac
done
if [ "$list" = yes ]; then
  awk -F'|' 'NF { gsub(/ /, "", $2); print $2 }' <<<"$tables" | sort -u
  exit
fi
install_missing "$tables"
[ "$promtool" = no ] || ensure_promtool
[ "$servers" = no ] || ensure_servers
[ "$profile" = no ] || ensure_seccomp_profile
