# The default goal prints the others.
.DEFAULT_GOAL := help
.PHONY: help build run test bench bench-compare fuzz chaos lint ci clean \
  up replay down exercise localstack package sam-build sam-invoke deploy-local test-local-aws infra-docs lint-template build-IngestFunction build-MaintainFunction

GO      ?= go
GOFLAGS := -trimpath
# A function needs no RPC mode (a runtime that AWS has retired), no symbols and no C library.
FUNCTION_BUILD := CGO_ENABLED=0 $(GO) build $(GOFLAGS) -tags lambda.norpc -ldflags "-s -w"
FUZZTIME ?= 30s

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build build/sqs2pg and the functions' bootstraps for this machine.
	@$(FUNCTION_BUILD) -o build/ingest/bootstrap ./lambda/ingest
	@$(FUNCTION_BUILD) -o build/maintain/bootstrap ./lambda/maintain
	@$(GO) build $(GOFLAGS) -o build/sqs2pg ./lambda/sqs2pg

run: build ## Start Postgres and SQS here, send 100 logins, load them, show the rows.
	@build/sqs2pg run

test: ## Run all tests, raced and shuffled, against a Postgres of their own.
	$(GO) test -race -shuffle=on -timeout 10m ./...

bench: build ## Measure the writer and the whole path against COPY, as ratios of one run.
	$(GO) test -run '^$$' -bench . -benchmem ./pkg/... ./lambda/...

BENCH ?= .
PKG ?= ./...

bench-compare: ## Compare the speed with that at REV, a commit; BENCH (a regexp) and PKG choose benchmarks.
	@$(GO) run ./infra/bench -commit '$(REV)' -bench '$(BENCH)' $(PKG)

fuzz: ## Fuzz every parser, FUZZTIME (30s) each.
	@$(GO) list ./... | while read -r package; do \
	  for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
	  done; \
	done

# A seed makes the same messages and faults again; it is printed first.
SEED ?=
MESSAGES ?= 1000000
FAULTS ?= 250

chaos: ## Load MESSAGES (1000000) under FAULTS (250) by SEED, and compare the table with what was sent.
	CHAOS_SEED=$(SEED) CHAOS_MESSAGES=$(MESSAGES) CHAOS_FAULTS=$(FAULTS) $(GO) test -count=1 -timeout 60m -run '^TestChaos$$' -v ./lambda/ingest

lint: ## Check formatting, vet and staticcheck.
	@test -z "$$(gofmt -l .)" || { echo "run gofmt -w on:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# --- LocalStack and Postgres, by Docker: see docker-compose.yml ---

export COMPOSE_PROJECT_NAME ?= sqs2pg
export LOCALSTACK_PORT ?= 4566
export POSTGRES_PORT ?= 5432
LOCAL_AWS = AWS_ENDPOINT_URL=http://127.0.0.1:$(LOCALSTACK_PORT) AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
# The secrets name the host as containers find it; from here it is another.
HERE = DATABASE_HOST=127.0.0.1 DATABASE_PORT=$(POSTGRES_PORT)

up: ## Start LocalStack with a filled queue, and Postgres.
	docker compose up --detach --wait

replay: build ## Drain LocalStack's queue into the Postgres of make up, through the function.
	@$(LOCAL_AWS) $(HERE) DATABASE_SECRET_ID=sqs2pg/owner build/sqs2pg migrate
	@$(LOCAL_AWS) $(HERE) DATABASE_SECRET_ID=sqs2pg/database MASK_SECRET_ID=sqs2pg/keyring \
	  build/sqs2pg invoke --queue login-queue --retry-delay 0s

down: ## Remove what make up has started, the data too.
	@docker ps --all --quiet --filter name=^$(COMPOSE_PROJECT_NAME)-localstack-1-lambda- | xargs -r docker rm --force >/dev/null
	docker compose --profile exercise down --volumes

exercise: build ## Load the 100 messages of the well-known exercise's own images into its own table.
	docker compose --profile exercise up --detach --wait exercise-localstack exercise-postgres
	@export DATABASE_URL=postgres://postgres:postgres@127.0.0.1:$${EXERCISE_POSTGRES_PORT:-5433}/postgres; \
	  build/sqs2pg migrate && $(LOCAL_AWS) AWS_ENDPOINT_URL=http://127.0.0.1:$${EXERCISE_LOCALSTACK_PORT:-4567} \
	  build/sqs2pg invoke --queue login-queue

localstack: ## Start LocalStack without Docker, filled as by make up.
	@infra/localstack/start $(LOCALSTACK_PORT)

# --- for AWS ---

# The processor of the functions: arm64 or x86_64, as the template's parameter Architecture.
ARCH ?= arm64
HOST_ARCH := $(patsubst aarch64,arm64,$(shell uname -m))
FOR_LAMBDA = GOOS=linux GOARCH=$(patsubst x86_64,amd64,$(ARCH)) $(FUNCTION_BUILD)

build-IngestFunction: # by sam build
	$(FOR_LAMBDA) -o "$(ARTIFACTS_DIR)/bootstrap" ./lambda/ingest

build-MaintainFunction:
	$(FOR_LAMBDA) -o "$(ARTIFACTS_DIR)/bootstrap" ./lambda/maintain

package: ## Write build/ingest.zip and build/maintain.zip for Lambda, ARCH (arm64) or x86_64.
	@for f in ingest maintain; do \
	  mkdir -p build/package/$$f && $(FOR_LAMBDA) -o build/package/$$f/bootstrap ./lambda/$$f && touch -d 1980-01-01T00:00Z build/package/$$f/bootstrap && \
	  rm -f build/$$f.zip && TZ=UTC zip -q -X -j build/$$f.zip build/package/$$f/bootstrap || exit 1; \
	done
	@ls -l build/ingest.zip build/maintain.zip

sam-build: ## Build for sam deploy, ARCH (arm64) or x86_64.
	ARCH=$(ARCH) sam build --parameter-overrides Architecture=$(ARCH)

sam-invoke: build ## Run the function by sam local invoke with a batch of LocalStack's queue, after make up.
	@infra/localstack/sam-invoke $(HOST_ARCH)

deploy-local: build ## Deploy the template onto LocalStack, send 100 messages, see them in Postgres, delete it again; after make up.
	@infra/localstack/deploy $(HOST_ARCH)

test-local-aws: ## Check make up, replay, sam-invoke, deploy-local and down, one after the other.
	@infra/localstack/test

infra-docs: ## Write the tables of infra/README.md from the template.
	$(GO) test ./infra -run Readme -update

lint-template: ## Check the templates with cfn-lint and SAM.
	cfn-lint template.yaml infra/database.yaml
	sam validate --lint --region us-east-1

ci: lint test ## What the continuous integration runs.

clean: ## Remove what was built. The local database and keyring in .sqs2pg stay.
	rm -rf build
