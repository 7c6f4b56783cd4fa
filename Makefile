# SPDX-FileCopyrightText: The Session Bridge authors
# SPDX-License-Identifier: Apache-2.0

# The commands that CI runs (.ci/run), and a few for the desk.

TOOL := go tool -modfile=internal/tools/go.mod

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: test
test: ## run all tests with the race detector; fetch from Debian what they need
	internal/tools/debian-packages.sh
	go test -race -shuffle=on ./...
	@test -x "$${DOTNET_PEER:-../shared/peer/dotnet-peer}" || echo "NO .NET PEER (DOTNET_PEER): the tests against it were skipped" >&2

.PHONY: demo
demo: ## show the product at work, at http://127.0.0.1:7100
	go build -o bin/ ./cmd/sessionbridge
	bin/sessionbridge demo

.PHONY: lint
lint: ## check format, vet, staticcheck and go.mod
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt: $$unformatted" >&2; exit 1; }
	go vet ./...
	$(TOOL) staticcheck ./...
	go mod tidy -diff

.PHONY: cross
cross: ## build for every system and processor that we support
	@set -e; for os in linux darwin windows; do for arch in amd64 arm64; do \
		echo "build $$os/$$arch"; \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build ./...; \
	done; done

.PHONY: fuzz
fuzz: ## run each fuzz target for a short time (FUZZTIME, default 5s)
	internal/tools/fuzz.sh

.PHONY: torture
torture: ## check linearizability for TIME (default 2m), then make values; SEED=n begins with a round that failed
	TORTURE_TIME=$(or $(TIME),2m) TORTURE_SEED=$(SEED) go test -race -count=1 -timeout=0 -v -run='^TestTorture' ./internal/torture
	$(MAKE) --no-print-directory values

.PHONY: values
values: ## ask .NET about so many VALUES (default 100000) of each type, both ways
	CI=true DOTNET_VALUES=$(or $(VALUES),100000) go test -count=1 -timeout=0 -v -run='^(TestDotNetReadsWhatWeWrite|TestWeReadWhatDotNetReads)$$' ./dotnet

.PHONY: vuln
vuln: ## look for known vulnerabilities in what we call
	internal/tools/vuln.sh

.PHONY: bench
bench: ## measure beside null baselines: all of bench/README.md, or one ROW; ROUNDS, MARKDOWN=1, UPDATE=1 (writes README.md)
	-internal/tools/debian-packages.sh bench
	cd bench && go test -count=1 -timeout=20m -run='^TestTable$$' -args -rounds=$(or $(ROUNDS),6) \
		$(if $(ROW),-row=$(ROW)) $(if $(MARKDOWN),-markdown) $(if $(UPDATE),-update)

.PHONY: microbench
microbench: ## run all Go benchmarks once; compare runs with benchstat (CONTRIBUTING.md)
	go test -run='^$$' -bench=. ./...
