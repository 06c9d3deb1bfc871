# make demo, make test: all that they need is python3 (with venv), make and git.
# Everything lives in .venv; `make clean` removes it.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PROTO  := audiowriter/v1/audio_writer.proto
LOAD   := benchmarks/results/audiowriter-load

.PHONY: demo test coverage bench bench-quick profile faults soak interop judges judges-long conformance snippets load load-tools readme formats-doc scale scaling-cost scaling-doc manifests image nightly check github words symphonia generate clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp makes the set-up run once, and again when the dependencies change.
$(VENV)/.ready: pyproject.toml core/pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ./core --editable '.[dev]'
	@touch $@

demo: $(VENV)/.ready  ## Encode the sample speech into every format and check each file
	PYTHONPATH=tests $(BIN)/python demo/demo.py

test: $(VENV)/.ready  ## Run all tests
	$(BIN)/python -m pytest

# Without the tests that encode an hour of audio: they measure memory, take as long as all others and reach nothing more.
# Raise a floor when its figure rises.
coverage: FLOORS = core:96 server:92
coverage: $(VENV)/.ready  ## Measure how much of core and server their tests reach; fails below the floors; takes three minutes
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q $(wildcard tests/core tests/server tests/cli) -k 'not an_hour_of_audio'
	$(BIN)/coverage combine --quiet
	@failed=0; for floor in $(FLOORS); do \
	  printf '\n%s, lines and branches; the floor is %s %%\n' "$${floor%:*}" "$${floor#*:}"; \
	  $(BIN)/coverage report --precision=1 --include="$${floor%:*}/*" --fail-under="$${floor#*:}" || failed=1; \
	done; exit $$failed

bench: $(VENV)/.bench $(LOAD)  ## Measure the server against its floor and its peers; takes thirteen minutes
	$(BIN)/python benchmarks/bench.py

bench-quick: $(VENV)/.bench $(LOAD)  ## The part of it that fits in a minute
	$(BIN)/python benchmarks/bench.py --quick

profile: $(VENV)/.bench $(LOAD)  ## Show where the time of 20 ms frames goes
	$(BIN)/python benchmarks/breakdown.py

$(VENV)/.bench: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ./core --editable '.[bench]'
	@touch $@

$(LOAD): $(wildcard client/go/*.go client/go/cmd/audiowriter-load/*.go)
	@command -v go >/dev/null || { echo "bench: go is missing: the load generator is written in it" >&2; exit 1; }
	cd client/go && go build -o $(abspath $@) ./cmd/audiowriter-load

# gRPC would log each handshake that fails, and some fail on purpose.
faults soak: export GRPC_VERBOSITY = NONE

faults: $(VENV)/.ready  ## Do what goes wrong in the field to real servers, and print what it did; takes three minutes
	PYTHONPATH=tests $(BIN)/python -m faults

soak: SECONDS ?= 600
soak: $(VENV)/.ready  ## Ten minutes of everything at once, or SECONDS
	PYTHONPATH=tests $(BIN)/python -m faults --only soak --soak $(SECONDS)

interop: judges conformance snippets  ## All that strangers say of us: the three targets below

judges: EVERY ?= 1
judges: $(VENV)/.ready symphonia  ## Judge files of every format by third-party decoders, Chromium among them; EVERY=4 takes a quarter of the files
	$(BIN)/python -m pytest -q tests/interop --every $(EVERY)

symphonia:  # a decoder in Rust, one of the judges; takes a minute
	@command -v cargo >/dev/null || { echo "judges: cargo is missing: one of the decoders is written in Rust" >&2; exit 1; }
	cargo build --quiet --release --manifest-path tests/interop/symphonia/Cargo.toml --target-dir build/symphonia

judges-long: $(VENV)/.ready symphonia  ## Write a WAV beyond 4 GiB, then ten hours of audio into every format; takes an hour
	$(BIN)/python -m pytest -q tests/interop/test_rf64.py --long
	PYTHONPATH=tests $(BIN)/python -m interop.ten_hours

nightly: judges judges-long soak  ## What takes too long for each change; takes over an hour

conformance: $(VENV)/.ready  ## Run the same cases with the Python, Go and Java clients; needs go, a JDK and mvn
	PYTHONPATH=tests $(BIN)/python -m interop.clients

snippets: $(VENV)/.ready  ## Run the programs of the READMEs; needs go, a JDK and mvn
	PYTHONPATH=tests $(BIN)/python -m interop.clients.snippets

load: load-tools  ## Run ghz, k6, Locust, grpcurl and buf against a server for some seconds; needs go
	PYTHONPATH=tests $(BIN)/python tests/load/check.py

load-tools: $(VENV)/.ready build/tools/.ready  ## Build the load generators and what they send
	mkdir -p build/load
	$(BIN)/python tests/load/messages.py > build/load/messages.json
	$(BIN)/python tests/load/messages.py --seconds 0.02 > build/load/frame.json
	$(BIN)/buf build proto -o build/load/audiowriter.binpb

# Each in a module of its own, for ghz does not build with the gRPC of the others.
build/tools/.ready: export GOBIN = $(abspath build/tools)
build/tools/.ready: tests/load/requirements.txt
	go install github.com/bojand/ghz/cmd/ghz@v0.93.0
	go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.4
	go install go.k6.io/k6@v1.8.1
	$(PYTHON) -m venv build/locust
	build/locust/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/load/requirements.txt
	ln -sf ../locust/bin/locust build/tools/locust
	@touch $@

readme: $(VENV)/.ready  ## Put the tables made from code and measurements into README.md
	$(BIN)/python docs/readme.py

formats-doc: $(VENV)/.ready  ## Make docs/formats.md from what the server says and does
	PYTHONPATH=tests $(BIN)/python -m interop.formats_doc

$(VENV)/.scale: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ./core --editable '.[scale]'
	GOBIN=$(abspath $(BIN)) go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1
	@touch $@

scale: $(VENV)/.scale  ## Kill, drain and add workers behind Envoy under sixty streams; encode in a browser
	PYTHONPATH=tests $(BIN)/python -m scale

scaling-cost: $(VENV)/.scale  ## Measure what a live stream of each format costs; takes five minutes
	PYTHONPATH=tests $(BIN)/python -m scale.cost

scaling-doc: $(VENV)/.scale  ## Make the tables and the plot of docs/scaling.md from measured figures
	PYTHONPATH=tests $(BIN)/python -m scale.doc

manifests: $(VENV)/.scale  ## Hold Envoy's, Kubernetes', compose's and Prometheus' files against their validators
	deploy/check

image: $(VENV)/.ready  ## Build the image with buildah, and encode every format against it; takes root on Debian
	deploy/image/build

check: $(VENV)/.ready  ## Lint, types, proto, generated code, version
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd proto && $(abspath $(BIN))/buf lint
	$(MAKE) generate
	git diff --exit-code -- proto client/go/gen client/python/audiowriter_client/formats.py || \
	  { echo "generated code: run 'make generate' and commit the result" >&2; exit 1; }
	$(BIN)/python -m pytest -q tests/test_project.py
	$(MAKE) github

# shellcheck and pyflakes would be used where they are installed: the result must be the same everywhere.
github: $(VENV)/.ready  ## Check the workflows and forms in .github; part of check; actionlint needs go, without it CI checks the workflows
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/format.yml
	@if command -v go >/dev/null; then $(MAKE) $(BIN)/actionlint && $(BIN)/actionlint -shellcheck= -pyflakes=; \
	  else echo "github: go is missing: the workflows are not checked" >&2; test -z "$$CI"; fi

$(BIN)/actionlint: $(VENV)/.ready
	GOBIN=$(abspath $(BIN)) go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

words: $(VENV)/.ready  ## Find phrases that are hard to read, with what to write instead
	$(BIN)/python docs/words.py

generate: $(VENV)/.ready  ## Make code from the proto and from the table of formats; Go's only if go is there
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=proto --pyi_out=proto --grpc_python_out=proto $(PROTO)
	$(BIN)/python client/python/generate.py
	@if command -v go >/dev/null; then cd proto && $(abspath $(BIN))/buf generate; \
	else echo "generate: go is missing: client/go/gen stays as it is" >&2; fi

clean:  ## Remove the environment and caches
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis demo/out benchmarks/results
