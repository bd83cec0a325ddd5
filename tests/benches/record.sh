#!/bin/sh
# Runs a benchmark and keeps what it prints: record.sh COMMAND...
#
# The lines go to the terminal and to results/DATE-COMMIT.txt beside this file, under a head that says on what machine they
# were taken. Benchmarks of one day and commit share the file.
set -eu

results="$(cd "$(dirname "$0")" && pwd)/results"
commit=$(git rev-parse --short HEAD)
[ -z "$(git status --porcelain --untracked-files=no)" ] || commit="$commit-changed"
file="$results/$(date -u +%Y-%m-%d)-$commit.txt"

if [ ! -e "$file" ]; then
  model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
  cat >"$file" <<HEAD
date      $(date -u +%Y-%m-%dT%H:%MZ)
commit    $commit
machine   $(nproc) cores, ${model:-$(uname -m)}, $(uname -s)
compiler  $(rustc --version)
load      $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || echo unknown) before the first benchmark

HEAD
fi

# The status is the benchmark's, not that of `tee`.
status=$(mktemp)
trap 'rm -f "$status"' EXIT
{ "$@" || echo $? >"$status"; } | tee -a "$file"
[ ! -s "$status" ] || exit "$(cat "$status")"
