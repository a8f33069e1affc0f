# make without a target prints the targets.
.DEFAULT_GOAL := help
.PHONY: help build run test test-postgres bench bench-compare bench-table bench-flat fuzz mutate chaos lint ci clean \
  up replay down exercise localstack package sam-build sam-invoke deploy-local test-local-aws images infra-docs lint-template check-contracts build-IngestFunction build-MaintainFunction build-MigrateFunction

GO      ?= go
export GOFLAGS := -trimpath
# The functions need no RPC mode (of a runtime that AWS has retired), no symbols and no C library.
FUNCTION_BUILD := CGO_ENABLED=0 $(GO) build $(GOFLAGS) -tags lambda.norpc -ldflags "-s -w"
FUZZTIME ?= 30s

help: ## Show this help.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build build/sqs2pg, the whole product in one file.
	@$(GO) build $(GOFLAGS) -o build/sqs2pg ./lambda/sqs2pg

run: build ## Start Postgres and SQS on this machine, send 100 logins, load them, show the rows.
	@build/sqs2pg run

test: ## Run all tests, raced and shuffled, against a Postgres that they start and remove.
	$(GO) test -race -shuffle=on -timeout 10m ./...

# The tests of make test run on the installed Postgres, directly.
test-postgres: ## Run the tests of pkg/postgres again: on the newest Postgres, downloaded, and through pgbouncer.
	TEST_POSTGRES=download TEST_POOLER=pgbouncer $(GO) test -timeout 10m ./pkg/postgres/...

bench: ## Measure the writer and the whole path against COPY, alternately in one run.
	$(GO) test -run '^$$' -bench . -benchmem ./pkg/... ./lambda/...

BENCH ?= .
PKG ?= ./...

bench-compare: ## Compare the speed with that at REV (a commit); BENCH (a regexp) and PKG choose benchmarks.
	@$(GO) run ./infra/bench -commit '$(REV)' -bench '$(BENCH)' $(PKG)

bench-table: ## Write the table of ratios in infra/PROOF.md: 7 runs, on an idle machine.
	@$(GO) run ./infra/bench -write infra/PROOF.md -bench 'Function|Writer|Guarded|Refused|Path|Script|Start|Memory|Heap|Invoke' ./lambda/ingest ./pkg/postgres ./pkg/ingest

FLAT_ROWS ?= 20000000

bench-flat: ## Compare the writer's rate at FLAT_ROWS (20000000) rows with that at a twentieth, and at 1,500 partitions with that at 17.
	FLAT_ROWS=$(FLAT_ROWS) $(GO) test -run '^$$' -bench Flat -benchtime 100x -timeout 60m ./pkg/postgres

fuzz: ## Fuzz each parser for FUZZTIME (30s).
	@$(GO) list ./... | while read -r package; do \
	  for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz'); do \
	    echo "$$package $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) "$$package" || exit 1; \
	  done; \
	done

# The same seed makes the same messages and faults. A run prints its seed first.
SEED ?=
MESSAGES ?= 1000000
FAULTS ?= 250

chaos: ## Load MESSAGES (1000000) under FAULTS (250) made by SEED, reveal meanwhile, and compare all with what was sent.
	CHAOS_SEED=$(SEED) CHAOS_MESSAGES=$(MESSAGES) CHAOS_FAULTS=$(FAULTS) $(GO) test -count=1 -timeout 60m -run '^TestChaos$$' -v ./lambda/ingest

MUTATE ?= mask vault contract ingest postgres

# A regexp of slow tests to leave out. Test the mutants that survive again, without it.
MUTATE_SKIP ?= ^$$

# A mutant is a small mistake, such as < for <=. The package's own tests must find it. pkg/mask takes seconds, pkg/ingest and
# pkg/postgres half an hour each. GOFLAGS gives go test what gremlins has no flag for.
mutate: ## Change the code of pkg/{mask,vault,contract,ingest,postgres} (MUTATE) in small ways, and list what their tests do not notice.
	@for package in $(MUTATE); do echo "pkg/$$package"; \
	  GOFLAGS="$(GOFLAGS) -vet=off -ldflags=-s -skip=$(MUTATE_SKIP)" nice $(GO) run ./infra/withpostgres \
	    $(GO) tool gremlins unleash --workers 2 --timeout-coefficient 5 --exclude-files / --output-statuses lt ./pkg/$$package || exit 1; \
	done

lint: ## Check formatting, vet and staticcheck.
	@test -z "$$(gofmt -l .)" || { echo "run gofmt -w on:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# --- LocalStack and Postgres, by Docker: see docker-compose.yml ---

export COMPOSE_PROJECT_NAME ?= sqs2pg
export LOCALSTACK_PORT ?= 4566
export POSTGRES_PORT ?= 5432
LOCAL_AWS = AWS_ENDPOINT_URL=http://127.0.0.1:$(LOCALSTACK_PORT) AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
# The secrets hold the host name that containers use. On this machine the host is another.
HERE = DATABASE_HOST=127.0.0.1 DATABASE_PORT=$(POSTGRES_PORT)

# One of the 100 messages is bad on purpose, and for a dead letter invoke exits with 1.
ONE_IS_BAD = || [ $$? = 1 ]

up: ## Start LocalStack with 100 messages on a queue, and Postgres, by Docker.
	docker compose up --detach --wait

replay: build ## Drain LocalStack's queue into the Postgres of make up, through the function.
	@$(LOCAL_AWS) $(HERE) DATABASE_SECRET_ID=sqs2pg/owner build/sqs2pg migrate --contract user_logins
	@$(LOCAL_AWS) $(HERE) DATABASE_SECRET_ID=sqs2pg/database MASK_SECRET_ID=sqs2pg/keyring \
	  build/sqs2pg invoke --contract user_logins --queue login-queue --retry-delay 0s $(ONE_IS_BAD)

down: ## Remove what make up started, with its data.
	@docker ps --all --quiet --filter name=^$(COMPOSE_PROJECT_NAME)-localstack-1-lambda- | xargs -r docker rm --force >/dev/null
	docker compose --profile exercise down --volumes

exercise: build ## Load the 100 messages of the well-known exercise, from its own images into its own table.
	docker compose --profile exercise up --detach --wait exercise-localstack exercise-postgres
	@export DATABASE_URL=postgres://postgres:postgres@127.0.0.1:$${EXERCISE_POSTGRES_PORT:-5433}/postgres; \
	  build/sqs2pg migrate --contract user_logins && $(LOCAL_AWS) AWS_ENDPOINT_URL=http://127.0.0.1:$${EXERCISE_LOCALSTACK_PORT:-4567} \
	  build/sqs2pg invoke --contract user_logins --queue login-queue $(ONE_IS_BAD)

localstack: ## Start LocalStack without Docker, with the same 100 messages.
	@infra/localstack/start $(LOCALSTACK_PORT)

# --- for AWS ---

# The processor of the functions, arm64 or x86_64: the same as the template's parameter Architecture.
ARCH ?= arm64
HOST_ARCH := $(patsubst aarch64,arm64,$(shell uname -m))
FOR_LAMBDA = GOOS=linux GOARCH=$(patsubst x86_64,amd64,$(ARCH)) $(FUNCTION_BUILD)

# The folder of the contracts that go into the zips, beside the bootstrap. The functions read them when they start.
CONTRACTS ?= infra/contracts

check-contracts:
	@$(GO) run ./lambda/sqs2pg contract check "$(CONTRACTS)/" >/dev/null

# Copies the contracts into the folder $(1).
copy_contracts = mkdir -p "$(1)/contracts" && cp "$(CONTRACTS)"/*.json "$(1)/contracts/"

build-IngestFunction: check-contracts # sam build calls it
	$(FOR_LAMBDA) -o "$(ARTIFACTS_DIR)/bootstrap" ./lambda/ingest && $(call copy_contracts,$(ARTIFACTS_DIR))

build-MaintainFunction: check-contracts
	$(FOR_LAMBDA) -o "$(ARTIFACTS_DIR)/bootstrap" ./lambda/maintain && $(call copy_contracts,$(ARTIFACTS_DIR))

build-MigrateFunction:
	$(FOR_LAMBDA) -o "$(ARTIFACTS_DIR)/bootstrap" ./lambda/migrate

package: check-contracts ## Write build/ingest.zip and build/maintain.zip for Lambda, for ARCH (arm64, or x86_64), with the contracts of the folder CONTRACTS.
	@for f in ingest maintain; do \
	  rm -rf build/package/$$f build/$$f.zip && mkdir -p build/package/$$f && $(FOR_LAMBDA) -o build/package/$$f/bootstrap ./lambda/$$f && \
	  $(call copy_contracts,build/package/$$f) && find build/package/$$f -exec touch -d 1980-01-01T00:00Z {} + && \
	  (cd build/package/$$f && find bootstrap contracts -type f | sort | TZ=UTC zip -q -X ../../$$f.zip -@) || exit 1; \
	done
	@ls -l build/ingest.zip build/maintain.zip

sam-build: ## Build for sam deploy, for ARCH (arm64, or x86_64), with the contracts of the folder CONTRACTS.
	ARCH=$(ARCH) CONTRACTS="$(abspath $(CONTRACTS))" sam build --parameter-overrides Architecture=$(ARCH)

sam-invoke: build ## After make up: run the function by sam local invoke, with a batch of LocalStack's queue.
	@infra/localstack/sam-invoke $(HOST_ARCH)

VARIANT ?= new

deploy-local: build ## After make up: deploy the template on LocalStack, load messages, delete it; VARIANT: see infra/localstack/deploy.
	@infra/localstack/deploy $(HOST_ARCH) $(VARIANT)

test-local-aws: ## Check make up, replay, sam-invoke, deploy-local and down, in this order.
	@infra/localstack/test

images: ## Draw the pictures of the README into .github/images.
	$(GO) test ./infra ./pkg/local/invoker -run Image -update

infra-docs: ## Write the parameters and outputs of the template into infra/README.md.
	$(GO) test ./infra -run Readme -update

lint-template: ## Check the templates with cfn-lint, SAM and checkov.
	cfn-lint template.yaml infra/database.yaml infra/scheduled/ecs.yaml
	sam validate --lint --region us-east-1
	checkov --config-file .checkov.yaml

ci: lint test test-postgres ## Run lint and all tests, as the continuous integration does.

clean: ## Remove build. The local database and keyring in .sqs2pg stay.
	rm -rf build
