# Counterfoil's targets. A bare clone needs Python 3.11 and make; everything else is installed into .venv.
PYTHON ?= python3
BIN    := .venv/bin
STAMP  := .venv/.installed
RUN    := $(BIN)/python -m
# Most tests wait for a server or a clock: two cores carry five.
WORKERS ?= 6
# Where there is much memory that is mounted as a folder, and programs may start in it, the tests' folders lie there: a
# fifth less CPU than with a disk's, and no wait for it. The tests pull no plugs, so that a disk proves nothing more.
MEMORY := $(shell grep -qsE '^tmpfs /dev/shm tmpfs ' /proc/mounts && ! grep -qsE ' /dev/shm .*noexec' /proc/mounts && \
  df -Pk /dev/shm | awk 'NR == 2 && $$4 > 8000000 {print "/dev/shm"}')

.PHONY: demo test check bench soak format lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    a shop's day posted into three Xero organisations, faults included (ONCE=1: end after the report)"
	@echo "make test    every test;  make check: lint, types, import contracts"
	@echo "make bench   the numbers; make soak: the proof sizes;  make format, make lock, make clean"

# uv is pinned by its own hashes and then installs the rest by theirs (17 s instead of 80 s with pip alone). Bytecode is
# compiled here once (13 s): the tests start hundreds of processes, and some surroundings forbid them to write it.
$(STAMP): requirements/dev.txt requirements/uv.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	@$(BIN)/counterfoil demo $(if $(ONCE),--once)

# Each worker would rewrite the asserts of all test files (7 s of a core each); it is done once for all.
test: $(STAMP)
	@$(RUN) compileall -q src
	@unset PYTHONDONTWRITEBYTECODE; $(RUN) tests.rewritten
	@$(if $(MEMORY),PYTEST_DEBUG_TEMPROOT=$(MEMORY) )$(RUN) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: $(STAMP)
	@$(BIN)/ruff check src tests
	@$(BIN)/ruff format --check src tests
	@$(RUN) mypy
	@$(BIN)/lint-imports --no-cache

bench: $(STAMP)
	@$(BIN)/python -m tests.bench $(if $(LONG),--long)

soak: $(STAMP)
	@SOAK=1 $(RUN) pytest -n $(WORKERS) -m soak

format: $(STAMP)
	@$(BIN)/ruff check -q --fix src tests; $(BIN)/ruff format -q src tests

# Hashes only: no index, no host.
lock: $(STAMP)
	@for f in run dev uv; do $(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-annotate --no-header requirements/$$f.in -o requirements/$$f.txt; done

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
