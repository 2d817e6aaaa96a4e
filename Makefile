SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
KEDGE    := bin/kedge
FUZZTIME ?= 1m
VERSIONS ?= 13 14 15 16 17 18

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/kedge, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(KEDGE) ./cmd/kedge

.PHONY: demo
demo: ## Apply, show, revert and apply the Users/Orders schema on a PostgreSQL of its own
	$(GO) run ./cmd/kedge demo

.PHONY: test
test: bin/testreport ## Run every test once, on a PostgreSQL that is fetched unless one is installed; lists what was skipped
	@$(GO) run ./cmd/kedge dev install || echo 'no PostgreSQL server: the tests that need one are skipped' >&2
	@$(GO) test -json -timeout 25m -coverpkg=./... -coverprofile=coverage.out ./... | bin/testreport

.PHONY: test-matrix
test-matrix: build bin/testreport ## Run every test on each PostgreSQL major of VERSIONS, each fetched unless it is installed
	@for major in $(VERSIONS); do \
		$(KEDGE) dev install --postgres $$major; \
		echo "== PostgreSQL $$major"; \
		KEDGE_PAIRS=all KEDGE_TEST_POSTGRES=$$major $(GO) test -json -count=1 -timeout 1h ./... | bin/testreport; \
	done

.PHONY: cover
cover: bin/testreport coverage.out ## Show the last test run's coverage by package, and check it against the floor
	@bin/testreport -coverage coverage.out -floor 85

coverage.out:
	@$(MAKE) --no-print-directory test

.PHONY: lint
lint: bin/golangci-lint ## Check style, likely mistakes and who may import whom (.golangci.yml)
	bin/golangci-lint run ./...

.PHONY: judge
judge: ## Judge every pair of schemas of testdata/pairs, and 30 random edits
	KEDGE_PAIRS=all $(GO) test ./schema/judge -count 1 -timeout 30m

.PHONY: fuzz
fuzz: ## Run every fuzz test, and random edits of random schemas, for FUZZTIME each
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "== $$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done
	@echo "== random edits of random schemas"
	$(GO) test ./schema/judge -run '^TestRandomEdits$$' -count 1 -timeout 0 -v -args -duration $(FUZZTIME)

.PHONY: bench
bench: build bin/bench ## Measure kedge against psql and pg_dump on this machine, as ratios
	bin/bench -kedge $(KEDGE)

.PHONY: chaos
chaos: ## Cut connections, kill processes and servers under a running kedge, and check what is left (KEDGE_CHAOS=exhaustive: an hour of it)
	@PATH="$$PATH:/usr/sbin"; command -v pgbouncer > /dev/null || $(if $(filter 0,$(shell id -u)),,sudo -n) apt-get install -qq -y pgbouncer > /dev/null \
		|| echo 'no PgBouncer: the tests that need it are skipped' >&2
	KEDGE_CHAOS=$${KEDGE_CHAOS:-full} $(GO) test -count=1 -timeout 3h -v ./migrate/apply/chaos | { grep -v '^=== ' || true; }

.PHONY: snapshot
snapshot: ## Write the reference schema's snapshot again
	$(GO) run ./cmd/kedge snapshot --from schema/orders/migrations --format dir --out schema/orders/snapshot

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin dist coverage.out

bin/testreport: $(wildcard tools/testreport/*.go) tools/go.mod
	@$(GO) build -C tools -o ../bin/testreport ./testreport

bin/bench: $(wildcard tools/bench/*.go) tools/go.mod
	@$(GO) build -C tools -o ../bin/bench ./bench

bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	@echo 'building golangci-lint (once)' >&2
	@$(GO) build -C tools/lint -o ../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
