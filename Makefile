# lambkin's commands for developers. GOFLAGS keeps git out of builds: the version is handed in.
export GOFLAGS := $(filter-out -buildvcs=%,$(GOFLAGS)) -buildvcs=false
# Real projects, and runs of the real frameworks, to compare with where they lie beside this folder.
CORPUS ?= $(wildcard ../shared/corpus)
export LAMBKIN_CORPUS ?= $(abspath $(CORPUS))
CASES ?= $(wildcard ../shared/serverless-cases)
export LAMBKIN_CASES ?= $(abspath $(CASES))
# Answers that AWS gave, to repeat.
RECORDED ?= $(wildcard ../shared/recorded)
export LAMBKIN_RECORDED ?= $(abspath $(RECORDED))
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The tests of Java share one Maven repository, which is filled before they run beside each other.
WARM := go test -count=1 -run TestTheClientIsInTheRepository ./internal/runtimes/java
# What the tests run: languages, AWS's clients, the peers.
TESTED := node python3 ruby javac mvn mcs moto aws dotnet frameworks ric-node ric-python java-client aws-lambda-go rust-functions lambda-adapter docker
TOOL := go tool -modfile=tools.mod

.PHONY: help build test race lint cross bench clients corpus cases peers faults recorded golden clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' Makefile

build: ## build bin/lambkin: one static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X github.com/lambkin-dev/lambkin/internal/cli.version=$(VERSION)" -o bin/lambkin ./cmd/lambkin

test: ## get what the tests need and run them all
	.ci/install $(TESTED)
	$(WARM)
	go test ./...

# The conformance tests are about programs in other languages, and long: the Go code that they run has its own tests.
race: ## run the tests with the race detector, but for internal/conformance
	.ci/install cc $(TESTED)
	$(WARM)
	CGO_ENABLED=1 go test -race $(TESTFLAGS) $$(go list ./... | grep -v /internal/conformance)

lint: ## go vet, gofumpt, staticcheck
	go vet ./...
	@echo gofumpt -l .; out=$$($(TOOL) gofumpt -l .) && if [ -n "$$out" ]; then echo "$$out"; exit 1; fi
	$(TOOL) staticcheck ./...

cross: ## build and vet for macOS and Windows
	for os in darwin windows; do GOOS=$$os CGO_ENABLED=0 go build ./... && GOOS=$$os CGO_ENABLED=0 go vet ./... || exit 1; done

bench: build ## time lambkin beside the bare interpreters and its peers
	bench/run

clients: ## time the bootstraps beside AWS's clients and bare loops of their languages
	.ci/install $(TESTED)
	go test -run '^$$' -bench BenchmarkClients -benchtime 1x ./internal/conformance

corpus: ## compare the projects below CORPUS=DIR with what SAM CLI and the Serverless Framework say of them
	@[ -n "$(CORPUS)" ] || { echo "corpus: name a folder of projects with their expected.json: make corpus CORPUS=DIR" >&2; exit 1; }
	@LAMBKIN_CORPUS="$(abspath $(CORPUS))" go test -count=1 -v -run 'TestCorpusAgreesWith' ./internal/project/cfn ./internal/project/sls

cases: ## replay the recorded runs of serverless and osls in CASES=DIR; fails when one differs
	@[ -n "$(CASES)" ] || { echo "cases: name a folder of recorded runs with their fixtures: make cases CASES=DIR" >&2; exit 1; }
	@.ci/install node python3
	@cd internal/peers && LAMBKIN_CASES="$(abspath $(CASES))" go test -count=1 -run TestRecordedRuns -args -strict

peers: ## run serverless and osls beside lambkin, the extra cases too; takes many minutes the first time
	@.ci/install node python3 frameworks
	@cd internal/peers && go test -count=1 -timeout 60m -run TestRealFrameworks -args -all

faults: ## let functions misbehave in every known way, 50 times each, and print what came of it
	.ci/install node python3
	@cd internal/engine/faults && LAMBKIN_FAULTS=50 go test -count=1

recorded: ## repeat the requests below RECORDED=DIR whose answers AWS gave, and compare
	@[ -n "$(RECORDED)" ] || { echo "recorded: name a folder of recorded answers: make recorded RECORDED=DIR" >&2; exit 1; }
	@.ci/install node python3 ruby javac mvn aws
	@LAMBKIN_RECORDED="$(abspath $(RECORDED))" go test -count=1 -v -run TestRecordedAnswers ./internal/app

golden: ## rewrite the golden files; review the difference
	grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u | xargs -I{} go test {} -update

clean: ## remove what was built
	rm -rf bin examples/go-custom/bootstrap
