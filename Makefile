# The README's commands. `make demo` and `make test` need only Python 3.11+, git and make.

PYTHON ?= python3
ARGS ?=
# uv from the PATH, else one in a private environment of the checkout.
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
# Where Python may not keep compiled modules as it goes, compile them once: every run of a dataset is a process.
COMPILE := $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)
RUN := $(UV) run --frozen --no-sync

# The system's certificates, as pip and git use them: behind some proxies a company's own certificate is among them.
export UV_SYSTEM_CERTS ?= 1

# Python 3.11 and 3.12 read where the checkout lies by this locale, and C knows no letters beyond ASCII.
ifneq (,$(filter C POSIX,$(LC_ALL)))
export LC_ALL := C.UTF-8
endif

.PHONY: help demo up down install test lint format bench fuzz hostile endure places audit-deps sbom clean

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

demo: .venv/runs  ## a working mirror of an invented Eurostat, in the Dagster UI (ARGS=--exit leaves when all was seen)
	@$(RUN) eurostat-assets demo $(ARGS)

up: .venv/runs  ## the mirror of the real Eurostat
	@$(RUN) eurostat-assets up $(ARGS)

down: .venv/runs  ## stop whatever `make up` or `make demo` left running
	@$(RUN) eurostat-assets down

install: .venv/installed  ## everything the project needs, into .venv

test: .venv/installed  ## every test; starts all it needs by itself
	@$(RUN) pytest --numprocesses=logical --dist=loadfile --no-loadscope-reorder $(ARGS)

lint: .venv/installed  ## ruff and pyright
	@$(UV) lock --check --quiet
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) pyright

format: .venv/installed
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

bench: .venv/installed  ## the speed and memory claims, into benchmarks/results/
	@$(RUN) python -m benchmarks $(ARGS)

fuzz: .venv/installed  ## a million broken bodies, and 100,000 feeds, inventories and tables of contents each
	@$(RUN) python -m benchmarks.fuzz $(ARGS)
	@$(RUN) python -m benchmarks.fuzz_catalogue $(ARGS)

hostile: .venv/installed  ## a month of faults, kills and absences against the whole mirror; half an hour
	@$(RUN) python -m eurostat_assets_tests.hostile $(ARGS)

endure: .venv/installed  ## a thousand kills of publishers, servers, trees and disks; goes on where it was stopped
	@$(RUN) python -W ignore:resource_tracker -m eurostat_assets_tests.endure $(ARGS)

places:  ## the demo as root in a closed folder, behind a proxy, as a package, …; ARGS names some, --list shows all
	@$(PYTHON) -m eurostat_assets_tests.places $(ARGS)

# Not in .venv: nothing that runs needs it. Strict: a package that nobody could be asked about is none without faults.
audit-deps: $(filter .uv/bin/uv,$(UV))  ## known vulnerabilities of every dependency of uv.lock; asks the network
	@mkdir -p artefacts && rm -f artefacts/audit.txt
	@$(UV) export --frozen --quiet --no-emit-project --all-groups --all-extras --output-file artefacts/requirements.txt
	@$(UV) run --frozen --quiet --isolated --only-group audit pip-audit --requirement artefacts/requirements.txt \
	  --strict --disable-pip --require-hashes --progress-spinner off --output artefacts/audit.txt 2> artefacts/audit.log; \
	  code=$$?; if [ -e artefacts/audit.txt ]; then cat artefacts/audit.log artefacts/audit.txt; else \
	  echo "Nothing was audited: not every package could be asked about; this needs the network. See artefacts/audit.log."; \
	  fi; exit $$code

sbom: $(filter .uv/bin/uv,$(UV))  ## what a deployment is made of, by uv.lock: CycloneDX in artefacts/sbom.json
	@mkdir -p artefacts
	@$(UV) export --frozen --quiet --no-default-groups --extra s3 --format cyclonedx1.5 --preview-features sbom-export \
	  --output-file artefacts/sbom.json
	@echo "artefacts/sbom.json"

clean:  ## remove the environment and all mirrors of this checkout
	@rm -rf .venv .uv .eurostat .env artefacts

# What running needs is installed alone first: it is a third of what testing needs, and runs start faster without the rest.
.venv/runs: pyproject.toml uv.lock $(filter .uv/bin/uv,$(UV))
	@echo "Installing into .venv …"
	@$(UV) sync --frozen --quiet --inexact --no-default-groups $(COMPILE)
	@touch $@

.venv/installed: .venv/runs
	@echo "Installing what tests and benchmarks need …"
	@$(UV) sync --frozen --quiet $(COMPILE)
	@touch $@

.uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check uv
