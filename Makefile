# The entry points; each sets up what it needs. The work is in CMake and tools/.
BUILD := build
JOBS ?= $(shell nproc)
FUZZ_SECONDS ?= 300
TARGET ?=
BENCH ?=
MATRIX ?=
BLOCKS ?= 5
SCENARIO ?=
CASES ?=
TRIALS ?=
ONLY ?=
export LOOPSCOPE_FIXTURES ?= $(CURDIR)/build/fixtures

.PHONY: help build run demo test field fixtures configure format check-format lint asan tsan fuzz bench culprit-matrix matrix test-cluster dashboards chart image image-root arm64 clean distclean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-15s %s\n", $$1, $$2}'

build: ## build/bin/loopscope and build/bin/loopscope-server
	@tools/setup.sh build
	cmake --preset release -DLOOPSCOPE_BUILD_TESTS=OFF
	cmake --build $(BUILD) --parallel $(JOBS) --target bin/loopscope bin/loopscope-server

run: build ## server, watcher, traffic and a live table; TARGET="node app.js" watches that program
	@TARGET="$(TARGET)" tools/run.sh

demo: build ## ill servers and healed ones, real Prometheus and Alertmanager; SCENARIO=NAME plays one, DEMO_KEEP=1 keeps it up
	@tools/setup.sh demo
	@ONLY=22 tools/node_fixtures.sh
	@python3 tools/demo $(SCENARIO)

configure:
	@tools/setup.sh build test
	cmake --preset release -DLOOPSCOPE_BUILD_TESTS=ON

fixtures: ## the Node binaries and the Helms the tests run against
	@tools/setup.sh test
	@tools/node_fixtures.sh
	@tools/helm_fixtures.sh

test: fixtures configure ## build everything, run every test
	cmake --build $(BUILD) --parallel $(JOBS)
	tools/run_tests.sh $(BUILD)

format: ## lay the C++ code out with clang-format
	@tools/setup.sh lint
	tools/lint.sh format

check-format:
	@tools/setup.sh lint
	tools/lint.sh check-format

lint: configure check-format ## layout, clang-tidy, shellcheck, include check
	tools/lint.sh tidy $(BUILD)
	tools/lint.sh shell
	tools/check_includes.py

asan: ## unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@tools/setup.sh build test
	tools/run_sanitized.sh asan unit_tests '^unit'

tsan: ## unit tests of the threaded modules under ThreadSanitizer
	@tools/setup.sh build test
	tools/run_sanitized.sh tsan threaded_unit_tests '^unit-threaded'

fuzz: ## every fuzz target for FUZZ_SECONDS each
	@tools/setup.sh build fuzz
	cmake --preset fuzz
	cmake --build --preset fuzz --parallel $(JOBS)
	tools/run_fuzzers.sh build-fuzz $(FUZZ_SECONDS)

bench: fixtures build ## cost to the target, own footprint, scrape latency: build/bench/results.md
	bench/run.py $(BENCH)

culprit-matrix: fixtures build ## how often culprits are named right, on every Node: build/culprit-matrix.md
	tests/e2e/culprit_matrix_report.py $(MATRIX)

field: fixtures build ## plays cases made after bug reports; CASES="DIR..." more folders of them, ONLY="NAME..." some: build/field/field.md
	@python3 tests/field $(foreach folder,$(CASES),--cases $(folder)) $(ONLY)

matrix: fixtures build ## the long tests: blocking lines by Node version and compiler tier (docs/culprit-accuracy.md), programs that are no loops, 1,000 reloads
	@tools/setup.sh matrix
	VERSIONS=all tools/node_fixtures.sh
	tests/e2e/no_loop_test.py --long
	tests/e2e/reload_storm_test.py 1000
	tests/e2e/culprit_lines_report.py --blocks $(BLOCKS)

test-cluster: fixtures image ## the chart on a real Kubernetes of one node; TRIALS="NAME..." plays some; the first time builds the cluster, for half an hour
	@tools/setup.sh cluster
	@PYTHONDONTWRITEBYTECODE=1 python3 tests/cluster $(TRIALS)

dashboards: ## write the Grafana dashboards anew from dashboards/generator
	@tools/setup.sh dashboards
	tools/dashboards.sh

chart: ## write anew what is made from the Helm chart: README's table, golden manifests, Kustomize components
	@tools/setup.sh test
	@tools/helm_fixtures.sh
	tools/chart_readme.py
	PYTHONDONTWRITEBYTECODE=1 tests/helm/update.py

image: build ## container image, without a registry: build/image/loopscope.oci.tar
	@tools/setup.sh image
	tools/image.sh oci $(BUILD)/image

image-root: build ## only its root file system: build/image/root
	@tools/setup.sh image-root
	tools/image.sh root $(BUILD)/image

arm64: ## compile the programs for 64-bit ARM: build-arm64/bin
	tools/cross_arm64.sh build-arm64 $(JOBS)

clean: ## remove what was built; downloads in build/fixtures stay
	find $(BUILD) -mindepth 1 -maxdepth 1 ! -name fixtures -exec rm -rf {} + 2>/dev/null || true
	rm -rf build-dev build-asan build-tsan build-fuzz build-arm64

distclean: clean
	rm -rf $(BUILD) dashboards/generator/node_modules web/node_modules tests/helm/node_modules
