#!/usr/bin/env bash
# Runs ctest in a build directory and names every skipped test with its reason. In CI
# as root nothing has an excuse to skip, so there a skipped test fails the run.
#
#   tools/run_tests.sh BUILD_DIRECTORY [CTEST OPTION]...
set -euo pipefail

build=$1
shift
root=$(cd "$(dirname "$0")/.." && pwd)
export LOOPSCOPE_FIXTURES=${LOOPSCOPE_FIXTURES:-$root/build/fixtures}
export PATH=$PATH:$LOOPSCOPE_FIXTURES/bin

status=0
ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$(nproc)" \
  --output-junit "$(cd "$build" && pwd)/tests.xml" "$@" </dev/null || status=$?
"$root/tools/list_skipped.py" "$build/tests.xml" || {
  if [ "${CI:-}" = true ] && [ "$(id -u)" -eq 0 ]; then
    echo "error: tests were skipped, and in CI as root none may be" >&2
    [ "$status" -ne 0 ] || status=1
  fi
}
exit "$status"
