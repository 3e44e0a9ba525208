# Two commands do everything in a fresh clone: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-slow test-video test-node check docs format clean

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[all,dev]"
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/motionlift demo --out out

test: check
	$(BIN)/python -m pytest -n 2

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

# MediaPipe and the pinned onnx want different protobufs (docs/decisions/0005-mediapipe-0.10.14.md).
test-video: $(VENV)-video/.installed
	$(VENV)-video/bin/python -m pytest -m "slow or not slow" tests/detectors tests/video tests/cli/test_detect.py

# What npm has: the validator of glTF, and the runtime that lifts in a page.
test-node: $(STAMP) node_modules/.installed
	$(BIN)/python -m pytest -m "slow or not slow" tests/viewer/test_live.py tests/formats/test_writers.py

node_modules/.installed:
	npm install --no-save --no-audit --no-fund gltf-validator@2.0.0-dev.3.10 onnxruntime-web@1.30.0
	@touch $@

$(VENV)-video/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)-video
	sed '/^protobuf=/d; /^onnx/d' constraints.txt > $(VENV)-video/constraints.txt
	$(VENV)-video/bin/python -m pip install --quiet --constraint $(VENV)-video/constraints.txt torch
	$(VENV)-video/bin/python -m pip install --quiet --constraint $(VENV)-video/constraints.txt \
		--editable ".[video]" pytest pytest-timeout hypothesis beartype
	@touch $@

check: $(STAMP)
	$(BIN)/ruff format --check src tests scripts
	$(BIN)/ruff check src tests scripts
	$(BIN)/mypy
	$(BIN)/mypy scripts/*.py
	$(BIN)/lint-imports

docs: $(STAMP)
	$(BIN)/mkdocs build --strict

format: $(STAMP)
	$(BIN)/ruff format src tests scripts
	$(BIN)/ruff check --fix src tests scripts

clean:
	rm -rf $(VENV) $(VENV)-video node_modules out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
