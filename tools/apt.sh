# shellcheck shell=bash
# Sourced by the other scripts: the few things they ask of Debian's package manager.

# as_root COMMAND...: runs it as root, by sudo when we are not.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "error: root is needed for: $*" >&2
    echo "  run that as root (or install sudo), then start again" >&2
    return 1
  fi
}

# apt_update: fetches the package lists, once in a run.
apt_update() {
  [ -z "${APT_UPDATED:-}" ] || return 0
  echo "setup: fetching Debian's package lists (apt-get update)"
  as_root apt-get -qq -o DPkg::Lock::Timeout=300 update
  APT_UPDATED=1
}

# apt_have_lists: true when apt knows any package at all.
apt_have_lists() {
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null
}

# apt_missing PACKAGE...: prints those that are not installed.
apt_missing() {
  local installed package
  installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' "$@" 2>/dev/null || true) "
  for package in "$@"; do
    [[ "$installed" == *" installed:$package "* ]] || echo "$package"
  done
}

# apt_install PACKAGE...: installs them without recommended extras.
apt_install() {
  apt_update
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
    --no-install-recommends -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

# apt_extract DIR PACKAGE[=VERSION]...: unpacks packages into DIR without installing
# them: no root, no maintainer scripts, no services.
apt_extract() {
  local dir=$1 deb debs
  shift
  debs=$(mktemp -d)
  local -a options=(-qq)
  [ "$(id -u)" -ne 0 ] || options+=(-o APT::Sandbox::User=root)
  if ! (cd "$debs" && apt-get "${options[@]}" download "$@"); then
    apt_update
    (cd "$debs" && apt-get "${options[@]}" download "$@")
  fi
  mkdir -p "$dir"
  for deb in "$debs"/*.deb; do
    dpkg -x "$deb" "$dir"
  done
  rm -rf "$debs"
}
