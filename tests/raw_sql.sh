#!/usr/bin/env bash
# `check` prepares the SQL that a program holds as literals: it ends with 1 and names file, line and mistake; nothing
# of it runs, and a program without mistakes passes. In development a start says the same.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$PWD/build/bin
[[ -x $bin/slips ]] || { echo "skipped: build/bin/slips is not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
unset ENV DATABASE_URL BIND ALLOWED_HOSTS
cd "$work"

# says PROGRAM CODE ARGUMENT...: what it says is in $said.
says() {
    local program=$1 want=$2 code=0
    shift 2
    said=$("$bin/$program" "$@" 2>&1 </dev/null) || code=$?
    [[ $code -eq $want ]] || fail "$program $* ended with $code, not $want: $said"
}
has() { [[ $said == *"$1"* ]] || fail "nobody said \"$1\" but: $said"; }
has_not() { [[ $said != *"$1"* ]] || fail "somebody said \"$1\": $said"; }

# mistakes WORDS: those of slips.c, of which the database words some itself.
mistakes() {
    has "slips: slips.c:100: $1"
    has "slips: slips.c:101: the SQL has 1 parameter and CZ_ARGS() 0 values"
    has "slips: slips.c:102: $2"
    has "slips: slips.c:103: Slip has no column \"total\""
    has "slips: slips.c:104: no column is called \"id\", which Slip needs"
    has "slips: slips.c:105: $3"
    has "slips: slips.c:106: $4"
    has "slips: slips.c:107: this is more than one statement"
    has_not "apps/slips/main.c"
    has_not "no issues"
    [[ $(grep -c "slips.c:" <<<"$said") -eq 8 ]] || fail "not 8 sentences: $said"
}

says no-slips 0 check
has "no issues in 1 model"
[[ ! -e slips.db ]] || fail "check has made a database"
says slips 1 check
mistakes "SQLite: no such column: wieght" 'SQLite: near "slips_slip": syntax error, at "slips_slip"' \
    "SQLite: no such table: slips_slop" "SQLite: no such column: oops, at \"oops\""
[[ ! -e slips.db ]] || fail "check has made a database"

says no-slips 0 createtables
says no-slips 0 right
[[ $said == $'1\n1' ]] || fail "right said $said"
says slips 1 check --databases
mistakes "SQLite: no such column: wieght" 'SQLite: near "slips_slip"' "SQLite: no such table: slips_slop" \
    "SQLite: no such column: oops"
says no-slips 0 right
[[ $said == $'2\n2' ]] || fail "check has changed rows: $said"

if [[ -n ${CZ_TEST_POSTGRESQL_URL:-} ]]; then
    export DATABASE_URL="$CZ_TEST_POSTGRESQL_URL?options=-csearch_path%3Dcz_slips_$$"
    psql -q "$CZ_TEST_POSTGRESQL_URL" -c "CREATE SCHEMA cz_slips_$$" 2>/dev/null || { echo "skipped: no psql"; exit 0; }
    trap 'psql -q "$CZ_TEST_POSTGRESQL_URL" -c "DROP SCHEMA cz_slips_$$ CASCADE" 2>/dev/null; rm -rf "$work"' EXIT
    says slips 0 check
    has "SQL for PostgreSQL was not looked at"
    says no-slips 0 createtables
    says slips 1 check --databases
    mistakes 'PostgreSQL: column "wieght" of relation "slips_slip" does not exist (42703), at "wieght = 1"' \
        'PostgreSQL: syntax error at or near "slips_slip"' 'PostgreSQL: relation "slips_slop" does not exist' \
        'PostgreSQL: column "oops" does not exist (42703), at "oops"'
    says no-slips 0 check --databases
    says no-slips 0 right
    [[ $said == $'1\n1' ]] || fail "right said $said"
fi
echo "passed"
