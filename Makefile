# make demo, make test: all that they need is python3 (with venv), make and git.
# Everything lives in .venv; `make clean` removes it.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PROTO  := audiowriter/v1/audio_writer.proto

.PHONY: demo test interop interop-long formats-doc check generate clean
.DEFAULT_GOAL := help

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp makes the set-up run once, and again when the dependencies change.
$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.ready  ## Encode the sample speech into every format and check each file
	$(BIN)/python demo/demo.py

test: $(VENV)/.ready  ## Run all tests
	$(BIN)/python -m pytest

interop: $(VENV)/.ready  ## Hold every format against decoders and analysers that we did not write
	$(BIN)/python -m pytest -q tests/interop

interop-long: $(VENV)/.ready  ## Encode ten hours of audio into every format and watch the memory; takes an hour
	PYTHONPATH=tests $(BIN)/python -m interop.ten_hours

formats-doc: $(VENV)/.ready  ## Make docs/formats.md from what the server says and does
	PYTHONPATH=tests $(BIN)/python -m interop.formats_doc

check: $(VENV)/.ready  ## Lint, types, proto, generated code, version
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	cd proto && $(abspath $(BIN))/buf lint
	$(MAKE) generate
	git diff --exit-code -- proto || { echo "proto: run 'make generate' and commit the result" >&2; exit 1; }
	$(BIN)/python -m pytest -q tests/test_project.py

generate: $(VENV)/.ready  ## Make the Python code from the proto
	$(BIN)/python -m grpc_tools.protoc -Iproto --python_out=proto --pyi_out=proto --grpc_python_out=proto $(PROTO)

clean:  ## Remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis demo/out
