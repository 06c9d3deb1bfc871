# make demo and make test need only python3 (with venv), make and git.
# Everything is installed in .venv; `make clean` removes it.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PROTO  := audiowriter/v1/audio_writer.proto
# Imported by it.
BEHAVIOR := google/api/field_behavior.proto
# The contract as it is released. Replace it with `make released-proto` when a release adds to the contract.
RELEASED := released/audiowriter.v1.binpb
LOAD   := benchmarks/results/audiowriter-load

.PHONY: help demo test test-typescript coverage coverage-report bench bench-quick bench-spool profile symphonia load-tools nightly readme formats-doc recordings-doc scaling-doc image check github words released-proto generate clean lock audit sbom
.PHONY: lab lab-faults lab-soak lab-reference-decoders lab-reference-decoders-long lab-conformance lab-snippets lab-extras lab-load lab-envoy lab-envoy-cost lab-recipes lab-recordings lab-manifests lab-fuzz lab-search lab-fuzz-core
.PHONY: faults soak judges judges-long conformance snippets interop load scale scaling-cost manifests
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | grep -v '^lab-' | sed -E 's/:.*## /\t/' | expand -t 14

# Only files whose hash is in the lock are installed, and no dependency that it does not list. Only wheels: building one
# would download build tools that have no hash.
LOCKED := -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes --requirement

# The stamp makes the set-up run once, and again when the dependencies change.
$(VENV)/.ready: pyproject.toml core/pyproject.toml requirements/dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(LOCKED) requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable ./core --editable .
	@touch $@

demo: $(VENV)/.ready  ## Encode the sample speech into every format and check each file
	PYTHONPATH=tests $(BIN)/python demo/demo.py

# One process per core, and at most four: each starts servers of its own. `worksteal` gives each process neighbouring tests,
# which use the same servers, and moves tests only to a process that has none left.
test: $(VENV)/.ready  ## Run all tests, on up to four cores
	$(BIN)/python -m pytest --numprocesses=logical --maxprocesses=4 --dist=worksteal

# Without install scripts: none of the packages needs one.
TYPESCRIPT := client/typescript
$(TYPESCRIPT)/node_modules/.ready: $(TYPESCRIPT)/package-lock.json
	cd $(TYPESCRIPT) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

test-typescript: $(VENV)/.ready $(TYPESCRIPT)/node_modules/.ready  ## Run the tests of the TypeScript client; needs npm
	cd $(TYPESCRIPT) && npm test

coverage: $(VENV)/.ready  ## Run all tests, and measure how much of core and server they execute; fails below the floors
	$(BIN)/coverage erase
	COVERAGE_PROCESS_START=$(abspath pyproject.toml) $(MAKE) test
	$(MAKE) coverage-report

# What `make test` has measured. With COVERAGE_PROCESS_START, every Python process of the environment measures itself.
# Raise a floor when its figure rises.
coverage-report: FLOORS = core:98 server:95
coverage-report: $(VENV)/.ready
	$(BIN)/coverage combine --quiet
	@failed=0; for floor in $(FLOORS); do \
	  printf '\n%s, lines and branches; the floor is %s %%\n' "$${floor%:*}" "$${floor#*:}"; \
	  $(BIN)/coverage report --precision=1 --include="$${floor%:*}/*" --fail-under="$${floor#*:}" || failed=1; \
	done; exit $$failed

bench: $(VENV)/.bench $(LOAD)  ## Measure the server against its floor and other encoders; takes thirteen minutes
	$(BIN)/python benchmarks/bench.py

bench-quick: $(VENV)/.bench $(LOAD)  ## Run the part of the benchmark that takes a minute
	$(BIN)/python benchmarks/bench.py --quick

bench-spool: $(VENV)/.ready  ## Measure what the spool of the clients costs while no server is lost; takes eight minutes
	$(BIN)/python benchmarks/spool.py

profile: $(VENV)/.bench $(LOAD)  ## Show where the time of 20 ms frames goes
	$(BIN)/python benchmarks/breakdown.py

$(VENV)/.bench: $(VENV)/.ready requirements/bench.txt
	$(BIN)/python $(LOCKED) requirements/bench.txt
	@touch $@

$(LOAD): $(wildcard client/go/*.go client/go/cmd/audiowriter-load/*.go)
	@command -v go >/dev/null || { echo "bench: go is missing: the load generator is written in it" >&2; exit 1; }
	cd client/go && go build -o $(abspath $@) ./cmd/audiowriter-load

LAB := PYTHONPATH=tests $(BIN)/python -m lab

lab:  ## List the harnesses that attack, check, load and measure a running product
	@grep -hE '^lab-[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 26
	@echo "Old names still work: faults soak interop judges judges-long conformance snippets load scale scaling-cost manifests"

# gRPC would log each failed handshake, and some fail on purpose.
lab-faults lab-soak: export GRPC_VERBOSITY = NONE

lab-faults: ONLY ?=
lab-faults: $(VENV)/.ready  ## Run every fault against real servers; takes six minutes; ONLY=bulk runs those with this text in the name
	$(LAB).faults $(if $(ONLY),--only '$(ONLY)')

lab-soak: SECONDS ?= 600
lab-soak: $(VENV)/.ready  ## Run all kinds of streams and faults together for ten minutes, or SECONDS
	$(LAB).faults --only soak --soak $(SECONDS)

lab-fuzz: export GRPC_VERBOSITY = NONE
lab-fuzz: SECONDS ?= 60
lab-fuzz: SEED ?=
lab-fuzz: $(VENV)/.ready  ## Send random calls to a server with 768 MiB of memory for a minute, or SECONDS; SEED= repeats them
	$(LAB).fuzz --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

# Atheris has wheels for Linux on x86-64 and Python 3.11 to 3.13. A separate environment, so that PYTHON may be another version.
FUZZ_PYTHON ?= $(firstword $(foreach version,3.11 3.12 3.13,$(if $(shell command -v python$(version)),python$(version))) $(PYTHON))
build/fuzz/venv/.ready: pyproject.toml core/pyproject.toml requirements/fuzz.txt
	@$(FUZZ_PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	  { echo "lab-fuzz-core: Atheris needs Python 3.11, 3.12 or 3.13: set FUZZ_PYTHON=python3.11" >&2; exit 1; }
	$(FUZZ_PYTHON) -m venv build/fuzz/venv
	build/fuzz/venv/bin/python $(LOCKED) requirements/fuzz.txt
	build/fuzz/venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable ./core --editable .
	@touch $@

lab-fuzz-core: SECONDS ?= 300
lab-fuzz-core: build/fuzz/venv/.ready  ## Let Atheris search for input that the core does not bear, for five minutes, or SECONDS; needs Python 3.11 to 3.13
	PYTHONPATH=tests build/fuzz/venv/bin/python -m lab.fuzz.core -max_total_time=$(SECONDS)

lab-search: export GRPC_VERBOSITY = NONE
lab-search: SECONDS ?= 300
lab-search: $(VENV)/.ready  ## Search for the streams that delay other callers most, for five minutes, or SECONDS
	$(LAB).search --seconds $(SECONDS)

lab-reference-decoders: EVERY ?= 1
lab-reference-decoders: $(VENV)/.ready symphonia  ## Check files of every format with third-party decoders, including Chromium; EVERY=4 checks a quarter of them
	$(BIN)/python -m pytest -q lab/reference_decoders --every $(EVERY)

lab-reference-decoders-long: $(VENV)/.ready symphonia  ## Write a WAV beyond 4 GiB, then ten hours of audio in every format; takes an hour
	$(BIN)/python -m pytest -q lab/reference_decoders/test_rf64.py --long
	$(LAB).reference_decoders.ten_hours

symphonia:  # one of the reference decoders is written in Rust; takes a minute
	@command -v cargo >/dev/null || { echo "lab-reference-decoders: cargo is missing: one of the decoders is written in Rust" >&2; exit 1; }
	cargo build --quiet --release --manifest-path lab/reference_decoders/symphonia/Cargo.toml --target-dir build/symphonia

lab-conformance: $(VENV)/.ready  ## Run the same cases with all clients, or with DRIVERS="python go" and DRIVER=path; needs go, a JDK, mvn and npm
	$(LAB).conformance $(DRIVERS) $(if $(DRIVER),--driver '$(DRIVER)')

lab-recordings: $(VENV)/.ready  ## Record a call of two hours whose speakers have clocks of their own; takes five minutes
	$(LAB).recordings

lab-snippets: $(VENV)/.ready  ## Run the programs of the READMEs; needs go, a JDK, mvn and npm
	$(LAB).conformance.snippets

lab-extras: $(VENV)/.ready  ## Install each distribution and each extra alone, and use it there; needs go, a JDK and mvn; takes five minutes
	$(LAB).extras

lab-load: load-tools  ## Run ghz, k6, Locust, grpcurl and buf against a server for some seconds; needs go
	$(LAB).load.check

load-tools: $(VENV)/.ready build/tools/.ready  ## Build the load generators and their data
	mkdir -p build/load
	$(BIN)/python lab/load/messages.py > build/load/messages.json
	$(BIN)/python lab/load/messages.py --seconds 0.02 > build/load/frame.json
	$(BIN)/buf build proto -o build/load/audiowriter.binpb

# Each in a separate module: ghz does not build with the gRPC version of the others.
build/tools/.ready: export GOBIN = $(abspath build/tools)
build/tools/.ready: lab/load/requirements.txt
	go install github.com/bojand/ghz/cmd/ghz@v0.93.0
	go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
	go install go.k6.io/k6@v1.8.1
	$(PYTHON) -m venv build/locust
	build/locust/bin/python $(LOCKED) lab/load/requirements.txt
	ln -sf ../locust/bin/locust build/tools/locust
	@touch $@

$(VENV)/.scale: $(VENV)/.ready requirements/scale.txt
	$(BIN)/python $(LOCKED) requirements/scale.txt
	GOBIN=$(abspath $(BIN)) go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1
	@touch $@

lab-envoy: SECONDS ?= 15
lab-envoy: $(VENV)/.scale  ## Kill, drain, restart and add workers behind Envoy under sixty streams, killing for 15 s, or SECONDS; encode in a browser; needs go, a JDK and mvn
	$(LAB).envoy --seconds $(SECONDS)

lab-envoy-cost: $(VENV)/.scale  ## Measure what a live stream of each format costs behind Envoy; takes five minutes
	$(LAB).envoy.cost

lab-recipes: $(VENV)/.scale  ## Run the examples that need packages of their own, and the files in an object store, against real parts
	$(BIN)/python -m pytest -q --numprocesses=0 lab/recipes

lab-manifests: $(VENV)/.scale  ## Check the files of Envoy, Kubernetes, compose and Prometheus with their validators
	deploy/check

# The old names of the targets.
faults: lab-faults
soak: lab-soak
judges: lab-reference-decoders
judges-long: lab-reference-decoders-long
conformance: lab-conformance
snippets: lab-snippets
interop: judges conformance snippets
load: lab-load
scale: lab-envoy
scaling-cost: lab-envoy-cost
manifests: lab-manifests

nightly: lab-reference-decoders lab-reference-decoders-long lab-soak lab-extras lab-recordings  ## Run what takes too long for each change; takes three hours
	$(MAKE) lab-fuzz SECONDS=600
	$(MAKE) lab-fuzz-core SECONDS=300
	$(MAKE) lab-search SECONDS=600
	$(MAKE) lab-envoy SECONDS=60

readme: $(VENV)/.ready  ## Put the generated tables into README.md, and the example into docs/write-a-client.md
	$(BIN)/python -m lab.documents.readme

formats-doc: $(VENV)/.ready  ## Generate docs/formats.md from the server's ListFormats and its output
	$(LAB).documents.formats

recordings-doc: $(VENV)/.ready  ## Draw docs/recordings.svg from the files that the examples write
	$(LAB).documents.recordings

scaling-doc: $(VENV)/.scale  ## Generate the tables and the plot of docs/scaling.md from measured figures
	$(LAB).documents.scaling

image: $(VENV)/.ready  ## Build the image and its SBOM with buildah, and encode every format with it; requires root on Debian
	deploy/image/build

check: $(VENV)/.ready  ## Lint, types, proto, generated code, version
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd proto && $(abspath $(BIN))/buf lint && $(abspath $(BIN))/buf breaking --against $(RELEASED)
	$(MAKE) generate
	git diff --exit-code -- proto client/go/gen client/go/proto client/python/audiowriter_client/formats.py \
	  $(TYPESCRIPT)/src/gen $(TYPESCRIPT)/src/formats.ts || \
	  { echo "generated code: run 'make generate' and commit the result" >&2; exit 1; }
	@if command -v npm >/dev/null; then $(MAKE) $(TYPESCRIPT)/node_modules/.ready && cd $(TYPESCRIPT) && npm run --silent check; \
	  else echo "check: npm is missing: the TypeScript client is not checked" >&2; test -z "$$CI"; fi
	$(BIN)/python -m pytest -q tests/test_project.py
	$(MAKE) words
	$(MAKE) github

# actionlint would use shellcheck and pyflakes if they are installed: the result must be the same everywhere.
github: $(VENV)/.ready  ## Check the workflows and forms in .github; part of check; actionlint needs go; without go only CI checks the workflows
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/format.yml
	@if command -v go >/dev/null; then $(MAKE) $(BIN)/actionlint && $(BIN)/actionlint -shellcheck= -pyflakes=; \
	  else echo "github: go is missing: the workflows are not checked" >&2; test -z "$$CI"; fi

$(BIN)/actionlint: $(VENV)/.ready
	GOBIN=$(abspath $(BIN)) go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

# The tools of the supply chain, apart from the project's own packages.
build/supply/.ready: requirements/supply.txt
	$(PYTHON) -m venv build/supply
	build/supply/bin/python $(LOCKED) requirements/supply.txt
	@touch $@

# One resolution for all supported versions of Python and all platforms. Locked versions stay as they are, unless they no
# longer fit; UPGRADE=--upgrade or UPGRADE='--upgrade-package numpy' changes them. scale.txt contains the others, so that
# each package has one version.
LOCK = build/supply/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command 'make lock' --no-emit-package audiowriter --no-emit-package audiowriter-core
OWN := ./core\n.

lock: build/supply/.ready  ## Lock the versions and hashes of all Python packages in requirements/; UPGRADE=--upgrade takes newer ones
	printf '$(OWN)[scale,bench,dev]\nhatchling>=1.27\n' | $(LOCK) $(UPGRADE) - -o requirements/scale.txt
	printf '$(OWN)[dev]\nhatchling>=1.27\n' | $(LOCK) --constraint requirements/scale.txt - -o requirements/dev.txt
	printf '$(OWN)[fuzz]\nhatchling>=1.27\n' | $(LOCK) --constraint requirements/scale.txt - -o requirements/fuzz.txt
	printf '$(OWN)[bench]\n' | $(LOCK) --constraint requirements/scale.txt - -o requirements/bench.txt
	printf '$(OWN)[cli,otel]\n' | $(LOCK) --constraint requirements/scale.txt - -o requirements/image.txt
	printf 'hatchling>=1.27\n' | $(LOCK) --constraint requirements/scale.txt - -o requirements/build.txt
	$(LOCK) $(UPGRADE) lab/load/requirements.in -o lab/load/requirements.txt
	printf 'cyclonedx-bom\npip-audit\nuv\n' | $(LOCK) $(UPGRADE) - -o requirements/supply.txt

audit: $(VENV)/.ready build/supply/.ready  ## Look up the locked Python packages and the Go code in databases of vulnerabilities; REQUIRED=1: fail if one cannot be reached
	$(BIN)/python -m lab.audit $(if $(REQUIRED),--required)

sbom:  ## Write build/sbom.cdx.json: what the image's environment contains, in CycloneDX
	rm -rf build/image
	deploy/image/packages build/image/environment build/image
	cp build/image/environment/sbom.cdx.json build/sbom.cdx.json

released-proto: $(VENV)/.ready  ## Freeze the contract as it is now; only for a release
	cd proto && $(abspath $(BIN))/buf breaking --against $(RELEASED)
	cd proto && $(abspath $(BIN))/buf build --exclude-source-info -o $(RELEASED)

words: $(VENV)/.ready  ## Find phrases that are hard to read, with what to write instead; part of check
	$(BIN)/python -m lab.documents.words

generate: $(VENV)/.ready  ## Generate code from the proto and from the table of formats; Go and TypeScript only if go and npm are installed
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=proto --pyi_out=proto --grpc_python_out=proto $(PROTO)
	$(BIN)/python client/python/generate.py
	cp proto/$(PROTO) client/go/proto/$(PROTO)
	cp proto/$(BEHAVIOR) client/go/proto/$(BEHAVIOR)
	@if command -v go >/dev/null; then cd proto && $(abspath $(BIN))/buf generate --path audiowriter; \
	else echo "generate: go is missing: client/go/gen stays as it is" >&2; fi
	@if command -v npm >/dev/null; then $(MAKE) $(TYPESCRIPT)/node_modules/.ready && $(BIN)/python $(TYPESCRIPT)/generate.py; \
	else echo "generate: npm is missing: $(TYPESCRIPT)/src/gen stays as it is" >&2; fi

clean:  ## Remove the environment and caches
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis demo/out benchmarks/results
