# The one door for people and machines; `make` lists what it opens.
CARGO  ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
DATA   ?= data

.DEFAULT_GOAL := help
.PHONY: help setup engine run demo test test-kafka soak hostile abuse bench grouping check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what a fresh Debian-like machine lacks (asks for root where needed)
	infra/deploy/setup.sh

engine: ## fetch the embedded ClickHouse engine, check it and keep it in the cache
	infra/deploy/engine/fetch.sh

run: engine ## build, then run everything on this machine on ./data (DATA=dir)
	$(CARGO) build --release -p aftershock
	$(TARGET)/release/aftershock standalone --data $(DATA)

demo: ## send 20,000 realistic reports to what `make run` started, then show trend and top issues
	$(CARGO) build --release -p aftershock
	$(TARGET)/release/aftershock demo --data $(DATA)

test: engine ## everything a change must pass, on the embedded engines
	$(CARGO) build --workspace --all-targets
	$(CARGO) test --workspace

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

bench: engine ## the benchmarks, a line for each figure
	$(CARGO) build --release -p aftershock
	$(CARGO) bench -p tests --bench pipeline
	$(CARGO) bench -p embedded-log --bench broker
	$(CARGO) bench -p embedded-engine --bench engine

grouping: ## group the labelled sets, print the scores, fail where one fell
	$(CARGO) test --workspace --test pipeline -- grouping --nocapture

check: ## formatting, lints, the packages' licences and sources, and the tidy test
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	infra/deploy/deny/run.sh
	$(CARGO) test --workspace --test pipeline tidy

clean: ## remove what was built; data and fetched engines stay
	$(CARGO) clean
