#!/usr/bin/env bash
# Runs the program of a language against SENTRY_DSN, with the client library as it is published: run.sh LANGUAGE
#
# Libraries are installed once, at the versions that stand beside the program, into the cache folder. Exit code 77: the
# language's tools are not on this machine.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/$1" && pwd)"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/aftershock/sdk/$1"
mkdir -p "$cache"

absent() { echo "$1 is not on this machine" >&2; exit 77; }
need() { command -v "$1" >/dev/null || absent "$1"; }

# Runs the rest of the line unless it went well before with these files.
once() {
    local mark
    mark="$(cat "${pins[@]}" | sha256sum | cut -d ' ' -f 1)"
    [ "$(cat "$cache/installed" 2>/dev/null)" = "$mark" ] && return
    "$@" >&2
    echo "$mark" >"$cache/installed"
}

exec 9>"$cache/lock"
flock 9
case "$1" in
python)
    need python3
    python3 -m pip --version >/dev/null 2>&1 || absent "python3-pip"
    pins=("$here/requirements.txt")
    once python3 -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target "$cache/packages" -r "$here/requirements.txt"
    PYTHONPATH="$cache/packages" PYTHONDONTWRITEBYTECODE=1 python3 "$here/program.py"
    ;;
node)
    need npm
    cp "$here/package.json" "$here/package-lock.json" "$here/program.js" "$cache/"
    pins=("$here/package-lock.json")
    once npm ci --prefix "$cache" --no-audit --no-fund --loglevel=error
    node "$cache/program.js"
    ;;
go)
    need go
    wanted="$(sed -n 's/^go //p' "$here/go.mod")"
    have="$(GOTOOLCHAIN=local go env GOVERSION | sed 's/^go//')"
    [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ] || absent "Go $wanted"
    (cd "$here" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -o "$cache/program" .)
    "$cache/program"
    ;;
java)
    need javac
    need mvn
    pins=("$here/library")
    once mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact="$(cat "$here/library")" -DoutputDirectory="$cache" -Dmdep.stripVersion=true
    javac -encoding UTF-8 -cp "$cache/sentry.jar" -d "$cache/classes" "$here/Program.java"
    java -cp "$cache/sentry.jar:$cache/classes" com.shop.Program
    ;;
*)
    echo "no program in $1" >&2
    exit 2
    ;;
esac
