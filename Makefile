# Everything runs in .venv, made from the hashed lock files; a second run finds it made.
PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
export PIP_ROOT_USER_ACTION := ignore

.PHONY: install demo test bench lint fmt clean
.DELETE_ON_ERROR:

install: $(RUN)

demo: $(RUN)
	@$(BIN)/qe-ban demo $(ARGS)

test: lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(DEV)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(RUN)
	$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info bench/results
	rm -rf .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# what builds the package itself, and the one dependency that comes as source, comes hashed from the lock file of development, so that nothing is fetched unchecked
$(RUN): requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || rm -rf $(VENV)
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed (on Debian: apt install python3-venv)"; exit 1; }
	@echo "installing into $(VENV) ..."
	@awk '/^setuptools==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements-dev.lock > $(VENV)/build.lock
	@$(PIP) install --require-hashes -r $(VENV)/build.lock
	@$(PIP) install --require-hashes --no-build-isolation --use-pep517 -r requirements.lock
	@$(PIP) install --no-index --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q qe_ban
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	@echo "installing what tests need into $(VENV) ..."
	@$(PIP) install --require-hashes --no-build-isolation --use-pep517 -r requirements-dev.lock
	@touch $@
