# Set-up, checks, tests and the demo. Each target does the set-up that it needs, and is quick when there is nothing left to do.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/ready
PEERS := .local/bench/peers-venv
# pip names the address of every file: only the file's name is of interest.
QUIETER := sed -u -E -e '/^Looking in/d' -e '/^\[notice\]/d' -e 's,https?://[^ ]*/,,g'

.PHONY: help setup tools check test test-all demo bench bench-tables bench-pages bench-peers bench-quick bench-sweeps whole-city soak day docs up down lock clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: $(READY)  ## Make the virtual environment from the lock file (the other targets do it by themselves)

$(READY): requirements-dev.lock deploy/local/find-python
	@echo "setting up $(VENV) from requirements-dev.lock …"
	@python=$$(deploy/local/find-python) && "$$python" -m venv $(VENV)
	@$(RUN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements-dev.lock | $(QUIETER)
	@touch $@

tools: setup  ## Install what tests need beyond Python: Java, Maven, Redis, Kafka's jars, PostgreSQL, Chromium, promtool
	@$(RUN)/python -P deploy/local/tools.py

check: setup  ## Lint, format, types, import layers
	$(RUN)/ruff check
	$(RUN)/ruff format --check
	$(RUN)/mypy
	$(RUN)/lint-imports

test: tools  ## Run the tests, on real Kafka and Redis of their own, in two processes (TESTS="-n 4")
	$(RUN)/python -m pytest -m "not slow" --dist loadfile $(or $(TESTS),-n 2)

test-all: tools  ## Run also the slow tests (TESTS="-n 4"), then bench-tables: all roles, all sizes, a year of rows; results to */results
	$(RUN)/python -m pytest --dist loadfile --outcome tests/results $(or $(TESTS),-n 2)
	$(MAKE) bench-tables

demo: setup  ## Watch a simulated city: real Kafka and Redis, a page, an exact audit
	@./cityloop demo

bench: setup  ## Measure ours: reports per second, CPU per million, memory, closure, latency (BENCH="--runs 3")
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks ours $(BENCH)

bench-tables: setup  ## Ask every list and map query over a year of 14,000 cases a day, on both databases (TABLES="--days 30")
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks.tables --save $(or $(TABLES),--days 365)

bench-pages: tools  ## Measure the operations page with 10,000 open cases: first view, zoom over the map
	@end=0; for what in first_view zoom; do PYTHONPATH=. $(RUN)/python -P -m benchmarks.$$what || end=1; done; exit $$end

bench-peers: $(PEERS)/ready  ## Measure ours against Kafka Streams, Bytewax, Quix Streams, Faust, in turns (half an hour)
	-@benchmarks/peers/kafka_streams/run.sh --build-only
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks peers $(BENCH)

bench-quick: setup  ## Measure ours and Kafka Streams once, in live order
	-@benchmarks/peers/kafka_streams/run.sh --build-only
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks quick $(BENCH)

bench-sweeps: setup  ## Measure ours over open cases, bad input, cameras, partitions, workers, noise
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks sweeps $(BENCH)

$(PEERS)/ready: $(READY) benchmarks/peers/requirements.lock
	@echo "setting up $(PEERS) from benchmarks/peers/requirements.lock …"
	@$(RUN)/python -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r benchmarks/peers/requirements.lock | $(QUIETER)
	@touch $@

whole-city: setup  ## Run 230,000 cameras at 10,000 reports a second for MINUTES=10 and watch the lag
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks.soak whole-city --minutes $(or $(MINUTES),10)

soak: setup  ## Run a city for MINUTES=60 and see that memory, descriptors and lag stay flat
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks.soak soak --minutes $(or $(MINUTES),60)

day: setup  ## Run a city's day, 14,000 cases with their people, in ten minutes, and judge it (DAY="--cases 300 --speed 1500")
	@PYTHONPATH=. $(RUN)/python -P -m benchmarks.day $(DAY)

docs: setup  ## Renew what the documentation takes from the code, and check it
	@PYTHONPATH=. $(RUN)/python -P -m streams.topology > docs/path.md.new && mv docs/path.md.new docs/path.md
	@PYTHONPATH=. $(RUN)/python -P -m cli.docs
	$(RUN)/python -m pytest tests/docs -q

up: setup  ## Start Kafka and Redis
	@./cityloop up

down: setup  ## Stop them
	@./cityloop down

lock: setup  ## Pin all dependencies anew, with hashes
	@$(RUN)/python -m pip install --disable-pip-version-check --quiet uv
	@for name in requirements requirements-dev benchmarks/peers/requirements; do \
		echo "locking $$name.in …"; \
		$(RUN)/uv pip compile --quiet --upgrade --no-header --no-emit-index-url --generate-hashes --python-version 3.11 $$name.in -o $$name.lock; \
	done

clean:  ## Remove what can be made again, but no data of the local stack
	rm -rf $(VENV) deploy/local/jars .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
