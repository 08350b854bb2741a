#!/usr/bin/env bash
# Compiles both programs for 64-bit ARM on this Debian machine. The libraries are unpacked
# beside the build and not installed, so that this machine's own packages stay as they are.
#
#   tools/cross_arm64.sh BUILD_DIRECTORY [JOBS]
set -euo pipefail

[ $# -ge 1 ] || {
  sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
here=$(cd "$(dirname "$0")" && pwd)
source=$(dirname "$here")
mkdir -p "$1"
build=$(cd "$1" && pwd)
jobs=${2:-$(nproc)}
sysroot=$build/sysroot

"$here/setup.sh" build cross

# What tools/setup.sh installs for a build, as far as it is libraries.
packages() {
  "$here/setup.sh" --list build | grep -e '-dev$'
}

# apt_arm64 COMMAND...: apt as on an ARM machine with nothing installed; lists and packages
# are kept in the build directory.
apt_arm64() {
  local state=$build/apt
  mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
  touch "$state/status"
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
    -o Dir::State="$state" -o Dir::State::status="$state/status" \
    -o Dir::Cache="$state/cache" -o APT::Sandbox::User=root "$@"
}

unpack_libraries() {
  local deb link target
  local -a wanted
  mapfile -t wanted < <(packages)
  rm -rf "$sysroot"
  apt_arm64 update
  apt_arm64 install --yes --download-only --no-install-recommends "${wanted[@]}"
  mkdir -p "$sysroot.new"
  for deb in "$build"/apt/cache/archives/*.deb; do
    case ${deb##*/} in
      # The cross compiler has its own.
      libc6-dev_* | linux-libc-dev_* | libstdc++-*-dev_* | libgcc-*-dev_* | libcrypt-dev_*) ;;
      *) dpkg -x "$deb" "$sysroot.new" ;;
    esac
  done
  # Links that name their target from the root.
  while IFS= read -r link; do
    target=$(readlink "$link")
    ln -sfn "$sysroot$target" "$link"
  done < <(find "$sysroot.new" -type l -lname '/*')
  mv "$sysroot.new" "$sysroot"
}

[ -d "$sysroot" ] || unpack_libraries
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_TOOLCHAIN_FILE="$source/cmake/toolchains/aarch64.cmake" \
  -DLOOPSCOPE_SYSROOT="$sysroot" -DLOOPSCOPE_BUILD_TESTS=OFF
cmake --build "$build" --parallel "$jobs" --target bin/loopscope bin/loopscope-server
