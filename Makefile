# make demo | test | build | check: each installs what is missing, builds what is out of date and says what it does.
.PHONY: demo test build check setup clean

build:
	@scripts/build

demo: build
	@scripts/demo

test: build
	@scripts/test

check:
	@scripts/check

setup:
	@scripts/setup

clean:
	rm -rf build build-*
