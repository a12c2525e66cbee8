#!/bin/sh
# What a container runs: at the first start it makes the certificate, the operator's token and, when POSTRIDER_ADMIN_PASSWORD is set,
# the user "admin"; then postrider takes its place. Each later start finds them made.
set -eu
config=${POSTRIDER_CONFIG:-/etc/postrider/postrider.toml}
if [ "${1:-serve}" != serve ]; then
  exec postrider "$@"
fi
if [ -n "${POSTRIDER_ADMIN_PASSWORD:-}" ]; then
  printf '%s\n' "$POSTRIDER_ADMIN_PASSWORD" | postrider bootstrap --config "$config" --admin admin --password-stdin
else
  postrider bootstrap --config "$config"
fi
unset POSTRIDER_ADMIN_PASSWORD # the relay itself has no use for it
shift $(($# > 0))
exec postrider serve --config "$config" "$@"
