#!/bin/sh
# Puts the Python clients that the tests drive against the embedded engines into an environment of their own, once.
#
# Where it goes: ${XDG_CACHE_HOME:-$HOME/.cache}/aftershock/clients/bin/python
# Exit codes: 0 it is there; 1 it could not be made.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
target="${XDG_CACHE_HOME:-${HOME:?neither XDG_CACHE_HOME nor HOME is set}/.cache}/aftershock/clients"
# A copy of the list that was installed, so that a changed list makes the environment anew.
marker="$target/installed"

if cmp -s "$here/requirements.txt" "$marker" && "$target/bin/python" -c '' 2>/dev/null; then
  exit 0
fi
echo "clients: fetching $(grep -v '^#' "$here/requirements.txt" | tr '\n' ' ')" >&2
rm -rf "$target"
python3 -m venv "$target" || { echo "clients: python3 makes no environment (Debian: python3-venv)" >&2; exit 1; }
"$target/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt" ||
  { echo "clients: pip could not fetch them; is its registry reachable?" >&2; exit 1; }
cp "$here/requirements.txt" "$marker"
