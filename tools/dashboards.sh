#!/usr/bin/env bash
# Writes the Grafana dashboards. Installs the generator's npm packages first, unless those
# of its lock file are already there.
#
#   tools/dashboards.sh [DIRECTORY]     (default: dashboards/)
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
directory=$(cd "${1:-$root/dashboards}" && pwd)
generator=$root/dashboards/generator

for program in cmake node npm; do
  command -v "$program" >/dev/null || {
    echo "error: $program is missing; run tools/setup.sh dashboards" >&2
    exit 1
  }
done
cd "$generator"
exec 9<"$generator/package-lock.json"
flock 9 # a test may run at the same time
cmake -DNPM=npm -DDIRECTORY="$generator" -P "$root/cmake/NpmInstall.cmake"
node generate.js "$directory"
