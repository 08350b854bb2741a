#!/usr/bin/env bash
# Builds unit tests under a sanitizer preset and runs them.
#
#   tools/run_sanitized.sh PRESET BUILD_TARGET CTEST_LABEL_REGEX
set -euo pipefail

preset=$1 target=$2 label=$3
cd "$(dirname "$0")/.."

# The sanitizers' memory layout cannot take the strongest address randomisation
# (vm.mmap_rnd_bits=32), so it is off for them where we may switch it off.
run=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
  run=(setarch "$(uname -m)" -R)
fi
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1:strict_string_checks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

cmake --preset "$preset"
# Test discovery runs the programs while building, hence the prefix here too.
"${run[@]}" cmake --build "build-$preset" --parallel "$(nproc)" --target "$target"
"${run[@]}" tools/run_tests.sh "build-$preset" --label-regex "$label" --timeout 300
