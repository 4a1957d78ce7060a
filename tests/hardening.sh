#!/usr/bin/env bash
# Programs are built so that mistakes are harder to make use of (cmake/CalzoneHardening.cmake): tests/hardening.sh [PROGRAM...]
set -euo pipefail
cd "$(dirname "$0")/.."
[[ $# -gt 0 ]] || set -- build/bin/bookstore build/bin/calzone
command -v readelf >/dev/null || { echo "skipped: readelf is not installed"; exit 77; }

failed=0
# has PROGRAM WHAT PATTERN OPTION: readelf's lines with the option have the pattern.
has() {
    grep -qE "$3" <<<"$(readelf -W "$4" "$1")" || { echo "$1: $2"; failed=1; }
}
for program in "$@"; do
    [[ -x $program ]] || { echo "skipped: $program is not built"; exit 77; }
    has "$program" "is not position-independent" 'Type: +DYN' -h
    has "$program" "has no section that becomes read-only" 'GNU_RELRO' -l
    has "$program" "binds functions lazily" 'BIND_NOW' -d
    has "$program" "has a stack that may be executed" 'GNU_STACK.* RW +0x' -l
    has "$program" "does not guard its stacks" '__stack_chk_fail' --dyn-syms
    has "$program" "does not check the sizes of what it copies" '__(mem|v?sn?printf).*_chk' --dyn-syms
    ! readelf -W -d "$program" | grep -E 'R(UN)?PATH' || { echo "$program: looks for libraries in a folder of its own"; failed=1; }
    ! readelf -W -l "$program" | grep -E 'LOAD.* (RWE|WE)' || { echo "$program: has memory that is written and executed"; failed=1; }
done
exit $failed
