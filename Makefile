# make demo: everything from an empty folder to an evaluated model; make test: what a contributor runs.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo

.PHONY: demo test check docs install clean

install: $(BIN)/.installed

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: install
	test -e $(DEMO)/annotations.jsonl || $(BIN)/m5kit data make-demo $(DEMO) --items 2000 --seed 0
	$(BIN)/python tools/train.py configs/demo/scale.yaml --data $(DEMO)

test: install
	$(BIN)/python -m pytest -n 2

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2

docs: install
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv $(DEMO) build dist site
