#!/usr/bin/env bash
# Builds Postrider and runs it without a configuration: SMTP on 127.0.0.1:2525, management on 127.0.0.1:8025, and a `capture`
# upstream that keeps what it gets in postrider-data/. Arguments go to `postrider serve`. Ctrl-C stops it cleanly.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

need_packages "${build_packages[@]}" "${try_packages[@]}"

if [ ! -f build/release/build.ninja ]; then
  echo "Configuring (release) ..."
  cmake --preset release >/dev/null
fi
echo "Building (the first time takes about five minutes on two cores, later only what changed) ..."
cmake --build build/release --target postrider -- --quiet

if [ $# -eq 0 ]; then
  cat <<'TRY'
To try it, in another terminal (the token is made at the first start):
  swaks --server 127.0.0.1:2525 --from app@example.com --to you@example.net
  curl -H "Authorization: Bearer $(cat postrider-data/operator.token)" http://127.0.0.1:8025/v1/messages
TRY
fi
exec build/release/postrider serve "$@"
