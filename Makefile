# The default goal prints the others.
.DEFAULT_GOAL := help
.PHONY: help build run test bench fuzz lint ci clean

GO      ?= go
GOFLAGS := -trimpath
# A function needs no RPC mode (a runtime that AWS has retired), no symbols and no C library.
FUNCTION_BUILD := CGO_ENABLED=0 $(GO) build $(GOFLAGS) -tags lambda.norpc -ldflags "-s -w"
FUZZTIME ?= 30s

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build build/sqs2pg and the functions' bootstraps for this machine.
	@$(FUNCTION_BUILD) -o build/ingest/bootstrap ./lambda/ingest
	@$(GO) build $(GOFLAGS) -o build/sqs2pg ./lambda/sqs2pg

run: build ## Start Postgres and SQS here, send 100 logins, load them, show the rows.
	@build/sqs2pg run

test: ## Run all tests, raced and shuffled, against a Postgres of their own.
	$(GO) test -race -shuffle=on -timeout 10m ./...

bench: build ## Measure the writer and the whole path against COPY, as ratios of one run.
	$(GO) test -run '^$$' -bench . -benchmem ./pkg/... ./lambda/...

fuzz: ## Fuzz every parser, FUZZTIME (30s) each.
	@$(GO) list ./... | while read -r package; do \
	  for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
	  done; \
	done

lint: ## Check formatting, vet and staticcheck.
	@test -z "$$(gofmt -l .)" || { echo "run gofmt -w on:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

ci: lint test ## What the continuous integration runs.

clean: ## Remove what was built. The local database and keyring in .sqs2pg stay.
	rm -rf build
