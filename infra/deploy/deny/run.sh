#!/bin/sh
# Holds every package to deny.toml.
#
#   run.sh              licences, sources, duplicates; needs no network
#   run.sh advisories   known faults of the packages in Cargo.lock, where the advisory database can be reached
#
# Exit codes: 0 nothing was found; 1 something was. What could not be looked at is said on stderr, and fails where
# AFTERSHOCK_TEST_COMPLETE says that everything is there, the database excepted: it lies outside of what a setup installs.
set -eu

cd "$(dirname "$0")/../../.."
program="${XDG_CACHE_HOME:-${HOME:-}/.cache}/aftershock/deny/bin/cargo-deny"
[ -x "$program" ] || program=$(command -v cargo-deny) || {
  echo "deny: LEFT OUT: cargo-deny is not installed (make setup)" >&2
  [ -z "${AFTERSHOCK_TEST_COMPLETE:-}" ]
  exit
}

case "${1:-packages}" in
packages) exec "$program" --workspace check bans licenses sources ;;
advisories)
  if timeout 60 "$program" fetch db >/dev/null 2>&1; then
    exec "$program" --workspace check --disable-fetch advisories
  fi
  echo "deny: ADVISORIES NOT CHECKED: their database cannot be reached from here; run this where it can" >&2
  ;;
*) echo "usage: run.sh [advisories]" >&2; exit 2 ;;
esac
