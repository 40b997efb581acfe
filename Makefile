# Every target sets up just the extras that it needs; nothing is repeated when nothing changed.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup lock pages method demo check test lowest bench docs clean

help:  ## show this
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / — /'

# `make setup EXTRAS="image text"`: a stamp for each set of extras, stale if it is older than the
# requirements or the lock
EXTRAS ?= dev
stamp = .venv/.done-$(subst $() ,-,$(sort $(1)))

setup: $(call stamp,$(EXTRAS))  ## make .venv with the extras in EXTRAS, in the locked versions

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/.done-%: pyproject.toml requirements.lock | .venv/bin/pip
	$(BIN)/python -m tools.install $(subst -, ,$*)
	@touch $@

lock: | .venv/bin/pip  ## renew the locks; make lock UPGRADE=1 takes the newest versions
	$(BIN)/python -m tools.lock write $(if $(UPGRADE),--upgrade)

pages: $(call stamp,dev)  ## write the map in both READMEs and docs/reference.md
	$(BIN)/python -m tools.pages

demo: $(call stamp,demo)  ## real digits: MNIST to optdigits, with few labels and with none
	$(BIN)/python examples/digits.py

check: $(call stamp,dev)  ## ruff, types, import layers, lock, generated pages, checks of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.lock check
	$(BIN)/python -m tools.pages --check
	$(BIN)/python -m tools.house

test: $(call stamp,audio bench demo dev image labels lora multilingual multitask text)  ## every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

.venv-lowest/.done: pyproject.toml requirements-lowest.lock | .venv/bin/pip
	$(BIN)/pip install --quiet uv
	$(BIN)/python -m uv venv --quiet --clear --python $(PYTHON) .venv-lowest
	$(BIN)/python -m uv pip sync --quiet --require-hashes --python .venv-lowest requirements-lowest.lock
	$(BIN)/python -m uv pip install --quiet --no-deps --no-build-isolation --python .venv-lowest --editable .
	@touch $@

lowest: .venv-lowest/.done  ## the tests of security, with the lowest versions that are allowed
	OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest tests/security

bench: $(call stamp,audio bench demo dev image labels lora multilingual multitask text)  ## one benchmark: make bench NAME=loop
	$(BIN)/python -m benchmarks $(NAME)

method: $(call stamp,dev)  ## a new method and its test: make method NAME=CORAL CELL=adaptation
	$(BIN)/python -m tools.method $(NAME) $(CELL)

docs: $(call stamp,docs)  ## the pages under docs/, as a site
	$(BIN)/mkdocs build --strict

clean:  ## remove what was made
	rm -rf .venv .venv-lowest runs site dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
