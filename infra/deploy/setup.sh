#!/usr/bin/env bash
# Installs what a fresh Debian-like machine lacks to build, run and test; what is there already stays as it is.
#
# A C toolchain, zlib, OpenSSL and Python build librdkafka; npm fetches the embedded engine; curl and openssl are in the lines
# that `standalone` shows; Java and Maven bring the Apache Kafka of `make test-kafka`; kcat and Python clients are what the
# tests drive against the embedded engines besides Rust, strace what they look at a broker's syncs with; cargo-deny is what
# `make check` asks about licences and sources. pip, node, Go and a
# JDK run the programs of `tests/sdk/`; the tests leave out those whose tools are missing or too old.
set -euo pipefail

packages=()
need() { command -v "$1" >/dev/null || packages+=("${@:2}"); }

need cc build-essential
need make build-essential
need pkg-config pkg-config
need python3 python3-minimal
# Seals reports as another implementation than ours.
python3 -c 'import cryptography' 2>/dev/null || /usr/bin/python3 -c 'import cryptography' 2>/dev/null || packages+=(python3-cryptography)
need kcat kcat
need strace strace
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
need npm npm
need curl curl ca-certificates
need openssl openssl
need java default-jre-headless
need mvn maven
need javac default-jdk-headless
need node nodejs
need go golang-go
python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
[ -e /usr/include/zlib.h ] || packages+=(zlib1g-dev)
[ -e /usr/include/openssl/ssl.h ] || packages+=(libssl-dev)

if [ ${#packages[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || { echo "setup.sh: install these by hand: ${packages[*]}" >&2; exit 1; }
    root=()
    [ "$(id -u)" -eq 0 ] || root=(sudo)
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${packages[@]}"
fi

# Rust: the version of rust-toolchain.toml. Debian's is older on most releases, so it is not installed behind anyone's back.
root="$(dirname "${BASH_SOURCE[0]}")/../.."
pinned=$(sed -n 's/^channel = "\(.*\)"/\1/p' "$root/rust-toolchain.toml")
if ! command -v cargo >/dev/null; then
    echo "setup.sh: cargo is missing: install rustup, or Rust $pinned or newer with rustfmt and clippy" >&2
    exit 1
fi
if command -v rustup >/dev/null && ! rustup toolchain list | grep -q "^$pinned-"; then
    # Where `stable` is that version, it gets the second name and nothing is fetched.
    stable=$(RUSTUP_AUTO_INSTALL=0 RUSTUP_TOOLCHAIN=stable rustc --print sysroot 2>/dev/null || true)
    if [ -n "$stable" ] && [ "$("$stable/bin/rustc" --version | cut -d ' ' -f 2)" = "$pinned" ]; then
        ln -sn "$stable" "$(rustup show home)/toolchains/$pinned-${stable##*/stable-}"
    else
        rustup toolchain install "$pinned" --profile minimal --component rustfmt --component clippy
    fi
fi
have=$(cd "$root" && rustc --version | cut -d ' ' -f 2)
if [ "$(printf '%s\n' "$pinned" "$have" | sort -V | head -n 1)" != "$pinned" ]; then
    echo "setup.sh: Rust $have is too old: $pinned or newer is needed" >&2
    exit 1
fi

"$(dirname "${BASH_SOURCE[0]}")/clients/fetch.sh"
"$(dirname "${BASH_SOURCE[0]}")/deny/fetch.sh"
