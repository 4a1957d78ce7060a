#!/usr/bin/env bash
# `calzone new` makes a project that builds, passes its tests and serves; with Calzone from the build
# directory, installed, and from its sources. Names that cannot be are refused.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
calzone=$root/build/bin/calzone
for tool in cmake curl; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
[[ -x $calzone ]] || { echo "skipped: build/bin/calzone is not built"; exit 77; }

work=$(mktemp -d)
server=
stop() {
    [[ -z $server ]] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
    server=
}
trap 'stop; rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
unset ENV DATABASE_URL BIND ALLOWED_HOSTS
export CFLAGS=-Werror CMAKE_GENERATOR=Ninja # as `./dev` installs it; make may not be there

# expect CODE TEXT COMMAND...: it ends with the code and says one line that holds the text.
expect() {
    local code=0 want=$1 text=$2 said
    shift 2
    said=$("$@" 2>&1) || code=$?
    [[ $code -eq $want ]] || fail "$* ended with $code, not $want: $said"
    [[ $said == *"$text"* && $said != *$'\n'* ]] || fail "$* said: $said"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# wait_until_served URL SECONDS: until it answers, at most so long.
wait_until_served() {
    local end=$((SECONDS + $2))
    until curl -fsS -o "$work/answer" "$1" 2>"$work/curl"; do
        kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat "$work/log")"
        [[ $SECONDS -lt $end ]] || fail "not served after $2 s: $(cat "$work/curl" "$work/log")"
        sleep 0.05
    done
}

cd "$work"

echo "refused names"
for name in '' Shop 1shop _shop shop-api 'my shop' ../shop /tmp/shop shöp int while calzone test "$(printf 'a%.0s' {1..41})"; do
    expect 2 "calzone: " "$calzone" new "$name"
done
expect 2 "new takes one name" "$calzone" new
expect 2 "new takes one name" "$calzone" new one two
touch taken && expect 2 "taken already exists" "$calzone" new taken && rm taken
[[ -z $(ls -A) ]] || fail "a refusal left something behind: $(ls -A)"
expect 2 "neither here nor above" "$calzone" run
expect 2 "unknown option" "$calzone" --nonsense

echo "a failure leaves nothing"
(ulimit -f 0; trap '' XFSZ; expect 1 "nothing was made" "$calzone" new shop)
[[ ! -e shop ]] || fail "a half-made project was left behind"

echo "calzone new, then run"
"$calzone" new shop >/dev/null
cd shop
! grep -rn '{{' . || fail "a placeholder was left"
port=$(free_port)
"$calzone" run --bind "127.0.0.1:$port" --workers 1 >"$work/log" 2>&1 &
server=$!
wait_until_served "http://127.0.0.1:$port/" 10
grep -qx "calzone: building the project in build/.*" "$work/log" || fail "nothing is said before the build: $(cat "$work/log")"
grep -q "\"notes\":\"http://127.0.0.1:$port/notes\"" "$work/answer" || fail "the index says $(cat "$work/answer")"
curl -fsS -H 'Content-Type: application/json' -d '{"title": "Buy basil"}' "http://127.0.0.1:$port/notes" >"$work/created"
id=$(sed -n 's/.*"id":\([0-9]*\).*/\1/p' "$work/created")
curl -fsS "http://127.0.0.1:$port/notes/$id" >"$work/read"
grep -q '"title":"Buy basil"' "$work/read" || fail "the note reads $(cat "$work/read")"
code=$(curl -sS -o "$work/refused" -w '%{http_code}' -H 'Content-Type: application/json' \
    -d '{"title": "Buy\nbasil"}' "http://127.0.0.1:$port/notes")
[[ $code == 400 ]] || fail "a bad title got $code"
grep -q "A title is one line" "$work/refused" || fail "a bad title: $(cat "$work/refused")"
stop

echo "its other commands, also from below"
"$calzone" test >"$work/log" 2>&1 || fail "its tests: $(cat "$work/log")"
grep -qE '^[1-9][0-9]* passed, 0 failed$' "$work/log" || fail "its tests said: $(cat "$work/log")"
(cd src/notes && "$calzone" check >/dev/null) || fail "check"
"$calzone" routes --json 2>/dev/null | python3 -m json.tool >/dev/null || fail "routes --json is no JSON"
"$calzone" build >/dev/null || fail "build"
mkdir src/shelves # CMake notices files that were not there, and says so
echo "int shelves(void); int shelves(void) { return 7; }" >src/shelves/models.c
printf '%s\n' '#include <calzone/testing.h>' 'int shelves(void);' \
    'CZ_TEST(a_new_file_is_found) { CZ_EXPECT_EQ(shelves(), 7); }' >tests/shelves_test.c
"$calzone" build >/dev/null 2>"$work/log" || fail "build with new files: $(cat "$work/log")"
[[ ! -s $work/log ]] || fail "a new file is told of: $(cat "$work/log")"
"$calzone" test a_new_file_is_found 2>&1 | grep -qx "1 passed, 0 failed" || fail "a new test is not found"
rm -r src/shelves tests/shelves_test.c
"$calzone" check >/dev/null 2>"$work/log" || fail "check without files that were there: $(cat "$work/log")"
expect 2 "no command" "$calzone" nonsense

if command -v openssl >/dev/null; then
    echo "a certificate, and the project served with it"
    "$calzone" cert >"$work/log" || fail "cert: $(cat "$work/log")"
    [[ $(stat -c %a certs/localhost.key certs/ca.key | sort -u) == 600 ]] || fail "the keys are for others, too"
    [[ -z $(git init -q . && git status --short certs) ]] || fail "git would take the keys"
    rm -rf .git
    port=$(free_port)
    TLS_CERTIFICATES=certs/localhost.pem TLS_KEYS=certs/localhost.key "$calzone" run --bind "https://127.0.0.1:$port" >"$work/log" 2>&1 &
    server=$!
    until grep -q "is served on https://127.0.0.1:$port/" "$work/log"; do
        kill -0 "$server" || fail "not served: $(cat "$work/log")"
        sleep 0.05
    done
    for host in localhost 127.0.0.1; do
        curl -sS -o /dev/null --cacert certs/ca.pem "https://$host:$port/" || fail "curl does not trust it for $host"
    done
    stop
    "$calzone" cert '*.shop.test' >/dev/null && [[ -f certs/shop.test.pem ]] || fail "cert of another name"
    expect 2 'is no name of a host' "$calzone" cert 'a b'
    expect 2 'is no name of a host' "$calzone" cert ../x
    "$calzone" cert 1.2.3.4.5 >"$work/log" 2>&1 && fail "an address that is none"
    rm -rf certs
fi

echo "a mistake is shown"
sed -i 's/title, body/title, boddy/' src/notes/serializers.c
"$calzone" check >"$work/log" 2>&1 && fail "wrong code was built"
grep -q "serializers.c:5:.*boddy" "$work/log" || fail "the mistake is not shown: $(cat "$work/log")"
! grep -E '^FAILED|^ninja|-Wconversion' "$work/log" || fail "the compiler's command line hides the mistake"
[[ $(tail -n 1 "$work/log") == "calzone: the project could not be built" ]] || fail "the end: $(tail -n 1 "$work/log")"
"$calzone" build >"$work/log" 2>&1 && fail "wrong code was built"
grep -q -e '-Wconversion' "$work/log" || fail "build does not show the command line"
sed -i 's/title, boddy/title, body/' src/notes/serializers.c

echo "with the installed package"
cmake --install "$root/build" --prefix "$work/prefix" >/dev/null
rm -rf build
"$work/prefix/bin/calzone" test >"$work/log" 2>&1 || fail "with the installed package: $(cat "$work/log")"
grep -q "^Calzone_DIR:[A-Z]*=$work/prefix/" build/CMakeCache.txt || fail "the installed package was not used"
rm -rf build
cmake -S . -B build -DCMAKE_PREFIX_PATH="$work/prefix" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
cmake --build build --parallel 2 >"$work/log" 2>&1 || fail "with plain cmake: $(cat "$work/log")"
build/bin/shop check >/dev/null
"$root/tests/hardening.sh" "$PWD/build/bin/shop" || fail "a project with the installed package is not hardened"

echo "with the sources"
rm -rf build
cmake -S . -B build -DCALZONE_SOURCE_DIR="$root" >"$work/log" 2>&1 || fail "$(cat "$work/log")"
grep -q "^Calzone_DIR" build/CMakeCache.txt && fail "a package was used and not the sources"
cmake --build build --parallel 2 >"$work/log" 2>&1 || fail "with the sources: $(tail -n 20 "$work/log")"
build/bin/shop check >/dev/null
"$root/tests/hardening.sh" "$PWD/build/bin/shop" || fail "a project with the sources is not hardened"
echo "done"
