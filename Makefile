# Every command of this repository; `make` lists them.
CARGO  ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
DATA   ?= data
# librdkafka compiles itself with debug information that nobody reads here.
LOCAL  := CFLAGS=-g0 $(CARGO)

.DEFAULT_GOAL := help
.PHONY: help setup engine run demo release test test-one test-units test-kafka soak hostile abuse bench grouping check doc clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what a fresh Debian-like machine lacks (asks for root where needed)
	infra/deploy/setup.sh

engine: ## fetch the embedded ClickHouse engine, check it and keep it in the cache
	infra/deploy/engine/fetch.sh

run: engine ## build, then run everything on this machine on ./data (DATA=dir)
	$(LOCAL) build --profile local -p aftershock
	$(TARGET)/local/aftershock standalone --data $(DATA)

demo: ## send 20,000 realistic reports to what `make run` started, then show trend and top issues
	$(LOCAL) build --profile local -p aftershock
	$(TARGET)/local/aftershock demo --data $(DATA)

release: ## build the fully optimised binary, target/release/aftershock
	$(CARGO) build --release --locked -p aftershock

test: engine ## everything a change must pass, on the embedded engines
	$(CARGO) build --workspace --all-targets
	$(CARGO) test --workspace

test-one: engine ## the tests whose names contain NAME, in all crates: make test-one NAME=journey
	@test -n "$(NAME)" || { echo "usage: make test-one NAME=a_part_of_the_name" >&2; exit 2; }
	$(CARGO) test --workspace $(NAME)

test-units: ## the unit tests of all crates, without engines
	$(CARGO) test --workspace --lib

test-kafka: engine ## the log's suite and the end-to-end suite on a real Apache Kafka (needs JDK 17 and Maven)
	$(CARGO) build --workspace --all-targets
	infra/deploy/kafka/run.sh $(CARGO) test --workspace --test broker --test pipeline

soak: engine ## the log taken away at full load for SECONDS (600): nothing lost, memory flat, back within 5 s
	$(CARGO) build --release -p aftershock
	AFTERSHOCK_SOAK_SECONDS=$(or $(SECONDS),600) $(CARGO) test --release -p tests --test pipeline soak -- --nocapture

hostile: engine ## thousands of hostile clients beside a few ordinary ones for SECONDS (60), and what small requests cost in memory
	$(CARGO) build --release -p aftershock
	AFTERSHOCK_HOSTILE_SECONDS=$(or $(SECONDS),60) $(CARGO) test --release -p tests --test pipeline hostile -- --nocapture

abuse: engine ## users, clients and strangers against one another for SECONDS (60); prints what each saw
	$(CARGO) build --release -p aftershock
	AFTERSHOCK_ABUSE_SECONDS=$(or $(SECONDS),60) $(CARGO) test --release -p tests --test pipeline abuse -- --nocapture

bench: engine ## the benchmarks, a line for each figure, kept in tests/benches/results/
	$(CARGO) build --release -p aftershock
	tests/benches/record.sh $(CARGO) bench -p tests --bench pipeline
	tests/benches/record.sh $(CARGO) bench -p embedded-log --bench broker
	tests/benches/record.sh $(CARGO) bench -p embedded-engine --bench engine

grouping: ## group the labelled sets, print the scores, fail where one fell
	$(CARGO) test --workspace --test pipeline -- grouping --nocapture

check: ## formatting, lints, packages (licences, sources, unused ones), the house rules and the documents
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	infra/deploy/deny/run.sh
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items
	$(CARGO) test --workspace --test pipeline -- tidy:: unused::

doc: ## the documentation of every item, private ones too; a broken link is an error
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

clean: ## remove what was built; data and fetched engines stay
	$(CARGO) clean
