# Each target alone works on a fresh clone: what it needs is made first, and made again only when it is stale.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# rustup puts cargo here, and not every shell has it on its PATH.
export PATH := $(PATH):$(HOME)/.cargo/bin
# Read by scripts/find-python: the interpreter that .venv is made with.
export PYTHON

BIN := .venv/bin
READY := .venv/.ready
READY_TO_BENCH := .venv/.ready-to-bench
CARGO := PYO3_PYTHON=$(CURDIR)/$(BIN)/python cargo
CRATE := --manifest-path native/Cargo.toml
LOAD_CRATE := --manifest-path benchmarks/dns_load/Cargo.toml
SOURCES := pyproject.toml native/Cargo.toml native/Cargo.lock $(wildcard native/src/*.rs native/src/*/*.rs native/src/*/*/*.rs)

.PHONY: help
help:
	@echo 'make demo         the whole filter at work on loopback sockets (ARGS=--keep leaves it running)'
	@echo 'make test         every test, the crate'"'"'s own first (ARGS="-k word", ARGS=tests/test_names.py: these only)'
	@echo 'make fuzz         10,000,000 damaged packets for each reader of packets (PACKETS=1000000: as many)'
	@echo 'make check        formatters, linters, types, import rules, the native stub, clippy'
	@echo 'make bench        benchmarks into benchmarks/results/ (make bench-quick: within two minutes each)'
	@echo 'make bench-dns    the resolver beside its peers, which root has installed (ARGS=--help)'
	@echo 'make wheel        an abi3 wheel into dist/'
	@echo 'make format       put Python and Rust into the form that make check wants'
	@echo 'make clean        remove .venv and everything built'
	@echo 'PYTHON=python3.12 make ...   choose the interpreter when .venv is made (default: the newest CPython >= 3.11)'

$(READY): $(SOURCES) scripts/set-up scripts/find-python
	scripts/set-up dev
	touch $@

$(READY_TO_BENCH): $(READY)
	scripts/set-up dev,bench
	touch $@

.PHONY: set-up
set-up: $(READY)

.PHONY: demo
demo: $(READY)
	$(BIN)/cop-filter demo $(ARGS)

# Without Python in it: the crate is tested for itself.
CRATE_TESTS := cargo test $(CRATE) --locked --no-default-features

.PHONY: test
test: $(READY)
	$(if $(ARGS),,$(CRATE_TESTS) --quiet)
	$(if $(ARGS),,cargo test $(LOAD_CRATE) --locked --quiet)
	$(BIN)/pytest $(ARGS)

.PHONY: fuzz
fuzz: export PACKETS ?= 10000000
fuzz:
	$(CRATE_TESTS) --test mutated_packets

.PHONY: check
check: $(READY)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m mypy.stubtest cop_filter._native
	cargo fmt $(CRATE) --check
	$(CARGO) clippy $(CRATE) --locked --all-targets -- -D warnings
	cargo fmt $(LOAD_CRATE) --check
	cargo clippy $(LOAD_CRATE) --locked --all-targets -- -D warnings

.PHONY: format
format: $(READY)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	cargo fmt $(CRATE)
	cargo fmt $(LOAD_CRATE)

.PHONY: bench bench-quick
bench-quick: QUICK := --quick
bench bench-quick: $(READY_TO_BENCH)
	for name in lookup dns proxy lists; do $(BIN)/python benchmarks/$$name.py $(QUICK); done

# Alone with its options: make bench-dns ARGS="--parts refresh"
.PHONY: bench-dns
bench-dns: $(READY_TO_BENCH)
	$(BIN)/python benchmarks/dns.py $(ARGS)

.PHONY: wheel
wheel: $(READY)
	$(BIN)/maturin build --release --locked --out dist

.PHONY: clean
clean:
	rm -rf .venv dist native/target benchmarks/dns_load/target cop_filter/_native*.so .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
