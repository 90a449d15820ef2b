# Every task of the project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh

# The project brings its own Node: the system's is only used to start npm.
NODE := node_modules/node/bin/node
BIN := node_modules/.bin
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: help
help: ## list the tasks
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# The packages are there when the lock file of the last install is this one. Old system Nodes only draw warnings.
node_modules/.installed: package.json package-lock.json .npmrc
	npm ci --loglevel=error
	@touch $@

.PHONY: install
install: node_modules/.installed ## install what the project needs, into this folder only

.PHONY: build
build: node_modules/.installed ## compile; afterwards bin/flyball runs from anywhere
	tsc -b cli

.PHONY: demo
demo: build ## three agents with and without limits, and who spent what
	@$(NODE) examples/demo/main.ts

.PHONY: test
test: check .venv/.installed ## every check: types, style, dead code, generated files, tests, real SDKs
	vitest run

.PHONY: check
check: build ## types and walls, style, dead code, generated files
	tsc -b
	biome ci --colors=off .
	knip
	$(MAKE) --no-print-directory generated

.PHONY: unit
unit: build ## the tests without the SDK matrix
	vitest run --exclude 'test/sdk/**'

# The Python SDKs for the matrix.
.venv/.installed: test/sdk/requirements.txt
	@python3 -c 'import ensurepip, venv' || { echo "Python 3 with venv is needed for the SDK matrix, on Debian: apt-get install python3-venv"; exit 1; }
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement test/sdk/requirements.txt
	@touch $@

.PHONY: mutate
mutate: build ## plant faults and see that a test catches each
	$(NODE) scripts/mutate.ts

.PHONY: bench
bench: build ## measure against peers in the same run; prints `ratio <name> <value>`
	$(NODE) bench/main.ts

.PHONY: generate
generate: node_modules/.installed ## write the generated pages anew
	for script in scripts/generate-*.ts; do $(NODE) $$script || exit 1; done

.PHONY: generated
generated: generate ## fail when a generated page was not up to date
	git diff --exit-code -- docs

.PHONY: format
format: node_modules/.installed ## format the sources
	biome check --write --colors=off .

.PHONY: clean
clean: ## remove what was built and installed
	rm -rf dist node_modules .venv
