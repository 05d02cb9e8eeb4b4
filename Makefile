# Everything runs in .venv, made from the hashed lock files; a second run finds it made.
PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.run-installed
DEV := $(VENV)/.dev-installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# a line for each package that is fetched, and before the long silence of unpacking
SHOW = awk -v all="$$(grep -c '^[a-z0-9].*==' $(1))" '/^(Collecting|Processing) / { printf "  %d of %d: %s\n", ++n, all, $$2; fflush() } /^(Building|Preparing|Installing) / { sub(/:.*/, ""); print "  " $$0 " ..."; fflush() } /ERROR|error:/ { print; fflush() }'
LOCK = build/lock/bin/uv pip compile --quiet $(UPGRADE) --exclude-newer "$$(date -u -d '7 days ago' +%F)" --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help install demo test test-fast attack soak bench lint fmt interface clients messages migration lock clean
.DELETE_ON_ERROR:

install: $(RUN) ## make the environment in .venv

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(RUN) ## see it work, with sample data; ARGS=--once ends by itself
	@$(BIN)/qe-ban demo $(ARGS)

test: lint ## lint, then all tests; ARGS=tests/codes for some
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

test-fast: lint ## lint, then the tests that need no engine
	$(BIN)/python -m pytest --without-engines $(ARGS)

# thieves and insiders against three cities of 300 residents: some twenty minutes (docs/privacy.md)
attack: $(DEV) ## the privacy test at full size
	$(BIN)/python -m tests.privacy.attack $(ARGS)

lint: $(DEV) ## style, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(DEV) ## mend the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# the Chinese document for makers of clients, out of the routes and their Chinese texts
interface: $(RUN) ## write docs/interface.zh-CN.md
	@$(BIN)/qe-ban interface chinese -o docs/interface.zh-CN.md

# the packages that the city gives away at a release, in build/clients
clients: $(DEV) ## generate clients in Python and TypeScript
	@PYTHON=$(PYTHON) tests/clients/make.sh build/clients

# the Chinese texts of the commands; msgfmt is of GNU gettext
messages: ## compile the Chinese texts of commands
	msgfmt --check-format -o qe_ban/locale/zh_CN/LC_MESSAGES/qe-ban.mo qe_ban/locale/zh_CN/LC_MESSAGES/qe-ban.po

soak: $(RUN) ## kill parts under load and count what is lost; ARGS="--minutes 10"
	$(BIN)/python -m soak $(ARGS)

bench: $(RUN) ## measure; ARGS="--only codes" for a part
	$(BIN)/python -m bench $(ARGS)

migration: $(DEV) ## a new migration: NAME=add_something
	$(BIN)/python -m tests.factories.migration $(NAME)

# versions stay unless UPGRADE=--upgrade; nothing younger than a week, when a stolen package has been noticed
lock: ## renew the lock files; UPGRADE=--upgrade for newer versions
	@test -x build/lock/bin/uv || { $(PYTHON) -m venv build/lock && build/lock/bin/pip --quiet install uv==0.13.9; }
	$(LOCK) --extra dev --extra embedded pyproject.toml -o requirements-dev.lock
	$(LOCK) --extra embedded -c requirements-dev.lock pyproject.toml -o requirements.lock

clean: ## remove what was made
	rm -rf $(VENV) build dist *.egg-info bench/results
	rm -rf .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# what builds the package itself, and the one dependency that comes as source, comes hashed from the lock file of development, so that nothing is fetched unchecked
$(RUN): requirements.lock requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12")'
	@echo "1 of 4: $(VENV), and what builds packages"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || rm -rf $(VENV)
	@test -d $(VENV) || $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "python3 -m venv failed (on Debian: apt install python3-venv)"; exit 1; }
	@awk '/^setuptools==/ { on = 1 } on { print } on && !/\\$$/ { exit }' requirements-dev.lock > $(VENV)/build.lock
	@$(PIP) install --require-hashes -r $(VENV)/build.lock | $(call SHOW,$(VENV)/build.lock)
	@echo "2 of 4: what the product needs, some 150 MB; then unpacking, up to some minutes on a slow machine"
	@$(PIP) install --require-hashes --no-build-isolation --use-pep517 -r requirements.lock | $(call SHOW,requirements.lock)
	@echo "3 of 4: qe-ban"
	@$(PIP) --quiet install --no-index --no-deps --no-build-isolation -e .
	@echo "4 of 4: compiling"
	@$(BIN)/python -m compileall -q qe_ban
	@echo "installed: . $(BIN)/activate, then qe-ban --help"
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	@echo "what tests need, into $(VENV)"
	@$(PIP) install --require-hashes --no-build-isolation --use-pep517 -r requirements-dev.lock | $(call SHOW,requirements-dev.lock)
	@touch $@
