# make demo | test | build | check | install | wheel | deb | arm64: each installs what is missing, builds what is out of date, says what it does.
.PHONY: demo test build check setup fuzz install wheel deb arm64 clean

PREFIX ?= /usr/local

build:
	@scripts/build

demo: build
	@scripts/demo

test:
	@scripts/test

check:
	@scripts/check

setup:
	@scripts/setup check

fuzz:
	@scripts/fuzz

install:
	@scripts/build --all
	@cmake --install build --prefix $(PREFIX) --strip

wheel:
	@scripts/wheel

deb:
	@scripts/deb

arm64:
	@scripts/arm64

clean:
	rm -rf build build-asan-ubsan build-tsan build-fuzz build-debug build-bench build-arm64 build-deb build-wheel build-wheel-*
