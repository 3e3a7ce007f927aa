# Two commands carry the course:   make lab   and   make test.
# Each does all its own set-up in a fresh clone; a second run needs no network.
#
#   make lab LAB_ARGS="--no-browser --port=8890"     passes options through to JupyterLab
#   make test PYTEST_ARGS="tests/autograd -k relu"   runs pytest alone, on a part of the tests
#   make fuzz MINUTES=5                              the property tests on other examples; SEED=7 repeats a round
#   make all                                         what is longer than `make test`, before a release
#   make gates                                       what the homeworks' tests let through: nothing wrong may pass
#   make gradients                                   what proves each op's values and gradients, and what does not
#   make equality                                    graph x execution x passes: all must compute the same
#   make applications                                trains every application, and prints the table of accuracies
#   make pictures                                    draws the views' pictures anew, docs/gallery too; look at what changed
#   make cuda                                        what each CUDA kernel has been held against, and mistakes found
#   make gpu                                         values and times of cuda() on a machine with a card: 8 minutes
#   make bench                                       speed against NumPy and PyTorch, side by side
#   make sanitize                                    the C tests under AddressSanitizer, UBSan and TSan
#   make clean                                       removes what the commands above made

# The first Python that is new enough; make PYTHON=/path/to/python3 names another.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && exit; done; echo python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
PY     := $(BIN)/python
LAB_ARGS ?=
PYTEST_ARGS ?=
MINUTES ?= 2
SEED ?=

# Python keeps what it compiled, also where it is told not to: the tests start it some hundred times.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help
.PHONY: help again lab test lint types unit homeworks browser pictures notebooks all slow hidden simulated orders isas gates gradients fuzz equality applications bench sanitize parity clean

help:
	@sed -n '1,17s/^# \{0,1\}//p' Makefile

# --- set-up: a virtual environment with this checkout in it; installed again when pyproject.toml changes -----------

# A virtual environment works only where it was made, and only with the Python it was made with. If the folder was
# renamed or that Python is gone, it is made anew.
FRESH := $(shell test "$$(cat $(VENV)/.made 2>/dev/null)" = "$(CURDIR)" && $(PY) -c '' 2>/dev/null && echo yes)

$(VENV)/.made: $(if $(FRESH),,again)
	@command -v "$(PYTHON)" >/dev/null || { echo "needle_edu: no '$(PYTHON)' found. Install Python 3.11 or newer, or say: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "needle_edu: $$("$(PYTHON)" --version 2>&1) is too old; Python 3.11 or newer is needed. If you have one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "needle_edu: this Python has no venv module. On Debian or Ubuntu: sudo apt install $$("$(PYTHON)" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; exit 1; }
	"$(PYTHON)" -m venv $(if $(wildcard $(VENV)/.made),--clear) $(VENV)
	@echo "$(CURDIR)" > $@

define install
	@echo "needle_edu: installing into $(VENV) (once; needs the network) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[$(1)]' || { echo "needle_edu: the installation did not finish; the lines above say why. The first run needs the network (or a pip mirror: PIP_INDEX_URL); run the same command again when it is there, nothing is lost."; exit 1; }
endef

$(VENV)/.lab: $(VENV)/.made pyproject.toml setup.py
	$(call install,lab)
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml setup.py
	$(call install,test)
	@touch $@ $(VENV)/.lab

# All at once: pip looks for what fits together, and prepares this checkout, a single time.
comma := ,
$(VENV)/.parity: $(VENV)/.made pyproject.toml setup.py
	$(call install,test$(comma)parity)
	@touch $@ $(VENV)/.test $(VENV)/.lab

# --- the two commands ---------------------------------------------------------------------------------------------

lab: $(VENV)/.lab
	@$(PY) -m needle_edu lab $(LAB_ARGS)

# Each stage with its budget in minutes; tests/stages.sh prints what it took. What is longer goes to `make all`.
# mypy has one thread, so it runs beside the arrays on the simulated card.
test: $(VENV)/.test
ifeq ($(PYTEST_ARGS),)
	@sh tests/stages.sh "make test" 27 "lint 0.5 $(MAKE) lint" "units 11 $(MAKE) unit" \
	  "types 1 $(MAKE) -j 2 types simulated" "homeworks 6.5 $(MAKE) homeworks" "browser 5 $(MAKE) browser" "notebooks 3 $(MAKE) notebooks"
else
	@$(MAKE) unit
endif

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

# A compiler that is there must be what the tests ran on: tests/packaging/test_native.py fails otherwise.
# Every test is in one of unit, homeworks, browser and slow.
# In the order of the folders: reordered by size, the longest test of all, in a file of its own, would come last.
# A process that dies is not replaced: its test would be run again, and pytest-xdist 3.8 may wait for it for ever.
TESTS := $(PY) -m pytest --no-loadscope-reorder -n 2 --dist loadfile --max-worker-restart=0

unit: $(VENV)/.test
	$(TESTS) $(or $(PYTEST_ARGS),-m "not browser and not slow" --ignore=tests/course)

homeworks: $(VENV)/.test
	$(TESTS) -m "not slow" tests/course

# tests/conftest.py allows tests for a browser in these two folders alone: to collect all takes half a minute.
browser: $(VENV)/.test
	$(TESTS) -m "browser and not slow" tests/browser tests/viz

pictures: $(VENV)/.test
	NEEDLE_EDU_PICTURES=write $(BIN)/python -m pytest -q -n0 tests/browser/test_pictures.py -k looks_as_it_did
	NEEDLE_EDU_PICTURES=write $(BIN)/python -m pytest -q -n0 -m "not slow" tests/browser/test_live_views.py -k "click or layers"
	$(PY) -m tests.browser.gallery
	git status --short tests/browser/pictures docs/gallery docs/live

# Every notebook, top to bottom, in a copy in which every error counts.
notebooks: $(VENV)/.test
	@$(PY) tests/notebooks/strict_copy.py build/notebooks
	$(PY) -m pytest -p nbval -n 2 --dist loadfile --max-worker-restart=0 --nbval-lax --nbval-current-env --nbval-cell-timeout=120 build/notebooks

# --- for those who work on needle_edu itself -----------------------------------------------------------------------

# What takes longer than `make test` may: run it before an issue is called resolved.
all: $(VENV)/.parity
	@sh tests/stages.sh "make all" 99 "test 27 $(MAKE) test" "slow 16 $(MAKE) slow" "hidden 3 $(MAKE) hidden" "orders 10 $(MAKE) orders" \
	  "isas 24 $(MAKE) isas" "gradients 2 $(MAKE) gradients" "equality 8 $(MAKE) equality GRAPHS=100" "fuzz 6 $(MAKE) fuzz MINUTES=5" "sanitize 4 $(MAKE) sanitize"

slow: $(VENV)/.test habits
	$(TESTS) -m slow tests || [ $$? = 5 ] # pytest's status when none is marked

# Arrays, gradients and training once more, on a device whose memory NumPy cannot see.
hidden: $(VENV)/.test
	$(TESTS) -q --device hidden -m "not slow" -k "not np_mode" $(addprefix tests/,ndarray autograd nn optim init metrics data graph)

# Arrays, all of them and their properties, in the memory of the simulated card; with EVERYTHING=1 all that `hidden` runs.
simulated: $(VENV)/.test
	$(TESTS) -q --device cuda_sim -m "not slow" -k "not np_mode" $(addprefix tests/,ndarray $(if $(EVERYTHING),autograd nn optim init metrics data graph))

# The folders of arrays and ops five times, in five random orders: no test may need what another one left behind.
orders: $(VENV)/.test
	for order in 1 2 3 4 5; do $(PY) -m pytest -q --shuffle $$order tests/backend tests/ndarray tests/autograd || exit; done

# The ops' tests with the habits of the name `needle` on (docs/needle.md): the library depends on none of them.
.PHONY: habits
HABITS := $(addprefix tests/autograd/test_,ops.py array_ops.py convolution.py pooling.py cross_entropy.py parity.py)
habits: $(VENV)/.test
	$(PY) -m pytest -q -n0 -p tests.needle.habits_on $(HABITS)

# All tests but the slow ones under each instruction set that this machine has.
isas: $(VENV)/.test
	for isa in $$($(PY) -c 'from needle_edu.backend import available_isas; print(*available_isas())'); do \
	  echo "needle_edu: all tests under NEEDLE_EDU_ISA=$$isa"; \
	  NEEDLE_EDU_ISA=$$isa $(TESTS) -q -m "not slow" || exit; done

# A table: op x {NumPy, finite differences, PyTorch, second derivative} x backend; a gap fails. `isas` runs all tests,
# the short form of this one too, on each instruction set.
gradients: $(VENV)/.parity
	$(PY) -m tests.gradients

# A table: question x {reference, empty copy, stubs, wrong answers, mutants of the solution}; a survivor fails.
gates: $(VENV)/.test
	@$(PY) -m tests.course.gates

# A table: 500 random graphs and every application's step x passes x {interpreter, poisoned memory, C}.
equality: $(VENV)/.test
	$(PY) -m tests.graph.equality $(if $(GRAPHS),--graphs $(GRAPHS))

fuzz: $(VENV)/.test
	$(PY) -m tests.fuzz --minutes $(MINUTES) $(if $(SEED),--seed $(SEED)) $(PYTEST_ARGS)

parity: $(VENV)/.parity

# A table: CUDA kernel x {plain, check, profile, nvcc}, and the mutation gate; see docs/cuda.md. FAMILY=pooling: one family.
.PHONY: cuda gpu simulator-arm64 simulator-speed
cuda: $(VENV)/.test
	$(PY) -m tests.backend.cuda.table $(if $(FAMILY),--family "$(FAMILY)")

# The simulator as an arm64 machine has it, in an emulator: kernels, seeded bugs and faults, plain and check.
simulator-arm64: $(VENV)/.test
	$(PY) -m tests.backend.cuda.arm64

# How fast the simulator is, beside loops in C++, and what is wanted: a table.
simulator-speed: $(VENV)/.test
	$(PY) -m tests.backend.cuda.speed

# On a machine with an NVIDIA card; with the Python that is there (numpy, cffi, pytest), and no network.
gpu:
	$(PYTHON) -m tests.backend.cuda.on_a_card

bench: $(VENV)/.parity
	$(PY) -m pytest tests/benchmarks --benchmark-only --benchmark-disable-gc -p no:xdist $(PYTEST_ARGS)

# Each application beside PyTorch, on the data that is at hand: an hour, most of it CIFAR-10's.
applications: $(VENV)/.parity
	$(PY) -m tests.applications --beside

sanitize: asan tsan
	sh tests/graph/sanitized.sh --graphs 12 || [ $$? = 77 ] # compiled programs; 77: skipped, and said

# The C library and its tests under both sanitizers, by other compilers, and for another processor (in qemu).
.PHONY: asan tsan arm64 compilers with-clang with-gcc-11
asan tsan arm64:
	bash csrc/tests/run.sh $@
COMPILERS := clang gcc-11
compilers: $(COMPILERS:%=with-%)
$(COMPILERS:%=with-%): with-%:
	bash csrc/tests/compilers.sh $*

# What students wrote stays: needle-edu-course/, and homework in my-*, with the checkpoints Jupyter made of it.
clean:
	rm -rf $(VENV) build dist *.egg-info __pycache__ .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find needle_edu tests notebooks -name __pycache__ -type d -prune -exec rm -rf {} +
	find notebooks -path 'notebooks/my-*' -prune -o -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +
