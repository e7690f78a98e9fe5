# `make app` and `make test` do all of their own set-up; a second run starts at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# `MOODLENS_TORCH=cpu make app` installs PyTorch for the processor alone, from PyTorch's own index: on
# Linux, pip's own choice brings gigabytes of CUDA.
PIP := $(if $(filter cpu,$(MOODLENS_TORCH)),PIP_EXTRA_INDEX_URL="$$PIP_EXTRA_INDEX_URL https://download.pytorch.org/whl/cpu") \
	$(BIN)/python -m pip
CODE := app.py moodlens training tests

.PHONY: app test bench lighthouse soak style quality screenshots fuzz clean

app: $(VENV)/.app-installed
	$(BIN)/python app.py

test: quality $(VENV)/.browser-installed
	$(BIN)/python -m pytest

bench: $(VENV)/.tests-installed
	$(BIN)/python -m tests.benchmarks $(if $(QUICK),--quick) $(if $(DEVICE),--device $(DEVICE)) \
		$(if $(CHECKPOINT),--checkpoint $(CHECKPOINT)); services=$$?; \
	$(BIN)/python -m tests.benchmarks.scoring $(if $(QUICK),--rounds 1 --pictures 64) && exit $$services

# Needs Node.js; npx fetches Lighthouse once, into ~/.cache.
lighthouse: $(VENV)/.browser-installed
	$(BIN)/python -m tests.benchmarks.lighthouse

style: $(VENV)/.tests-installed
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

quality: $(VENV)/.tests-installed
	rm -f moodlens/interface/*.pyi  # Gradio writes them, and mypy would believe them
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/vermin --quiet --target=3.10- --no-tips $(CODE)
	$(BIN)/lint-imports --no-cache
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive app.py moodlens training
	$(BIN)/python -m tests.support.audit

screenshots: $(VENV)/.browser-installed
	$(BIN)/python -m tests.support.screenshots

# Minutes by choice: `make fuzz MINUTES=30`.
MINUTES ?= 5
fuzz: $(VENV)/.tests-installed
	$(BIN)/python -m tests.support.fuzz_images --minutes $(MINUTES)

# 63 clients for a minute, the faults, then the attacks; `make soak SECONDS=600` for longer.
SECONDS ?= 60
soak: $(VENV)/.tests-installed
	$(BIN)/python -m tests.soak --seconds $(SECONDS)

clean:
	rm -rf $(VENV)

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "MoodLens needs Python 3.10 or newer.")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.app-installed: requirements.txt | $(BIN)/python
	$(PIP) install -r requirements.txt
	touch $@

$(VENV)/.tests-installed: tests/requirements.txt training/requirements.txt $(VENV)/.app-installed
	$(PIP) install -r tests/requirements.txt
	touch $@

# An installed Chromium, else Debian's where apt can be used, else the one that Playwright brings; and
# a Firefox, installed or Debian's, or none.
$(VENV)/.browser-installed: $(VENV)/.tests-installed
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update && apt-get install -y --no-install-recommends chromium fonts-noto-color-emoji; \
	else $(BIN)/python -m playwright install chromium; fi
	@if command -v firefox-esr || command -v firefox; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update && apt-get install -y --no-install-recommends firefox-esr \
			|| echo "No Firefox; its tests are skipped."; fi
	touch $@
