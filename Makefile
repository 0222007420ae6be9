# Entry points; the work is in Scripts/.
.DEFAULT_GOAL := help
SHELL := /bin/bash
RELEASE := .build/release
SHIPPED := .build/shipped
# The programs that tests start: `make test TOOLS=$PWD/.build/shipped` after `make peers`.
TOOLS ?= $(CURDIR)/.build/debug
export PYTHON ?= $(CURDIR)/.venv/bin/python
export MINISTACK_PYTHON ?= $(CURDIR)/.venv-ministack/bin/python
# Byte code beside the tests would be files that the package does not know.
export PYTHONDONTWRITEBYTECODE := 1
PREFIX ?= /usr/local

.PHONY: help setup build peers test lint format coverage generate demo bench bench-gate curves chaos fuzz sanitize soak install uninstall deb dist systemd-test clean

help: ## Show the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 12

setup: ## Install what building and testing need: apt packages, and Python packages into .venv
	@Scripts/setup build test

build: ## Build what is shipped, optimised, with a static Swift standard library
	@Scripts/setup build
	@Scripts/build shipped

peers: build ## Also build the development programs: simulated exchange, generator, benches
	@Scripts/build peers

test: ## Run every test, against the libraries and the built programs
	@Scripts/setup build test
	@Scripts/commit
	swift build
	TOOLS_DIR=$(TOOLS) Scripts/test

lint: ## Check the style of every Swift file
	swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks

format: ## Format every Swift file
	swift format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks

coverage: ## Measure which lines the tests reach
	TOOLS_DIR=$(CURDIR)/.build/debug swift test --enable-code-coverage
	@Scripts/coverage

generate: ## Write generated code, Avro schemas and man pages again
	@Scripts/generate

demo: peers ## Backfill an hour from a simulated exchange into ./data/bronze, then stream into a local Kinesis
	@Scripts/setup test
	@Scripts/demo $(RELEASE)

bench: peers ## Measure against C and Python programs that do the same
	@Scripts/bench $(RELEASE)

curves: peers ## Measure how CPU and memory of each stage grow, and draw it into docs/curves
	@Scripts/curves $(RELEASE)

bench-gate: peers ## The same, and fail where a row is worse than Benchmarks/gate.json by more than 15 %
	@Scripts/bench --save .build/bench.json $(RELEASE)
	@Scripts/bench-gate Benchmarks/gate.json .build/bench.json

MINUTES ?= 10
chaos: peers ## Run all pipelines under all faults (MINUTES), kill stages a hundred times, crash at every write; prove that nothing is lost
	@Scripts/setup test
	TOOLS_DIR=$(CURDIR)/$(RELEASE) pipelines/chaos --minutes $(MINUTES)
	$(PYTHON) Tests/ToolTests/chaos.py --tools $(RELEASE) --kills 100 --ids 300000
	$(PYTHON) Tests/ToolTests/once.py --tools $(RELEASE) --kills 100 --ids 300000
	@Scripts/crash-points

FUZZ ?= 60
fuzz: ## Search for input that breaks a reader, FUZZ seconds each
	@Scripts/setup build
	@Scripts/fuzz $(FUZZ)

sanitize: ## Run every test under the thread and the address sanitizer
	@Scripts/setup build test
	@Scripts/sanitize

SOAK ?= 600
soak: peers ## Stream under faults for ten minutes (SOAK seconds), and prove that every trade came once or is declared
	@Scripts/setup test
	$(PYTHON) Tests/ToolTests/soak.py --tools $(RELEASE) --seconds $(SOAK)

install: build ## Install programs, units, man pages and the rest under PREFIX (and DESTDIR)
	@Scripts/install $(SHIPPED) $(PREFIX)

uninstall: ## Remove what install put there, except the configuration
	@Scripts/install --remove $(PREFIX)

OUTPUT ?= .build/packages
deb: build ## Make a package for Debian in OUTPUT (.build/packages)
	@Scripts/deb $(SHIPPED) $(OUTPUT)

dist: build ## Make an archive that runs on every Linux with glibc 2.36, with its checksum, in OUTPUT
	@Scripts/setup dist
	@Scripts/dist $(SHIPPED) $(OUTPUT)

systemd-test: peers deb dist ## Boot Debian in containers: install, kill, restart, reboot, upgrade; ids in = ids out
	@Scripts/setup system
	@Scripts/systemd-test $(OUTPUT)/bitcoin-ingestor_*.deb $(RELEASE) $(CASES)

clean: ## Remove everything that was built
	rm -rf .build data
