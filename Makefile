# make demo    build, fill a database with six related tables, and query it
# make test    install what the tests need and run them all; make check: the quick ones
# make install PREFIX=/usr/local    the program, the library with its headers, and what they need at run time
# make bench   measure against the limits (bench/RESULTS.md); make soak: the long runs

BUILD ?= build
PREFIX ?= /usr/local
SPATE := $(BUILD)/spate

.PHONY: all install demo test check bench soak deps deps-test clean format

all: deps
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD) --quiet

deps:
	@tools/install.sh build
	@tools/fetch.sh

deps-test: deps
	@tools/install.sh test
	@tools/fetch.sh test

install: all
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD) --quiet
	@meson install -C $(BUILD) --no-rebuild --quiet

demo: all
	$(SPATE) generate examples/shop.yaml
	$(SPATE) query examples/shop.duckdb "$$(cat examples/shop.sql)"

build-asan/build.ninja: | deps
	@meson setup build-asan -Dbuildtype=debugoptimized -Db_sanitize=address,undefined >/dev/null
build-tsan/build.ninja: | deps
	@meson setup build-tsan -Dbuildtype=debugoptimized -Db_sanitize=thread >/dev/null

test: deps-test all build-asan/build.ninja build-tsan/build.ninja
	@ninja -C $(BUILD) --quiet tests fuzz
	@ninja -C build-asan --quiet all tests
	@ninja -C build-tsan --quiet all tests
	@python3 tests/run.py build build-asan build-tsan

check: all
	@ninja -C $(BUILD) --quiet tests
	@python3 tests/run.py --quick $(BUILD)

bench: deps-test all
	@ninja -C $(BUILD) --quiet bench
	@python3 bench/run.py

soak: deps-test all build-asan/build.ninja
	@ninja -C $(BUILD) --quiet fuzz tests
	@ninja -C build-asan --quiet tests
	@python3 tests/soak.py

clean:
	rm -rf build build-asan build-tsan examples/*.duckdb*

format:
	clang-format -i $$(git ls-files '*.c' '*.h')
