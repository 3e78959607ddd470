# SPDX-License-Identifier: BSD-3-Clause
#
#   make demo           migrate a VM twice, compare, draw a figure
#   make strategies     move a VM by every strategy, print a table
#   make leave-or-move  draw from how many misses a page on it pays to move data
#   make study          the patent's claims, measured: sweeps, docs/study.md and its figures
#   make test           run the tests
#   make lint           formatters, linters, types, layers
#   make format         let the formatters write
#   make sanitize       the engine's tests under the address and undefined-behaviour sanitizers
#   make package        a plain `pip install .` into an environment of its own works
#   make site           the documentation as a site, in build/site
#   make clean          remove what was built, and results

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(BIN)/python

# What the build needs besides a C++ compiler; pip would fetch it anew for every build otherwise.
BUILD_TOOLS := scikit-build-core==1.1.2 nanobind==3.1.0 lark==1.3.1 cmake==3.31.6 ninja==1.13.0

SOURCES := pyproject.toml CMakeLists.txt $(shell find src configs/machines -type f -not -path '*/__pycache__/*')
CPP     := $(wildcard src/common/*.hh src/engine/*.hh src/engine/*.cc src/checker/*.hh src/checker/*.cc src/simulate/*.cc src/replay/*.hh src/replay/*.cc)

INSTALL := $(RUN) -m pip install --quiet --disable-pip-version-check
WHEEL   := $(INSTALL) --no-build-isolation

.PHONY: demo strategies leave-or-move study test lint format sanitize package site clean

$(VENV)/tools:
	@echo "== virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(INSTALL) $(BUILD_TOOLS)
	@touch $@

$(VENV)/installed: $(VENV)/tools $(SOURCES)
	@echo "== building and installing homeshift (about a minute when the engine is compiled anew)"
	@$(WHEEL) .
	@touch $@

$(VENV)/studying: $(VENV)/installed
	@$(WHEEL) '.[sweep]'
	@touch $@

$(VENV)/testing: $(VENV)/installed pyproject.toml
	@$(WHEEL) '.[test]'
	@touch $@

$(VENV)/developing: $(VENV)/testing
	@$(WHEEL) '.[dev]'
	@touch $@

# ---- the main job ---------------------------------------------------------------------------------

TRACES  := traces/sqlite3.npy traces/xz.npy traces/sort.npy traces/perl.npy
MIGRATE := $(RUN) configs/migrate.py --machine quad --vm-memory 32MiB --borrow 2:0.25,3:0.25 \
           --trace $(TRACES) --warmup 1ms --window 2ms --check

demo: $(VENV)/installed
	@echo "== 1 of 4: the VM's memory control right moves, the memory stays: results/ownership"
	@$(MIGRATE) --strategy ownership --outdir results/ownership
	@echo "== 2 of 4: the same VM is stopped and copied: results/stop-and-copy"
	@$(MIGRATE) --strategy stop-and-copy --outdir results/stop-and-copy
	@echo "== 3 of 4: the two runs side by side: results/comparison.csv"
	@$(RUN) scripts/compare.py results/ownership results/stop-and-copy -o results/comparison.csv
	@echo "== 4 of 4: the figure: results/figures/migration_cost.png"
	@$(RUN) plots/migration_cost.py results/ownership results/stop-and-copy -o results/figures

strategies: $(VENV)/installed
	@$(RUN) scripts/strategies.py -o results/strategies

# Every access misses, so that the VM pays for each page that is left where it is.
leave-or-move: $(VENV)/installed
	@$(RUN) scripts/strategies.py -o results/leave-or-move --strategies ownership stop-and-copy post-copy \
	    stop-and-copy:keep-held=on post-copy:keep-held=on -- \
	    --machine quad --vm-memory 16MiB --borrow 1:0.25,2:0.25,3:0.25 --workload uniform:footprint=1,shared=0 \
	    --warmup 1ms --window 500us --horizon 8ms
	@for kept in "" -keep-held=on; do \
	    $(RUN) plots/leave_or_move.py results/leave-or-move/ownership results/leave-or-move/stop-and-copy$$kept \
	        results/leave-or-move/post-copy$$kept -o results/figures$$kept || exit; \
	done

# A sweep that was interrupted goes on. The page says what is measured and why.
STUDY := speed start size borrow machine engine pool region variants synthetic

study: $(VENV)/studying
	@for part in $(STUDY); do \
	    echo "== sweep: configs/sweeps/study-$$part.toml"; \
	    $(RUN) scripts/sweep.py configs/sweeps/study-$$part.toml --outdir results/study/$$part || exit; \
	done
	@echo "== docs/study.md and its figures"
	@$(RUN) scripts/study.py results/study

# ---- tests and habits -----------------------------------------------------------------------------

TEST := $(RUN) -m pytest --numprocesses auto --maxprocesses 4

test: $(VENV)/testing
	$(TEST)

lint: $(VENV)/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/clang-format --dry-run -Werror $(CPP)
	$(RUN) -m homeshift.slicc check src/protocol/MESI_HomeShift.slicc

format: $(VENV)/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(CPP)

sanitize: $(VENV)/testing
	$(BIN)/cmake -S . -B build/sanitize -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O1 \
	    -DHOMESHIFT_SANITIZE=ON -DHOMESHIFT_WERROR=ON -DPython_EXECUTABLE=$(abspath $(RUN))
	$(BIN)/cmake --build build/sanitize
	rm -rf build/sanitize/site && mkdir -p build/sanitize/site
	cp -r src/homeshift build/sanitize/site/
	$(BIN)/cmake --install build/sanitize --prefix build/sanitize/site
	PYTHONPATH=build/sanitize/site LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0 $(TEST) tests/engine

package:
	$(PYTHON) -m venv --clear build/package
	build/package/bin/python -m pip install --quiet --disable-pip-version-check .
	cd build && package/bin/python -c 'import homeshift._engine'

$(VENV)/documenting: $(VENV)/testing
	@$(WHEEL) '.[docs]'
	@touch $@

site: $(VENV)/documenting
	$(BIN)/mkdocs build

clean:
	rm -rf $(VENV) build results figures
