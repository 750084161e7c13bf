# make build | install PREFIX=… DESTDIR=… | dist | test | test-kernels | test-long | soak SECONDS=… | bench | bench-peers | bench-kernels | lint

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)

BIN     ?= bin/halorun

# What the tests need beyond Go: gcc for the race detector; netpbm, libjpeg-turbo, libtiff, GDAL and libvips, which must be able to read what Halorun writes,
# and the other way round; the rest makes
# a cluster of this machine's namespaces, with ssh between its hosts, runs the operations on other processors, keeps the history of jobs in
# PostgreSQL, and asks shells for completions.
PACKAGES := gcc libc6-dev netpbm gdal-bin iproute2 libjpeg-turbo-progs libtiff-tools libvips-tools nftables openssh-client openssh-server postgresql \
	qemu-user util-linux zstd fish mandoc zsh
PROGRAMS := gcc pngtopnm gdal_translate ip cjpeg djpeg tiffcp vips nft ssh ssh-keygen sshd nsenter initdb qemu-aarch64 qemu-x86_64 unshare zstd \
	fish mandoc zsh

.PHONY: build install uninstall dist test test-kernels test-long soak bench bench-peers bench-kernels lint generated tools cross clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -tags urfave_cli_no_docs -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/halorun

# The program, its man page, and the completions for three shells, where those look for them.
PREFIX  ?= /usr/local
DESTDIR ?=
install: build
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/halorun
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(abspath $(BIN)) man > $(DESTDIR)$(PREFIX)/share/man/man1/halorun.1
	$(abspath $(BIN)) completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/halorun
	$(abspath $(BIN)) completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_halorun
	$(abspath $(BIN)) completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/halorun.fish

uninstall:
	cd $(DESTDIR)$(PREFIX) && rm -f bin/halorun share/man/man1/halorun.1 share/bash-completion/completions/halorun \
		share/zsh/site-functions/_halorun share/fish/vendor_completions.d/halorun.fish

# Builds for every architecture, side by side, so that hosts of another one can be sent theirs.
dist: build
	for arch in amd64 arm64; do \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -tags urfave_cli_no_docs -ldflags '$(LDFLAGS)' \
			-o bin/halorun-linux-$$arch ./cmd/halorun || exit 1; \
	done

test: tools lint generated cross
	$(GO) test -race -timeout 40m ./...
	$(MAKE) test-kernels

# The operations and the codecs by every path that this machine has, on a processor with none of them, and on another architecture.
CHECKS ?= 100
VECTORS := ./kernels ./ranks/raster/jpeg ./ranks/raster/png
test-kernels: tools
	for path in go avx2 avx512; do HALORUN_KERNELS=$$path $(GO) test -count=1 $(VECTORS) -rapid.checks=$(CHECKS) || exit 1; done
	$(GO) test -count=1 -tags purego $(VECTORS) -rapid.checks=$(CHECKS)
	GOARCH=amd64 CGO_ENABLED=0 $(GO) test -count=1 -exec 'qemu-x86_64 -cpu Nehalem' $(VECTORS) -short -rapid.checks=10
	HALORUN_KERNELS=neon GOARCH=arm64 CGO_ENABLED=0 $(GO) test -count=1 -exec qemu-aarch64 $(VECTORS) -short -rapid.checks=10

test-long: tools
	HALORUN_TEST_LONG=1 $(GO) test -race -timeout 60m ./ranks
	HALORUN_TEST_LONG=1 $(GO) test -race -timeout 60m -run Scripts ./cmd/halorun
	HALORUN_TEST_LONG=1 $(GO) test -timeout 120m -run 'Failures|Resume|Recovery' ./cmd/halorun
	$(GO) test -race -timeout 60m ./kernels -rapid.checks=2000
	$(MAKE) test-kernels CHECKS=2000

# Random faults on a cluster of namespaces; SEED repeats their order.
SECONDS ?= 600
soak: tools
	HALORUN_SOAK_SECONDS=$(SECONDS) HALORUN_SOAK_SEED=$(SEED) $(GO) test -count=1 -v -timeout 0 -run TestSoak ./cmd/halorun

# Figures of this machine, for 'halorun bench diff' to compare with others.
FIGURES ?= bin/figures-$(VERSION).json
bench: build
	$(BIN) bench figures --verbose --out $(FIGURES)
	@echo "$(FIGURES) is written; compare: $(BIN) bench diff OLD $(FIGURES)"

# Whole jobs beside what is installed of other programs.
PEERS_SIZE ?= 16384x12288
PEERS_REPEAT ?= 5
bench-peers: build
	for op in invert blur edges; do $(BIN) bench peers --repeat $(PEERS_REPEAT) synthetic:$(PEERS_SIZE) $$op || exit 1; done
	for format in png jpg tif; do $(BIN) bench peers --repeat $(PEERS_REPEAT) --format $$format synthetic:4000x3000 blur || exit 1; done

bench-kernels: build
	bench/opencv

lint:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "gofmt -w is needed for: $$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

# The committed assembly is what its generator makes.
generated:
	@for folder in $$(sed -n 's,^\t"\([a-z/]*\)": {$$,\1,p' kernels/_asm/main.go); do \
		out=$$(mktemp -d) && OUT=$$out sh kernels/_asm/generate $$folder && for f in $$out/*; do \
			cmp $$f $$folder/$$(basename $$f) || { echo "run: sh kernels/_asm/generate $$folder"; exit 1; }; done && rm -r $$out || exit 1; \
	done

# The default build needs neither cgo nor flags, and works on both architectures.
cross:
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -o /dev/null ./cmd/halorun
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./cmd/halorun

tools:
	@PATH="$$PATH:/usr/sbin:/sbin:$$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')"; missing=; for p in $(PROGRAMS); do command -v $$p >/dev/null || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
		if [ "$$(id -u)" != 0 ]; then echo "the tests need$$missing; as root: apt-get install $(PACKAGES)"; exit 1; fi; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(PACKAGES); \
	fi

clean:
	rm -rf bin
