#!/usr/bin/env bash
# The checks of the sources.
#
#   tools/lint.sh format | check-format | shell | tidy BUILD_DIRECTORY
#
# TIDY_CHECKS adds to the checks of .clang-tidy: "-clang-analyzer-*" leaves out what takes
# more than half of the time.
set -euo pipefail
cd "$(dirname "$0")/.."

# cpp_files: all our C++ sources, each ended by a NUL.
cpp_files() {
  local directory
  for directory in src include tests bench examples; do
    [ ! -d "$directory" ] || find "$directory" -name node_modules -prune -o \
      \( -name '*.h' -o -name '*.cc' \) -print0
  done
}

# shell_files: all our shell scripts, each ended by a NUL.
shell_files() {
  find . \( -name '.git' -o -name 'build*' -o -name node_modules \) -prune -o \
    \( -name '*.sh' -o -path './.ci/run' \) -type f -print0
}

case ${1:-} in
  format) cpp_files | xargs -0 clang-format -i ;;
  check-format) cpp_files | xargs -0 clang-format --dry-run -Werror ;;
  shell) shell_files | xargs -0 shellcheck -x ;;
  tidy)
    build=${2:?the build directory is missing}
    # src alone: the tests' macros would drown what matters. The build joins several
    # sources to one, and so a header is read once for all of them.
    grep -o "\"file\": \"$PWD/\([^/\"]*/\)\?src/[^\"]*" "$build/compile_commands.json" | cut -d'"' -f4 | sort -u |
      xargs -n 1 -P "$(nproc)" clang-tidy --quiet -p "$build" \
        --extra-arg=-Wno-unknown-warning-option \
        "--checks=-bugprone-suspicious-include${TIDY_CHECKS:+,$TIDY_CHECKS}" \
        2> >(grep -v 'warnings\? generated\.$' >&2)
    ;;
  *)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
