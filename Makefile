# The commands of the README; CI runs the same ones.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1

QUICK := tests/test_project.py $(addprefix tests/,core config tables series evaluation)

.PHONY: run test quick test-faults test-browser ui demo-retraining install lint types check docs bench calibration lock

run: install
	dvc repro
	@echo
	@echo "The report is data/6_verdict/report.html; 'make ui' opens every run in MLflow."

test: install lint types check

# What a change is most likely to break, in under a minute: no test here imports TensorFlow.
quick: install lint types
	pytest -q -n auto --dist loadfile $(QUICK)

test-faults: install
	pytest -m "slow and not browser"

# Chromium or Chrome opens the report; the rest of the suite needs no browser.
test-browser: install
	pytest -m browser

ui: install
	python -m pipeline.tracking

# A year of deliveries, most of them bad, in a copy of this repository; about four minutes.
demo-retraining: install
	python -m examples.retraining --figure docs/images/retraining.png

install: .venv/installed

.venv/installed: requirements.lock
	@python3 -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("python3 is " + sys.version.split()[0] + "; this project needs Python 3.11, 3.12 or 3.13")'
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

lint:
	ruff check
	ruff format --check

types:
	mypy

check:
	pytest -n auto --dist loadfile --no-loadscope-reorder

docs: install
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	@echo "Open site/index.html; 'python3 -m http.server -d site' adds the search."

bench: install
	python benchmarks/throughput.py
	python -m benchmarks.catalogue

# How often the verdict's answers are wrong, on simulated studies; its figures go to docs/log.md.
calibration: install
	python -m benchmarks.calibration

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --group dev pyproject.toml -o requirements.lock
