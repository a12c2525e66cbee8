#!/usr/bin/env bash
# Installs what the tests need, builds release, and runs everything: lint, unit tests, store conformance, dialogues, simulation, end to
# end, crash, disk full, and a short run of every fuzz target. Ends with `N passed, N failed`.
#   scripts/test.sh              all of it
#   scripts/test.sh --quick      unit tests, conformance, dialogues and simulation only
#   scripts/test.sh --sanitizers the unit, conformance, dialogue and simulation tests under ASan+UBSan and under TSan as well
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

quick=0 sanitizers=0
for argument in "$@"; do
  case "$argument" in
    --quick) quick=1 ;;
    --sanitizers) sanitizers=1 ;;
    *) echo "usage: scripts/test.sh [--quick] [--sanitizers]" >&2; exit 64 ;;
  esac
done

results=build/test-results
rm -rf "$results"
mkdir -p "$results"

# step NAME COMMAND...: a step that either works or counts as one failed test; its output is shown when it fails.
step() {
  local name=$1 log="$results/$1.log" started=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    echo "ok    $name ($((SECONDS - started)) s)"
    echo "$name pass" >>"$results/steps.txt"
  else
    echo "FAIL  $name ($((SECONDS - started)) s), the end of its output:"
    tail -n 40 "$log"
    echo "$name fail" >>"$results/steps.txt"
    return 1
  fi
}

# suite NAME COMMAND...: a runner that writes $results/NAME.xml (JUnit); its cases are counted, not the step.
suite() {
  local name=$1 log="$results/$1.log" started=$SECONDS
  shift
  if "$@" >"$log" 2>&1; then
    echo "ok    $name ($((SECONDS - started)) s)"
  else
    echo "FAIL  $name ($((SECONDS - started)) s), the end of its output:"
    tail -n 60 "$log"
    [ -f "$results/$name.xml" ] || echo "$name fail" >>"$results/steps.txt"
  fi
}

finish() {
  python3 scripts/count_results.py "$results"
  exit
}

ctest_in() {  # preset, name
  suite "$2" ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j2 --output-junit "$PWD/$results/$2.xml"
}

need_packages "${build_packages[@]}" "${test_packages[@]}" || { step packages false; finish; }

step configure cmake --preset release -DPOSTRIDER_TESTS=ON -DPOSTRIDER_BENCH=ON || finish
step build cmake --build --preset release || finish
ctest_in release unit

if [ "$quick" -eq 0 ]; then
  step include-edges python3 tests/include_edges.py
  step clang-format scripts/lint.sh format
  need_node
  step npm npm --prefix tests/e2e ci --no-audit --no-fund --silent
  step openapi-lint tests/e2e/node_modules/.bin/spectral lint docs/openapi.json --ruleset tests/e2e/spectral.yaml --fail-severity=hint
  # The end-to-end tests mostly wait for what they drive: clang-tidy computes meanwhile, and gives way to them.
  step clang-tidy nice -n 15 scripts/lint.sh tidy &
  tidy=$!
  suite e2e python3 tests/e2e/run.py --binary build/release/postrider --junit "$results/e2e.xml"
  wait "$tidy"
  step fuzz-build sh -c 'cmake --preset fuzz && cmake --build --preset fuzz' && suite fuzz python3 tests/fuzz/run.py --build build/fuzz --seconds 5 --junit "$results/fuzz.xml"
fi

if [ "$sanitizers" -eq 1 ]; then
  for preset in asan tsan; do
    step "build-$preset" sh -c "cmake --preset $preset -DPOSTRIDER_BENCH=OFF && cmake --build --preset $preset" && ctest_in "$preset" "$preset"
  done
fi
finish
