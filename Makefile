# Needs Go and make, nothing else by hand.
SHELL := /bin/bash
GO    ?= go
DIST  := plugins/dist

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
WASM    := GOOS=wasip1 GOARCH=wasm $(GO) build -trimpath -ldflags="-s -w" -buildmode=c-shared
# A plugin carries the golden vectors that stand beside its code, if there are any.
CARRY    = { [ ! -f $(1)/testdata/vectors.json ] || GOOS= GOARCH= $(GO) run ./cmd/switchyard plugin vectors add $@.new $(1)/testdata/vectors.json >/dev/null; }

PROVIDERS  := $(notdir $(patsubst %/main.go,%,$(wildcard plugins/providers/*/main.go)))
STRATEGIES := $(notdir $(patsubst %/main.go,%,$(wildcard plugins/strategies/*/main.go)))
MODULES    := $(PROVIDERS:%=$(DIST)/%.wasm) $(STRATEGIES:%=$(DIST)/%.wasm)

.DEFAULT_GOAL := help
# The race detector needs a C compiler; without one the same tests run without it.
RACE := $(if $(shell command -v $${CC:-gcc} 2>/dev/null),-race)
# Code that runs in guests, one goroutine each, and tests that look at processes from outside: the race detector
# finds nothing there, and makes compiling modules many times slower.
ALONE := /(plugins|examples|sdk|internal/e2e)(/|$$)
# What the race detector's build can't be asked, such as what allocates nothing, is in files of its own.
UNRACED = $(shell grep -rlE '^//go:build !race$$' --include='*_test.go' .)
UNRACED_TESTS = '^('$$(grep -hoE '^func Test\w+' $(UNRACED) | cut -c 6- | paste -sd '|' -)')$$'
# go vet has looked at everything by then.
TEST := $(GO) test -vet=off -shuffle=on -timeout 30m
# go run builds a tool anew only when its version changes.
LINT := $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

FUZZTIME ?= 30s
CASES    ?= ../shared/cases
ROUNDS   ?= 5
# More flags for make bench, such as BENCHFLAGS='-sections closed -contenders direct,echo,switchyard'; bench/README.md has them.
BENCHFLAGS ?=

.PHONY: help run build plugins test race e2e cases hostile fuzz bench microbench lint format docs check clean FORCE

help: ## Show this help
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: build ## Start the router on simulated vendors, send two requests, keep serving
	@bin/switchyard quickstart

build: plugins ## Build bin/switchyard and plugins/dist/*.wasm
	@mkdir -p bin
	$(GO) build -trimpath -ldflags="$(LDFLAGS)" -o bin/switchyard ./cmd/switchyard

plugins: $(MODULES) ## Build every plugin to plugins/dist

# The Go build cache knows what is up to date; a module is replaced by rename, as a running router expects.
$(PROVIDERS:%=$(DIST)/%.wasm): $(DIST)/%.wasm: FORCE
	@mkdir -p $(DIST)
	@$(WASM) -o $@.new ./plugins/providers/$* && $(call CARRY,plugins/providers/$*) && { cmp -s $@.new $@ && rm $@.new || { mv $@.new $@; echo "built $@"; }; }

$(STRATEGIES:%=$(DIST)/%.wasm): $(DIST)/%.wasm: FORCE
	@mkdir -p $(DIST)
	@$(WASM) -o $@.new ./plugins/strategies/$* && $(call CARRY,plugins/strategies/$*) && { cmp -s $@.new $@ && rm $@.new || { mv $@.new $@; echo "built $@"; }; }

FORCE:

test: ## Run everything that must hold and needs Go alone
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "not formatted: make format"; exit 1; }
	$(GO) vet ./...
	$(TEST) $(RACE) $$($(GO) list ./... | grep -vE '$(ALONE)')
	$(TEST) $$($(GO) list ./... | grep -E '$(ALONE)')
	$(if $(RACE),$(TEST) -run $(UNRACED_TESTS) $$(dirname $(UNRACED) | sort -u))

race: ## Run all but the end-to-end tests with the race detector
	$(GO) test -race -shuffle=on -timeout 60m $$($(GO) list ./... | grep -v internal/e2e)

e2e: ## Run SDKs, a policy in AssemblyScript and an API tester against the router (needs python3, npm, their registries)
	$(GO) test -tags e2e -run 'TestPython|TestNode|TestDescription' -count=1 -timeout 30m ./internal/e2e ./examples/policies/...

cases: build ## Run recorded translation cases from $(CASES) through the router, if they are there
	@.ci/cases "$(CASES)"

hostile: ## Run hostile modules against the host and the router, then show what others felt of it
	$(GO) test -count=1 -run TestHostile ./host ./internal/e2e
	@set -o pipefail; $(GO) test -v -run '^$$' -bench Hostile -benchtime 1x ./host ./internal/e2e | grep -v msg=

fuzz: ## Run every fuzz target for FUZZTIME (30s, or 20000x for a count)
	@.ci/fuzz $(FUZZTIME)

bench: build ## Compare the router with proxies and gateways on loopback: ROUNDS=5, QUICK=1 for a short look
	@mkdir -p bench/.work
	cd bench && $(GO) build -o .work/bench . && .work/bench -rounds $(ROUNDS) $(if $(QUICK),-quick) $(BENCHFLAGS)

microbench: ## Run the benchmarks of single packages
	$(GO) test -run '^$$' -bench . -benchmem ./sdk/... ./host ./plugins/... ./internal/gateway ./internal/store/... ./internal/upstream ./server

lint: ## Run the linters
	$(LINT) run ./...

format: ## Format the code
	gofmt -w .

docs: ## Write docs/config.md, docs/plugins.md and the tables of docs/rules.md from the code
	$(GO) test -run TestReferenceFileIsCurrent ./internal/config ./plugins ./plugins/strategies/rules -update

check: test lint docs ## Run tests and linters, and fail on a tree that is not clean
	@git diff --exit-code
	@test -z "$$(git status --porcelain)" || { git status --short; exit 1; }

clean: ## Remove what was built
	rm -rf bin $(DIST)
