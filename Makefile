# Two commands for users: make score, make test. Everything else is a detail.
PYTHON ?= python3
TRACK ?= cifar10-quick
SUBMISSION ?= $(or $(wildcard submissions/$(TRACK)/finetune.py),submissions/finetune.py)
SUBMISSIONS ?= $(or $(wildcard submissions/$(TRACK)),submissions)
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup setup-browser score test campaign lint format bench bank verify leaderboard \
  leaderboard-check site clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 14

setup: $(READY) ## Make .venv and install everything into it (safe to repeat)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "unlearn-eval needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# In the environment it holds for what builds the package, too: by the first name
	@# until pip 25.2, by the second from 25.3 on.
	PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	  $(BIN)/python -m pip install --quiet \
	  --disable-pip-version-check --editable '.[dev,notebooks]'
	@sh scripts/install_bubblewrap.sh
	@touch $(READY)

setup-browser: $(READY) ## Install what pages are tested with: Chromium, axe-core
	@sh scripts/install_browser.sh

score: $(READY) ## Score a submission (SUBMISSION=path TRACK=name)
	$(BIN)/unlearn-eval score $(SUBMISSION) --track $(TRACK)

test: $(READY) ## Run the tests
	$(BIN)/python -m pytest -n 3 --dist worksteal -q

campaign: $(READY) ## Kill scorings and builds at random moments, for minutes
	$(BIN)/python -m pytest -n 2 -q -m campaign

lint: $(READY) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## Put the code into the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## Measure speed (ratios within one run)
	$(BIN)/python scripts/bench.py
	$(BIN)/python scripts/bench_metric.py

bank: $(READY) ## Build a track's reference bank (TRACK=name)
	$(BIN)/unlearn-eval reference build --track $(TRACK)

verify: $(READY) ## Check the shipped reference bank by retraining a few of its models
	$(BIN)/unlearn-eval reference verify --track $(TRACK)

# Exit code 3 says that some submission was not scored: EU-k is over the budget.
# A track with submissions of its own, in a folder called like it, gets those.
leaderboard: $(READY) ## Score all submissions twice and write submissions/leaderboard
	for seed in 0 1; do \
	  $(BIN)/unlearn-eval score $(SUBMISSIONS) --official --track $(TRACK) --seed $$seed -q \
	    > /dev/null || test $$? -eq 3 || exit 1; \
	done
	$(BIN)/unlearn-eval leaderboard --track $(TRACK) --update

site: $(READY) ## Write the committed leaderboards as a static site into site/
	$(BIN)/unlearn-eval site site

leaderboard-check: $(READY) ## Compute every committed figure again and compare
	$(BIN)/unlearn-eval leaderboard --track $(TRACK) --check

clean: ## Remove the environment, results and caches of this folder
	rm -rf .venv runs site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
