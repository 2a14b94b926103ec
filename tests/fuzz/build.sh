#!/bin/sh
# Builds the fuzzers: build.sh SOURCE_ROOT GENERATED OUT CANARY_OUT
# Clang compiles the rooms they need once more, with its fuzzer and sanitizers; the default build stays as it is.
set -eu
root=$1 generated=$2 out=$3 canary=$4
if ! command -v clang >/dev/null; then
    echo "the fuzzers need clang: make deps-test" >&2
    exit 1
fi
objects=$out.p
rm -rf "$objects"
mkdir -p "$objects"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
flags="-g -O1 -std=gnu11 -D_GNU_SOURCE -ffp-contract=off -fno-strict-aliasing -fno-omit-frame-pointer -Wno-unknown-attributes
    -I$root/include -I$root/src -I$generated $(pkg-config --cflags libfyaml libxxhash)"
libs="$(pkg-config --libs libfyaml libxxhash) -lm"
# shellcheck disable=SC2086  # flags are meant to be split
for file in "$root"/src/base/*.c "$root"/src/os/file.c "$root"/src/plan/*.c; do
    clang $flags $sanitize -fsanitize=fuzzer-no-link -c "$file" -o "$objects/$(basename "$file" .c).o"
done
# shellcheck disable=SC2086
{
    clang $flags $sanitize -fsanitize=fuzzer "$root/tests/fuzz/fuzz_plan.c" "$objects"/*.o $libs -o "$out"
    clang $flags $sanitize -fsanitize=fuzzer -DFUZZ_CANARY "$root/tests/fuzz/fuzz_plan.c" "$objects"/*.o $libs -o "$canary"
}
