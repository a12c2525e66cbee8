#!/usr/bin/env bash
# scripts/lint.sh format   clang-format is clean over all C++ sources (fix with: scripts/lint.sh fix)
# scripts/lint.sh tidy     clang-tidy is clean over the sources outside tests, with the flags of the preset release
set -euo pipefail
cd "$(dirname "$0")/.."
sources() { git ls-files --cached --others --exclude-standard '*.h' '*.cpp'; }
case "${1:-}" in
  format) sources | xargs clang-format --dry-run -Werror ;;
  fix) sources | xargs clang-format -i ;;
  tidy)
    # Precompiled headers are GCC's, and release compiles several sources as one: clang reads each source by itself.
    cmake --preset release -B build/tidy -DCMAKE_UNITY_BUILD=OFF >/dev/null
    python3 scripts/tidy_database.py build/tidy
    sources | grep -E '^(core|net|storage|providers|relay|mgmt|cmd)/.*\.cpp$' | grep -v '_impl\.cpp$' |
      xargs -P "$(nproc)" -n 4 clang-tidy -p build/tidy --quiet 2>&1 |
      { grep -vE '^[0-9]+ warnings generated\.$' || true; }  # what it left out stands in front of what it found
    ;;
  *) echo "usage: scripts/lint.sh format|fix|tidy" >&2; exit 64 ;;
esac
