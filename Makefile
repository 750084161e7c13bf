# make build | dist | test | test-long | bench | lint

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

# What the tests need beyond Go: gcc for the race detector; netpbm, which must be able to read what Halorun writes; the rest makes
# a cluster of this machine's namespaces, with ssh between its hosts.
PACKAGES := gcc libc6-dev netpbm iproute2 nftables openssh-client openssh-server util-linux zstd
PROGRAMS := gcc pngtopnm ip nft ssh ssh-keygen sshd nsenter unshare zstd

.PHONY: build dist test test-long bench lint tools cross clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -tags urfave_cli_no_docs -ldflags '$(LDFLAGS)' -o bin/halorun ./cmd/halorun

# Builds for every architecture, side by side, so that hosts of another one can be sent theirs.
dist: build
	for arch in amd64 arm64; do \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -tags urfave_cli_no_docs -ldflags '$(LDFLAGS)' \
			-o bin/halorun-linux-$$arch ./cmd/halorun || exit 1; \
	done

test: tools lint cross
	$(GO) test -race -timeout 9m ./...
	HALORUN_KERNELS=go $(GO) test -count=1 ./kernels

test-long: tools
	HALORUN_TEST_LONG=1 $(GO) test -race -timeout 60m ./ranks
	$(GO) test -race -timeout 60m ./kernels -rapid.checks=5000
	HALORUN_KERNELS=go $(GO) test -timeout 60m ./kernels -rapid.checks=5000

bench: build
	bench/jobs

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "gofmt -w is needed for: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# The default build needs neither cgo nor flags, and works on both architectures.
cross:
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -o /dev/null ./cmd/halorun
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./cmd/halorun

tools:
	@PATH="$$PATH:/usr/sbin:/sbin"; missing=; for p in $(PROGRAMS); do command -v $$p >/dev/null || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" != 0 ]; then echo "the tests need$$missing; as root: apt-get install $(PACKAGES)"; exit 1; fi; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(PACKAGES); \
	fi

clean:
	rm -rf bin
