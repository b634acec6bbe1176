# Backstory's ways in. `make` alone lists them; `make run` needs Rust, Node 20 and a C toolchain, nothing else.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

# The binary carries the built widget (widget/dist), so that comes before every call of cargo.
widget_sources := $(shell find widget -type f \
	-not -path '*/node_modules/*' -not -path 'widget/dist/*' -not -path 'widget/screenshots/*' -not -path 'widget/test*' -not -name '*.md' 2>/dev/null)
# Looked up for each recipe: `packages` may have installed it a moment ago.
CHROMIUM ?= $(shell command -v chromium || command -v google-chrome)
export CHROMIUM
biome := BIOME_CONFIG_PATH=widget widget/node_modules/.bin/biome
with_kafka := tests/servers/with.sh kafka --
with_servers := tests/servers/with.sh kafka postgres --

##@ Use

run: build ## Build everything and start the demo: an agent's page with calls arriving by themselves
	target/release/backstory demo $(ARGS)

build: widget ## Build the widget and target/release/backstory
	cargo build --release

widget: widget/dist ## Build the widget alone, into widget/dist

##@ Test

# Each suite runs, also after another one failed.
test: packages widget ## Run all tests; installs or starts what they need (as root), or says what is missing
	$(with_servers) $(MAKE) --no-print-directory --keep-going test-rust test-widget test-browser test-bank

# They wait more than they compute: more of them at a time than there are cores.
test-rust: widget ## Run the service's tests; KAFKA_BROKERS=host:port and DATABASE_URL=postgres://… use servers of yours
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-6} $(with_servers) cargo test --no-fail-fast $(if $(TESTS),--test suite -- $(TESTS))

test-widget: widget ## Run the widget's tests
	npm --prefix widget test

test-browser: widget ## Call events from kcat, seen in Chromium
	cargo test --no-run --quiet
	$(with_kafka) node --test tests/browser/*.test.mjs

autobahn: widget ## Hold the WebSocket against the Autobahn suite (301 cases): needs Python 2.7 (pyenv's, or PYTHON27=PATH)
	AUTOBAHN="$$(tests/servers/autobahn.sh)" cargo test --test suite -- --nocapture autobahn::

test-bank: ## Test the independent check of the pops (tests/bank/expected.py) itself
	python3 tests/bank/expected.py --self-test

fuzz: widget ## Run each fuzz target for SECONDS (60; 0 reads the seeds), or TARGET=name alone; docs/testing.md says more
	fuzz/run.sh $(or $(SECONDS),60) $(TARGET)

proof: packages widget ## Run for hours what CI runs for minutes: fuzzing, faults, crashes, Autobahn (docs/testing.md)
	tests/proof.sh

packages: ## Install what the tests need from the system: Chromium, kcat, Java, Maven, PostgreSQL, Python
	@tests/servers/packages.sh

##@ Keep in order

check: format-check lint docs ## Everything a change must pass beside its tests

format: widget/node_modules/.package-lock.json ## Format the code
	cargo fmt --all
	npm --prefix widget run format
	$(biome) check --write tests/browser

format-check: widget/node_modules/.package-lock.json ## Say what is not formatted, and the widget's lints and types
	cargo fmt --all --check
	npm --prefix widget run check
	$(biome) check --error-on-warnings tests/browser

lint: widget ## Lints, as errors
	cargo clippy --workspace --all-targets -- -D warnings

docs: widget ## Build the code's documentation, warnings as errors
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps

audit: ## Hold crates and npm packages against deny.toml and the databases of known vulnerabilities
	tests/audit.sh

clean: ## Remove everything that was built or fetched
	rm -rf target build widget/dist widget/node_modules

help: ## List these targets
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run build widget test test-rust test-widget test-browser test-bank autobahn fuzz proof packages check format format-check lint docs audit clean help

# npm writes this file last, and only when it succeeded.
widget/node_modules/.package-lock.json: widget/package.json widget/package-lock.json
	cd widget && npm ci
	touch $@

# A folder's time changes only with its entries: touched, it says when the build was last complete.
widget/dist: widget/node_modules/.package-lock.json $(widget_sources)
	cd widget && npm run build || { rm -rf dist; exit 1; }
	touch $@
