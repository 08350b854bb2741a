#!/usr/bin/env bash
# Makes the root file system of the container image from build/bin and this machine's
# libraries, and of that an OCI image. No registry, no container engine.
#
#   tools/image.sh root DIRECTORY     DIRECTORY/root, DIRECTORY/sbom.spdx.json
#   tools/image.sh oci DIRECTORY      also DIRECTORY/oci and DIRECTORY/loopscope.oci.tar
#
# LOOPSCOPE_BIN_DIR is where the programs are (build/bin), SOURCE_DATE_EPOCH the date of
# everything in the image (that of the last commit).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
# shellcheck source=tools/apt.sh
. "$here/apt.sh"
programs=${LOOPSCOPE_BIN_DIR:-$source/build/bin}
epoch=${SOURCE_DATE_EPOCH:-$(git -C "$source" log -1 --format=%ct 2>/dev/null || echo 0)}
version=$(sed -n 's/^project(loopscope VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")

readonly kUser=65532
# As permitted only: a container that is given some of them can start the program, it raises
# what it was given. With +ep the kernel refuses to start it where one is missing.
readonly kCapabilities=cap_dac_override,cap_dac_read_search,cap_perfmon,cap_sys_admin,cap_sys_ptrace+p
# Debian packages whose code is in the programs themselves.
readonly kCompiledIn="prometheus-cpp-dev nlohmann-json3-dev libcli11-dev libspdlog-dev"
# Terminals for `loopscope top`.
readonly kTerminals="d/dumb l/linux s/screen s/screen-256color t/tmux t/tmux-256color v/vt100 x/xterm x/xterm-256color"

usage() {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}

# libraries PROGRAM...: the files that the loader would take, and the loader.
libraries() {
  ldd "$@" | sed -n 's/^\t.*=> \(\/[^ ]*\) (.*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | sort -u
}

# add SOURCE PATH: a file of the image, readable for all.
add() {
  install -D -m "$(stat -Lc %a "$1" | grep -q '[1357]' && echo 755 || echo 644)" "$1" "$root$2"
}

add_programs() {
  local name how
  for name in loopscope loopscope-server; do
    install -d "$root/usr/bin"
    # Names of its own functions are what a watched program has to have.
    [ "$name" = loopscope ] && how=--strip-all || how=--strip-debug
    strip "$how" -o "$root/usr/bin/$name" "$programs/$name"
    chmod 755 "$root/usr/bin/$name"
  done
}

# Everything below /usr, as Debian has it; the loader knows these directories by itself.
add_libraries() {
  local path
  for path in "${loaded[@]}"; do
    add "$path" "/usr${path#/usr}"
  done
  for path in lib lib64; do
    [ ! -d "$root/usr/$path" ] || ln -s "usr/$path" "$root/$path"
  done
}

add_terminals() {
  local name
  for name in $kTerminals; do
    [ ! -e "/lib/terminfo/$name" ] || add "/lib/terminfo/$name" "/usr/lib/terminfo/$name"
  done
}

add_users() {
  install -d "$root/etc"
  printf 'root:x:0:0:root:/:/none\nloopscope:x:%s:%s::/:/none\n' $kUser $kUser >"$root/etc/passwd"
  printf 'root:x:0:\nloopscope:x:%s:\n' $kUser >"$root/etc/group"
  chmod 644 "$root/etc/passwd" "$root/etc/group"
}

# What is in the image, from whom, under which licence.
add_papers() {
  local -a compiled_in
  read -ra compiled_in <<<"$kCompiledIn"
  add "$source/LICENSE" /usr/share/doc/loopscope/copyright
  "$here/sbom.py" --version "$version" --epoch "$epoch" --licences "$root/usr/share/doc" \
    --npm "$source/web/package-lock.json" --compiled-in "${compiled_in[@]}" \
    --files "${loaded[@]}" /lib/terminfo/d/dumb >"$out/sbom.spdx.json"
  add "$out/sbom.spdx.json" /usr/share/doc/loopscope/sbom.spdx.json
}

make_root() {
  local directory
  rm -rf "$root"
  umask 022
  mkdir -p "$root"
  # Where a container runtime mounts something.
  for directory in dev etc proc sys tmp; do
    mkdir "$root/$directory"
  done
  chmod 1777 "$root/tmp"
  mapfile -t loaded < <(libraries "$programs/loopscope" "$programs/loopscope-server")
  add_programs
  add_libraries
  add_terminals
  add_users
  add_papers
  find "$root" -exec touch --no-dereference --date="@$epoch" {} +
  as_root chown -hR 0:0 "$root"
  as_root setcap "$kCapabilities" "$root/usr/bin/loopscope"
  du --apparent-size --summarize --block-size=1000 "$root" |
    awk -v root="$root" '{ printf "image: %s: %.1f MB unpacked\n", root, $1 / 1000 }'
}

umoci_() {
  umoci --log error "$@"
}

# make_layer FILE: by GNU tar, as the archives of umoci 0.4.7's own `insert` have no end. Root
# again: nobody else may read files' capabilities.
make_layer() {
  as_root tar --create --file "$1" --directory "$root" --format=pax --sort=name \
    --numeric-owner --xattrs --xattrs-include=security.capability \
    --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' .
}

# name_for_containerd INDEX: `ctr images import` then gives it the name that a kubelet asks
# for when the chart's values are left as they are.
name_for_containerd() {
  python3 - "$1" "docker.io/library/loopscope:$version" <<'EOF'
import json
import sys

path, name = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    index = json.load(file)
[manifest] = index["manifests"]
manifest.setdefault("annotations", {})["io.containerd.image.name"] = name
with open(path, "w", encoding="utf-8") as file:
    json.dump(index, file)
EOF
}

make_oci() {
  local image=$out/oci:$version date
  date=$(date --utc --date="@$epoch" +%Y-%m-%dT%H:%M:%SZ)
  local -a history=("--history.created=$date" --history.created_by=tools/image.sh)
  rm -rf "$out/oci"
  umoci_ init --layout "$out/oci"
  umoci_ new --image "$image"
  make_layer "$out/layer.tar"
  umoci_ raw add-layer --image "$image" "${history[@]}" "$out/layer.tar"
  rm -f "$out/layer.tar"
  umoci_ config --image "$image" --no-history --created "$date" \
    --config.user "$kUser:$kUser" --config.env PATH=/usr/bin --config.exposedports 15667/tcp \
    --config.entrypoint /usr/bin/loopscope --config.cmd run \
    --config.label "org.opencontainers.image.title=loopscope" \
    --config.label "org.opencontainers.image.version=$version"
  umoci_ gc --layout "$out/oci"
  name_for_containerd "$out/oci/index.json"
  tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu \
    -C "$out/oci" -cf "$out/loopscope.oci.tar" .
  du --apparent-size --block-size=1000 "$out/loopscope.oci.tar" |
    awk '{ printf "image: %s: %.1f MB\n", $2, $1 / 1000 }'
}

[ $# -eq 2 ] || usage
mkdir -p "$2"
out=$(cd "$2" && pwd)
root=$out/root
declare -a loaded
case $1 in
  root) make_root ;;
  oci)
    make_root
    make_oci
    ;;
  *) usage ;;
esac
