#!/usr/bin/env bash
# Every public header compiles alone, as C17 and as C++17.
set -u
cd "$(dirname "$0")/../.."
cxx=g++
command -v g++ >/dev/null || cxx=clang++
bad=0
for header in include/calzone/*.h; do
    name=${header#include/}
    printf '#include <%s>\n' "$name" |
        gcc -std=gnu17 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c - || { echo "$name: not C17"; bad=1; }
    printf '#include <%s>\n' "$name" |
        $cxx -std=gnu++17 -Wall -Wextra -Werror -Iinclude -fsyntax-only -x c++ - || { echo "$name: not C++17"; bad=1; }
done
exit $bad
