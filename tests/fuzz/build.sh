#!/bin/sh
# Builds a fuzzer and its canary: build.sh SOURCE_ROOT GENERATED NAME OUT CANARY_OUT
# Clang compiles the rooms they need once more, with its fuzzer and sanitizers; the default build stays as it is.
set -eu
root=$1 generated=$2 name=$3 out=$4 canary=$5
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
case $name in
fuzz_plan) room="$root/src/plan $root/src/batch" ;;
fuzz_store) room="$root/src/batch $root/src/codec $root/src/store $root/src/os/process.c $root/src/client/libpack.c" ;;
*) room="$root/src/batch $root/src/codec" ;;
esac
# shellcheck disable=SC2086  # flags and rooms are meant to be split
for file in "$root"/src/base/*.c "$root"/src/os/file.c $(find $room -name '*.c'); do
    clang $flags $sanitize -fsanitize=fuzzer-no-link -c "$file" -o "$objects/$(echo "$file" | tr / _).o"
done
# shellcheck disable=SC2086
{
    clang $flags $sanitize -fsanitize=fuzzer "$root/tests/fuzz/$name.c" "$objects"/*.o $libs -o "$out"
    clang $flags $sanitize -fsanitize=fuzzer -DFUZZ_CANARY "$root/tests/fuzz/$name.c" "$objects"/*.o $libs -o "$canary"
}
