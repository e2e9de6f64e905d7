# `make demo` and `make test` set up .venv on their own; nothing else needs to be installed by hand.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
NATIVE := CMakeLists.txt $(shell find engine/native -type f 2>/dev/null)
SOURCES := engine exporters bench tests docs

# The C++ tests, where a warning is an error: folder, options.
define ctest
	$(BIN)/cmake -S . -B $(1) -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja \
		-DFRAMEDEX_BUILD_TESTS=ON -DFRAMEDEX_WERROR=ON $(2)
	$(BIN)/cmake --build $(1)
	$(BIN)/ctest --test-dir $(1) --output-on-failure
endef

.PHONY: help setup demo test test-slow test-long sanitize lint format docs bench clean

help:
	@echo "make demo      the main job on bundled clips and models; ends in a table and a report"
	@echo "make test      the quick tests, in C++ and Python (make test-slow: those of ten seconds and more; make test-long: of minutes)"
	@echo "make sanitize  the C++ tests under the address and undefined-behaviour sanitizers"
	@echo "make lint      ruff, mypy --strict, clang-format, generated docs"
	@echo "make format    rewrite sources and generated docs"
	@echo "make bench     bench/throughput.py --quick"

setup: $(READY)

# torch comes first and on its own: chosen freely, as somebody's dependency, it would pull gigabytes of CUDA libraries.
$(READY): pyproject.toml constraints.txt $(NATIVE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[cpu,export,mllm,analysis,torchcodec,dev]"
	touch $(READY)

demo: setup
	$(BIN)/framedex demo --output demo

test: setup
	$(call ctest,build/ctest,-Dnanobind_DIR=$$($(BIN)/python -m nanobind --cmake_dir) -DPython_EXECUTABLE=$(abspath $(BIN))/python)
	$(BIN)/python -m pytest -q -m "not slow and not long"

test-slow: setup
	$(BIN)/python -m pytest -q -m slow

test-long: setup
	$(BIN)/python -m pytest -q -m long

sanitize: setup
	$(call ctest,build/sanitize,-DFRAMEDEX_BUILD_MODULE=OFF -DFRAMEDEX_SANITIZE=ON)

lint: setup
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy --strict engine exporters bench
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files 'engine/native/*.cpp' 'engine/native/*.h')
	$(BIN)/python docs/build.py --check

format: setup
	$(BIN)/ruff check --fix-only $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/clang-format -i $$(git ls-files 'engine/native/*.cpp' 'engine/native/*.h')
	$(BIN)/python docs/build.py

docs: setup
	$(BIN)/python docs/build.py

bench: setup
	$(BIN)/python bench/throughput.py --quick

clean:
	rm -rf build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
