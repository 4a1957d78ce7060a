#!/usr/bin/env bash
# Rules of the text: unsafe calls, jumps that skip clean-ups, notes that say nothing, stray blanks.
set -u
cd "$(dirname "$0")/../.."
bad=0

# Print what a pattern finds in the C sources, after a title, and fail when it finds something.
forbid() {
    local title=$1 pattern=$2 found
    shift 2
    found=$(git grep --untracked -nE "$pattern" -- "$@") || return 0
    printf '%s\n%s\n' "$title" "$found"
    bad=1
}

c=('*.c' '*.h' ':!src/base/banned.h')
forbid "unsafe or locale-bound calls (src/base/banned.h names what replaces them):" \
    '(^|[^a-zA-Z0-9_>."])(strcpy|strncpy|strcat|strncat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|rand|srand|gmtime|localtime|ctime|asctime|tmpnam|mktemp|alloca)[[:space:]]*\(' "${c[@]}" ':!*_test.c'
forbid "jumps belong to the error boundary (src/base/context.c):" \
    '(^|[^a-zA-Z0-9_>."])_?(set|long)jmp[[:space:]]*\(' "${c[@]}" ':!src/base/context.c'
# fiber_stack.c is also built without the library, for the emulated aarch64 test.
forbid "the library allocates through cz_malloc() and arenas:" \
    '(^|[^a-zA-Z0-9_>."])(malloc|calloc|realloc|free|strdup|strndup)[[:space:]]*\(' \
    'src/*.c' ':!src/base/memory.c' ':!src/runtime/fiber_stack.c' ':!src/testing/*' ':!*_test.c' ':!*_fuzz.c'
forbid "a TODO names what is missing and what it costs:" \
    '(TODO|FIXME|XXX)[[:space:]:]*(\*/)?[[:space:]]*$' "${c[@]}"
forbid "white space at the end of a line:" '[[:blank:]]+$' \
    '*.c' '*.h' '*.S' '*.py' '*.sh' '*.md' '*.txt' '*.cmake' dev .ci/run
forbid "tabs in C:" "$(printf '\t')" "${c[@]}"
# Unit tests are one program, and a model's metadata is one object in it, whoever declares it.
twice=$(git grep --untracked -hoE '^CZ_(MODEL|MODEL_UUID|RECORD)\([A-Za-z0-9_]+' -- 'src/*_test.c' |
    sed 's/.*(//' | sort | uniq -d)
if [[ -n $twice ]]; then
    printf 'models that two unit tests declare:\n%s\n' "$twice"
    bad=1
fi
exit $bad
