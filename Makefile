# make demo | test | build | check | install | wheel | deb: each installs what is missing, builds what is out of date, says what it does.
.PHONY: demo test build check setup fuzz install wheel deb clean

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

clean:
	rm -rf build build-asan-ubsan build-tsan build-fuzz build-debug build-bench build-deb build-wheel build-wheel-*
