#!/bin/sh
# Build the fiber switch for aarch64 and run its self-checking test in an emulator.
# Needs the Debian packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user.
set -eu
cd "$(dirname "$0")/.."
CC=aarch64-linux-gnu-gcc
if ! command -v $CC >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    echo "skipped: $CC or qemu-aarch64 is not installed"
    exit 77
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for flags in "-O0" "-O2" "-O3 -mbranch-protection=standard" "-O2 -DCZ_PORTABLE_FIBERS"; do
    # shellcheck disable=SC2086
    $CC -std=gnu17 -D_GNU_SOURCE -DSWITCH_TEST_MAIN -DCZ_NO_VALGRIND -Wall -Wextra -Werror \
        -fno-omit-frame-pointer -static $flags -Isrc src/runtime/fiber_switch.S \
        src/runtime/fiber_stack.c src/runtime/fiber_stack_test.c -o "$out/test" -lpthread
    printf 'aarch64 %s: ' "$flags"
    qemu-aarch64 -cpu max "$out/test"
done
