# Every command works first thing on a machine with Python 3.11+, git and make.
.DEFAULT_GOAL := help
.PHONY: help run demo test lint format bench torture screenshots clean

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime-$(shell cksum < requirements.lock | cut -d' ' -f1)
TOOLS := .venv/.tools-$(shell cksum < requirements-dev.lock | cut -d' ' -f1)
export PORT ?= 8000
export PIP_DISABLE_PIP_VERSION_CHECK = 1

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-12s %s\n", $$1, $$2}'

run: $(RUNTIME)  ## Start web server, loader and worker on this machine; Ctrl-C ends all
	@LOCAL_MODE=true $(BIN)/python manage.py run

demo: $(RUNTIME)  ## Make a sample account with real loaded rows, print its credentials, and run
	@LOCAL_MODE=true $(BIN)/python manage.py demo --run

test: $(TOOLS)  ## Run every test, on SQLite and on PostgreSQL, with a real browser
	@$(BIN)/python -m tests.run

lint: $(TOOLS)  ## Check style, types, templates and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint --lint --quiet templates
	$(BIN)/python manage.py makemigrations --check --dry-run --settings tests.settings

format: $(TOOLS)  ## Format code and templates
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	-$(BIN)/djlint --reformat --quiet templates

bench: $(TOOLS)  ## Measure what the README gives figures for
	@$(BIN)/python -m tests.bench

torture: $(TOOLS)  ## Kill, race and fuzz for the promises' figures: an hour or so; KILLS=100 MINUTES=3 for less
	@$(BIN)/python -m tests.torture

screenshots: $(TOOLS)  ## Take the README's pictures anew
	@$(BIN)/python -m tests.screenshots

clean:  ## Remove the environment and caches; your data under var/ stays
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

.venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=…")'
	@$(PYTHON) -m venv .venv

$(RUNTIME): requirements.lock | .venv
	@echo "Installing what Stitchapp needs into .venv …"
	@$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	@rm -f .venv/.runtime-* && touch $@

$(TOOLS): requirements-dev.lock | .venv
	@echo "Installing what Stitchapp and its tests need into .venv …"
	@$(BIN)/pip install --quiet --require-hashes -r requirements-dev.lock
	@rm -f .venv/.tools-* && touch $@
