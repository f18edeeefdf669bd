# Needs Go and make, nothing else by hand.
SHELL := /bin/bash
GO    ?= go
DIST  := plugins/dist

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
WASM    := GOOS=wasip1 GOARCH=wasm $(GO) build -trimpath -ldflags="-s -w" -buildmode=c-shared

PROVIDERS  := $(notdir $(patsubst %/main.go,%,$(wildcard plugins/providers/*/main.go)))
STRATEGIES := $(notdir $(patsubst %/main.go,%,$(wildcard plugins/strategies/*/main.go)))
MODULES    := $(PROVIDERS:%=$(DIST)/%.wasm) $(STRATEGIES:%=$(DIST)/%.wasm)

.DEFAULT_GOAL := help
.PHONY: help run build plugins test race fuzz bench lint format docs check clean FORCE

help: ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

run: build ## Start the router on simulated vendors, send two requests, keep serving
	@bin/switchyard quickstart

build: plugins ## Build bin/switchyard and plugins/dist/*.wasm
	@mkdir -p bin
	$(GO) build -trimpath -ldflags="$(LDFLAGS)" -o bin/switchyard ./cmd/switchyard

plugins: $(MODULES) ## Build every plugin to plugins/dist

# The Go build cache knows what is up to date; a module is replaced by rename, as a running router expects.
$(PROVIDERS:%=$(DIST)/%.wasm): $(DIST)/%.wasm: FORCE
	@mkdir -p $(DIST)
	@$(WASM) -o $@.new ./plugins/providers/$* && { cmp -s $@.new $@ && rm $@.new || { mv $@.new $@; echo "built $@"; }; }

$(STRATEGIES:%=$(DIST)/%.wasm): $(DIST)/%.wasm: FORCE
	@mkdir -p $(DIST)
	@$(WASM) -o $@.new ./plugins/strategies/$* && { cmp -s $@.new $@ && rm $@.new || { mv $@.new $@; echo "built $@"; }; }

FORCE:

clean: ## Remove what was built
	rm -rf bin $(DIST)
