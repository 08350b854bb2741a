#!/usr/bin/env bash
# Runs every libFuzzer program of a fuzz build, each for some seconds. New inputs stay
# in BUILD_DIRECTORY/corpus; one that fails is written to BUILD_DIRECTORY/failures, and
# belongs in tests/fuzz/corpus/NAME once it is understood.
#
#   tools/run_fuzzers.sh BUILD_DIRECTORY SECONDS
set -euo pipefail

build=$1 seconds=$2
corpora=$(cd "$(dirname "$0")/.." && pwd)/tests/fuzz/corpus
failed=()

for program in "$build"/bin/*_fuzz; do
  [ -x "$program" ] || {
    echo "error: no fuzz target in $build/bin" >&2
    exit 1
  }
  name=$(basename "$program" _fuzz)
  directories=("$build/corpus/$name")
  [ ! -d "$corpora/$name" ] || directories+=("$corpora/$name")
  mkdir -p "${directories[0]}" "$build/failures"
  echo "fuzz: $name for $seconds s"
  # libFuzzer stops by itself; the outer limit is for a target that hangs it.
  if ! timeout -k 10 $((seconds + 120)) "$program" -max_total_time="$seconds" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$build/failures/$name-" "${directories[@]}" </dev/null; then
    failed+=("$name")
  fi
done
if [ "${#failed[@]}" -gt 0 ]; then
  echo "fuzz: FAILED: ${failed[*]}"
  exit 1
fi
