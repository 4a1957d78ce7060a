#!/usr/bin/env bash
# Wrong fields and values do not compile, and the compiler says so shortly and on the author's line. The
# flags are those a project gets from the CMake package. In a case, the mistake's line ends with /* here */.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
export CMAKE_GENERATOR=Ninja # make may not be there
package=$root/build/lib/cmake/Calzone
[[ -e $package/CalzoneTargets.cmake && -e build/libcalzone.a ]] || { echo "skipped: build/ is not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
fail() { echo "FAIL: $*"; bad=1; }

cat >"$work/models.h" <<'C'
#include <calzone/calzone.h>
CZ_MODEL_FORWARD(Book)
#define AUTHOR(F)                                                                                  \
    F(char_field, name, .max_length = 120, .unique = true)                                         \
    F(int_field, birth_year, .null = true)                                                         \
    F(reverse, books, Book, author)
CZ_MODEL(Author, AUTHOR);
#define BOOK(F)                                                                                    \
    F(char_field, title, .max_length = 200)                                                        \
    F(foreign_key, author, Author, .on_delete = CZ_PROTECT)                                        \
    F(int_field, year, .null = true)                                                               \
    F(bool_field, lent, .default_ = cz_bool(false))                                                \
    F(datetime_field, bought, .null = true)                                                        \
    F(date_field, printed, .null = true)                                                           \
    F(duration_field, kept, .null = true)                                                          \
    F(float_field, weight, .null = true)                                                           \
    F(decimal_field, price, .digits = 8, .places = 2, .null = true)                                \
    F(json_field, extra, .null = true)                                                             \
    F(encrypted_field, note, .null = true)
CZ_MODEL(Book, BOOK, .ordering = CZ_ORDER_BY(CZ_ASC(Book, title)));
C

# The command that compiles $work/case.c as a project's source, for each compiler.
cat >"$work/CMakeLists.txt" <<'C'
cmake_minimum_required(VERSION 3.22)
project(case LANGUAGES C)
set(CMAKE_C_STANDARD 17)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_package(Calzone REQUIRED)
add_library(case OBJECT case.c)
target_compile_options(case PRIVATE -Wall -Wextra -Wshadow -Wconversion)
target_link_libraries(case PRIVATE Calzone::calzone)
C
touch "$work/case.c"
compilers=()
for compiler in gcc clang; do
    command -v $compiler >/dev/null || continue
    cmake -S "$work" -B "$work/$compiler" -DCMAKE_C_COMPILER=$compiler -DCalzone_DIR="$package" >"$work/log" 2>&1 ||
        { cat "$work/log"; exit 1; }
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[0]["command"])' \
        "$work/$compiler/compile_commands.json" >"$work/$compiler.sh"
    grep -q -- "-isystem $root/include" "$work/$compiler.sh" || fail "$compiler: the headers are not the system's"
    compilers+=("$compiler")
done

# write BODY: the body of a function in $work/case.c; prints the line of the mistake.
write() {
    {
        printf '#include "models.h"\nvoid handler(cz_ctx *ctx, cz_str text);\n'
        printf 'void handler(cz_ctx *ctx, cz_str text)\n{\n%s\n(void)ctx, (void)text;\n}\n' "$1"
    } >"$work/case.c"
    sed -n '/. here ./=' "$work/case.c"
}

# What a compiler says of case.c is in $work/said.
compiles() { LC_ALL=C sh -c "$(cat "$work/$1.sh") -fsyntax-only" >"$work/said" 2>&1; }

accepted() {
    local compiler
    write "$2" >/dev/null
    for compiler in "${compilers[@]}"; do
        compiles $compiler && [[ ! -s $work/said ]] || { fail "$1 with $compiler:"; head -n 20 "$work/said"; }
    done
}

# refused TITLE BODY SAID [LINES]: at most so many an error.
refused() {
    local title=$1 says=$3 line compiler errors lines most
    line=$(write "$2")
    for compiler in "${compilers[@]}"; do
        compiles $compiler && { fail "$title with $compiler: it compiles"; continue; }
        errors=$(grep -c 'error:' "$work/said")
        lines=$(grep -vc ' errors\? generated\.$' "$work/said")
        most=${4:-$([[ $compiler == gcc ]] && echo 16 || echo 12)}
        if [[ $lines -gt $((most * errors)) ]] || awk 'length > 400 { exit 0 } END { exit 1 }' "$work/said"; then
            fail "$title with $compiler: too much is said"
        elif grep 'error:' "$work/said" | grep -qv "^$work/case.c:$line:"; then
            fail "$title with $compiler: the mistake is in line $line"
        elif ! grep -qE "(error|note): .*$says" "$work/said"; then
            fail "$title with $compiler: \"$says\" is not said"
        else
            continue
        fi
        cut -c1-300 "$work/said" | head -n 30
    done
}

no_titel="no member named .titel"
a_text="(char \*|selector of type 'char|'char\[)"

accepted "right code" '
    static const int16_t small = 3;
    const cz_str constant = text;
    char buffer[8] = "Dune";
    cz_datetime then = { 0 };
    cz_rows(Book) books = cz_select(ctx, Book,
        .where = CZ_WHERE(CZ_OR(CZ_Q(Book, title, EXACT, constant), CZ_Q(Book, year, GT, small)),
                          CZ_NOT(CZ_Q(Book, author->name, ICONTAINS, buffer)),
                          CZ_Q(Book, author, EXACT, (int64_t)1), CZ_Q(Book, author_id, IN, CZ_INTS(1, 2)),
                          CZ_Q(Book, title, IN, CZ_STRS("a", "b")), CZ_Q(Book, bought, LT, then),
                          CZ_Q(Book, lent, EXACT, true), CZ_Q(Book, year, EXACT, NULL),
                          CZ_Q(Book, bought, GT, (cz_datetime){ 0 })),
        .related = CZ_RELATED(Book, author),
        .order_by = CZ_ORDER_BY(CZ_DESC(Book, year), CZ_ASC(Book, author->name)));
    Book *book = cz_create(ctx, Book, (title, books.count ? "Dune" : "none"), (author_id, 1), (year, small),
                           (lent, small > 2), (bought, NULL));
    cz_update(ctx, Book, CZ_EVERY_ROW, (title, constant), (bought, (cz_datetime){ 0 }));
    cz_set(ctx, book, title, constant);
    cz_set(ctx, book, bought, then);
    cz_save(ctx, book);'

accepted "relations read ahead" '
    cz_rows(Author) authors = cz_select(ctx, Author, .prefetch = CZ_PREFETCH(Author, (books), (books->author),
        (books, Book, .where = CZ_Q(Book, title, GT, text), .order_by = CZ_ORDER_BY(CZ_DESC(Book, year)), .limit = 3,
         .as = "late", .prefetch = CZ_PREFETCH(Book, (author, Author, .only = CZ_FIELDS(Author, name))))));
    for (size_t i = 0; i < authors.count; i++)
        if (!cz_prefetched(ctx, Book, &authors.items[i], books, "late").count)
            cz_related_create(ctx, Book, &authors.items[i], books, (title, cz_load(ctx, &authors.items[i], name)));'

accepted "full text" '
    cz_rows(Book) books = cz_select(ctx, Book,
        .where = CZ_OR(CZ_SEARCH(Book, text), CZ_SEARCH(Book, "dune"), CZ_SEARCH_AT(Book, author, text)),
        .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_SEARCH_RANK(Book, text)), CZ_ASC_OF(CZ_SEARCH_HEADLINE(Book, title, "x"))));
    (void)books;'
refused "a search for a number" '
    cz_select(ctx, Book,
        .where = CZ_SEARCH(Book, 1984)); /* here */' "type 'int'"
refused "a search at a misspelt relation" '
    cz_select(ctx, Book,
        .where = CZ_SEARCH_AT(Book, autor, text)); /* here */' "no member named .autor"
refused "an excerpt of a number" '
    cz_select(ctx, Book,
        .order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_SEARCH_HEADLINE(Book, year, text)))); /* here */' "cz__integer"
refused "a misspelt relation to prefetch" '
    cz_select(ctx, Author,
        .prefetch = CZ_PREFETCH(Author, (books), (boks))); /* here */' "no member named .boks"
refused "a misspelt step to prefetch" '
    cz_select(ctx, Author,
        .prefetch = CZ_PREFETCH(Author, (books->autor))); /* here */' "no member named .autor"
refused "a prefetch of another model" '
    cz_select(ctx, Author,
        .prefetch = CZ_PREFETCH(Author, (books, Author, .limit = 3))); /* here */' "Book__path"
refused "a prefetch of a column" '
    cz_select(ctx, Author,
        .prefetch = CZ_PREFETCH(Author, (name, Author, .limit = 3))); /* here */' "cz__text"
refused "a misspelt field inside a prefetch" '
    cz_select(ctx, Author,
        .prefetch = CZ_PREFETCH(Author, (books, Book, .where = CZ_Q(Book, titel, GT, "a")))); /* here */' "$no_titel"
refused "a prefetched relation of another model" '
    cz_prefetched(ctx, Author, (Author *)cz_first(ctx, Author), books, "late"); /* here */' "books does not lead to Author"
refused "a new row behind a column" '
    cz_related_create(ctx, Book, (Author *)cz_first(ctx, Author), name, (title, "a")); /* here */' "name does not lead to Book"
refused "a text for a number of a new row behind a field" '
    cz_related_create(ctx, Book, (Author *)cz_first(ctx, Author), books, (year, "1900")); /* here */' "$a_text"

refused "cz_select, a misspelt field" '
    cz_first(ctx, Book, .where = CZ_WHERE(CZ_Q(Book, titel, EXACT, "Dune"))); /* here */' "$no_titel"
refused "a field unlike any other" '
    cz_select(ctx, Book,
        .where = CZ_WHERE(CZ_Q(Book, publisher, EXACT, "Ace"))); /* here */' "no member named .publisher"
refused "inside an OR" '
    cz_select(ctx, Book,
        .where = CZ_WHERE(CZ_OR(CZ_Q(Book, year, GT, 1900),
                                CZ_Q(Book, titel, EXACT, "Dune"), /* here */
                                CZ_NOT(CZ_Q(Book, lent, EXACT, true)))));' "$no_titel"
refused "across a relation" '
    cz_select(ctx, Book,
        .where = CZ_WHERE(CZ_Q(Book, year, GT, 1900),
                          CZ_Q(Book, author->nmae, ICONTAINS, "le guin"))); /* here */' "no member named .nmae"
refused "across what is no relation" '
    cz_select(ctx, Book,
        .where = CZ_WHERE(CZ_Q(Book, title->name, EXACT, "Dune"))); /* here */' "cz__text"
refused "a text for a number" '
    cz_select(ctx, Book,
        .where = CZ_WHERE(CZ_OR(CZ_Q(Book, title, EXACT, "Dune"),
                                CZ_Q(Book, year, GT, "1900")))); /* here */' "$a_text"
refused "a number for a text" '
    cz_count(ctx, Book, .where = CZ_WHERE(CZ_Q(Book, title, EXACT, 5))); /* here */' "type .int"
refused "a number for an instant, across a relation's field" '
    cz_count(ctx, Book,
        .where = CZ_WHERE(CZ_Q(Book, author->birth_year, LT, 1900),
                          CZ_Q(Book, bought, LT, 1900))); /* here */' "type .int"
refused "a text lookup of a number" '
    cz_count(ctx, Book, .where = CZ_WHERE(CZ_Q(Book, year, ICONTAINS, "19"))); /* here */' "$a_text"
refused "one value for IN" '
    cz_count(ctx, Book, .where = CZ_WHERE(CZ_Q(Book, year, IN, 1965))); /* here */' "type .int"
refused "cz_create, a misspelt field" '
    cz_create(ctx, Book,
        (year, 1965),
        (titel, "Dune"), /* here */
        (lent, false));' "$no_titel"
refused "cz_create, a value of the wrong type" '
    cz_create(ctx, Book,
        (title, "Dune"),
        (year, "1965"), /* here */
        (lent, false));' "$a_text"
refused "cz_update, a misspelt field" '
    cz_update(ctx, Book, CZ_EVERY_ROW,
        (year, 1965),
        (titel, "Dune")); /* here */' "$no_titel"
refused "cz_update, a value of the wrong type" '
    cz_update(ctx, Book, CZ_EVERY_ROW,
        (title, "Dune"),
        (lent, "no")); /* here */' "$a_text"
refused "cz_update, its condition" '
    cz_update(ctx, Book,
        CZ_WHERE(CZ_Q(Book, titel, EXACT, "Dune")), /* here */
        (year, 1965));' "$no_titel"
# What a field wants, and what it does not take: for each kind, `member`, `value` and what is said.
wanted() {
    refused "$2 for $1" "
    cz_create(ctx, Book,
        ($1, $2)); /* here */" "$3"
    refused "cz_set of $1, $2" "
    Book *book = cz_get(ctx, Book);
    cz_set(ctx, book,
        $1, $2); /* here */" "$3"
}
wanted price '"12.50"' "cz_decimal"
wanted price 12.5 "cz_decimal"
wanted printed '"2026-01-01"' "cz_date"
wanted bought '"2026-01-01T10:00:00Z"' "cz_datetime"
wanted kept 3600.5 "cz_duration"
wanted title 5 "cz_str"
wanted extra 5 "cz_str"
wanted note 5 "cz_str"
wanted year 5.5 "cz__an_integer"
wanted lent '"yes"' "cz__true_or_false"
wanted weight '"1.5"' "cz__a_number"
wanted author '"Le Guin"' "cz__the_key_of_a_row"
wanted author_id 1.5 "cz__the_key_of_a_row|cz__an_integer"
if command -v gcc >/dev/null; then # Clang names the type that is wanted, and shows the declaration
    write '
    cz_create(ctx, Book, (price, "12.50"));' >/dev/null
    compiles gcc && fail "a text for a decimal compiles"
    grep -q "error: .*'cz__decimal_field_wants_a_cz_decimal__see_cz_decimal_of'" "$work/said" ||
        fail "gcc: what a decimal field wants is not said"
fi

# A field of a kind there is not: what follows the first error is about what it left undeclared.
for compiler in "${compilers[@]}"; do
    printf '#include <calzone/calzone.h>\n#define PEN(F) F(varchar_field, name)\nCZ_MODEL(Pen, PEN);\n' >"$work/case.c"
    compiles $compiler && fail "$compiler: a kind there is not compiles"
    grep -m1 'error:' "$work/said" | grep -q "CZ_KIND_varchar_field.*did you mean .CZ_KIND_char_field" ||
        { fail "$compiler: the kind is not named first"; head -n 5 "$work/said"; }
done

refused "cz_set, a misspelt field" '
    cz_set(ctx, cz_get(ctx, Book), titel, "Dune"); /* here */' "$no_titel"
refused "cz_set, a value of the wrong type" '
    Book *book = cz_get(ctx, Book);
    cz_set(ctx, book,
           year, text); /* here */' "cz_str"
refused "CZ_FIELDS" '
    static const cz_fields fields = CZ_FIELDS(Book,
        id,
        titel, /* here */
        year);
    (void)fields;' "$no_titel"
refused "a key of a model between that is misspelt" '
    static const cz_field_options options = { .through = CZ_THROUGH(Book),
        .through_fields = CZ_FIELDS(Book, author, auhtor) }; /* here */
    (void)options;' "no member named .auhtor"
accepted "what links are given" '
    cz_related_add_through(ctx, (Author *)cz_first(ctx, Author), books, CZ_PAIRS(Book, (year, 1900)), CZ_INTS(1, 2));
    cz_related_set_through(ctx, (Author *)cz_first(ctx, Author), books, CZ_PAIRS(Book), (cz_int_list){ 0, 0 });
    cz_related_create_through(ctx, Book, (Author *)cz_first(ctx, Author), books, CZ_PAIRS(Book, (year, 1)), (title, text));'
refused "a misspelt field of what links are given" '
    cz_related_add_through(ctx, (Author *)cz_first(ctx, Author), books,
        CZ_PAIRS(Book, (titel, "Dune")), CZ_INTS(1)); /* here */' "$no_titel"
refused "a text for a number of what links are given" '
    cz_related_replace_through(ctx, (Author *)cz_first(ctx, Author), books,
        CZ_PAIRS(Book, (year, "1900")), CZ_INTS(1)); /* here */' "$a_text"
refused "a date to be unique for that is misspelt" '
    static const cz_field_options options = { .null = true,
        .unique_for_date = CZ_FIELD(Book, bougth) }; /* here */
    (void)options;' "no member named .bougth"
refused "CZ_ORDER_BY" '
    cz_select(ctx, Book,
        .order_by = CZ_ORDER_BY(CZ_ASC(Book, year),
                                CZ_DESC(Book, titel))); /* here */' "$no_titel"
refused "CZ_RELATED" '
    cz_select(ctx, Book,
        .related = CZ_RELATED(Book, auhtor)); /* here */' "no member named .auhtor"
refused "a condition on an encrypted field" '
    cz_count(ctx, Book,
        .where = CZ_Q(Book, note, EXACT, "x")); /* here */' "char"
refused "a list for an encrypted field" '
    cz_count(ctx, Book,
        .where = CZ_Q(Book, note, IN, CZ_STRS("x"))); /* here */' "cz_str_list"
refused "a text lookup on an encrypted field" '
    cz_count(ctx, Book,
        .where = CZ_Q(Book, note, ICONTAINS, "x")); /* here */' "char"
refused "a value that is none" '
    struct { int x; } none = { 0 };
    cz_create(ctx, Book,
        (title, none)); /* here */' "struct"

accepted "arguments of expressions" '
    cz_decimal tenth = { 0 };
    cz_duration week = { 0 };
    cz_date day = { 0 };
    cz_count(ctx, Book, .where = CZ_WHERE(
        CZ_QE(CZ_ADD(CZ_F(Book, year), CZ_MUL(2, CZ_F(Book, author->birth_year))), GT, 1900),
        CZ_QE(CZ_SUB(CZ_MUL(CZ_F(Book, price), CZ_F(Book, year)), tenth), GT, tenth),
        CZ_QE(CZ_DIV(CZ_F(Book, weight), CZ_F(Book, price)), LT, 0.5),
        CZ_QE(CZ_ADD(CZ_F(Book, bought), CZ_MUL(week, 2)), LT, CZ_ADD(CZ_F(Book, kept), CZ_NOW)),
        CZ_QE(CZ_SUB(CZ_F(Book, printed), day), LT, CZ_SUB(CZ_F(Book, kept), week)),
        CZ_QE(CZ_SUB(CZ_NOW, CZ_F(Book, bought)), LT, CZ_MUL(2, week)),
        CZ_QE(CZ_SUB(CZ_TIME_OF(CZ_NOW), CZ_TIME_OF(CZ_F(Book, bought))), LT, week),
        CZ_QE(CZ_ROUND(CZ_POWER(CZ_F(Book, weight), 2), 1), LT, CZ_MOD(CZ_F(Book, year), 3)),
        CZ_QE(CZ_COALESCE(CZ_F(Book, weight), CZ_F(Book, price), CZ_F(Book, year), 0.5), LT, 1),
        CZ_QE(CZ_GREATEST(CZ_F(Book, price), 1, CZ_F(Book, year), tenth), GT, tenth),
        CZ_QE(CZ_COALESCE(CZ_F(Book, author), CZ_F(Book, id), 1), EXACT, CZ_NULLIF(CZ_F(Book, id), 0)),
        CZ_QE(CZ_CASE("old", CZ_WHEN(CZ_Q(Book, year, GT, 1900), CZ_F(Book, title)), CZ_WHEN(CZ_Q(Book, lent, EXACT, true), NULL)),
              EXACT, CZ_CASE(text, CZ_WHEN(CZ_Q(Book, year, IN, CZ_INTS(1, 2)), CZ_CASE("a", CZ_WHEN(CZ_Q(Book, id, GT, 2), "b"))))),
        CZ_QE(CZ_CONCAT(CZ_F(Book, title), " ", CZ_F(Book, year), CZ_F(Book, bought), text), CONTAINS, "1"),
        CZ_QE(CZ_SUBSTR(CZ_REPLACE(CZ_F(Book, title), "a", text), CZ_STRPOS(CZ_F(Book, title), CZ_F(Book, author->name)), 2), EXACT,
              CZ_LEFT(CZ_F(Book, title), CZ_F(Book, year))),
        CZ_QE(CZ_JSON_INT(CZ_F(Book, extra), "a", text), EXACT, CZ_LENGTH(CZ_F(Book, title)))),
        .order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_WINDOW(CZ_LAG(CZ_F(Book, price), 1), .partition_by = CZ_EXPRS(CZ_F(Book, author)))),
                                CZ_DESC_OF(CZ_STRING_AGG(CZ_F(Book, title), ", ")), CZ_DESC_OF(CZ_MAX(CZ_F(Book, bought)))));'

# An expression that cannot be, and what the compiler says of its type.
refused_expression() {
    refused "$1" "
    cz_count(ctx, Book,
        .where = CZ_QE($2, ISNULL, true)); /* here */" "$3"
}
number="(int|cz__integer_expr)" a_span="cz__span_expr" a_secret="cz__sealed_expr"
refused_expression "a text added to a number" 'CZ_ADD(CZ_F(Book, year), CZ_F(Book, title))' cz__text_expr
refused_expression "a literal added to a number" 'CZ_ADD(CZ_F(Book, year), "1")' "$a_text"
refused_expression "a number added to an instant" 'CZ_ADD(CZ_F(Book, bought), 3)' "$number"
refused_expression "an instant added to an instant" 'CZ_ADD(CZ_F(Book, bought), CZ_NOW)' cz__instant_expr
refused_expression "a day taken from an instant" 'CZ_SUB(CZ_F(Book, bought), CZ_F(Book, printed))' cz__day_expr
refused_expression "an instant taken from a duration" 'CZ_SUB(CZ_F(Book, kept), CZ_NOW)' cz__instant_expr
refused_expression "a duration multiplied with a duration" 'CZ_MUL(CZ_F(Book, kept), CZ_F(Book, kept))' "$a_span"
refused_expression "an instant multiplied" 'CZ_MUL(CZ_NOW, 2)' cz__instant_expr
refused_expression "a number divided by a text" 'CZ_DIV(CZ_F(Book, year), text)' cz_str
refused_expression "a remainder of a truth value" 'CZ_MOD(CZ_F(Book, year), CZ_F(Book, lent))' cz__boolean_expr
refused_expression "a power of a text" 'CZ_POWER(CZ_F(Book, weight), "2")' "$a_text"
refused_expression "half a place to round to" 'CZ_ROUND(CZ_F(Book, price), 0.5)' double
refused_expression "a text as a length" 'CZ_LEFT(CZ_F(Book, title), "2")' "$a_text"
refused_expression "a text as a place" 'CZ_SUBSTR(CZ_F(Book, title), CZ_F(Book, title), 2)' cz__text_expr
refused_expression "a number as a part" 'CZ_REPLACE(CZ_F(Book, title), "a", 2)' "$number"
refused_expression "a number looked for in a text" 'CZ_STRPOS(CZ_F(Book, title), 2)' "$number"
refused_expression "a text in place of a number" 'CZ_COALESCE(CZ_F(Book, year), "none")' "$a_text"
refused_expression "a fraction in place of a number" 'CZ_COALESCE(CZ_F(Book, year), 0.5)' double
refused_expression "a text less than a number" 'CZ_LEAST(CZ_F(Book, year), 1, CZ_F(Book, title))' cz__text_expr
refused_expression "a number that a text is not" 'CZ_NULLIF(CZ_F(Book, title), 0)' "$number"
refused_expression "a case of another type" 'CZ_CASE("few", CZ_WHEN(CZ_Q(Book, id, GT, 1), "many"), CZ_WHEN(CZ_EVERY_ROW, 5))' "$number"
refused_expression "a case of no type" 'CZ_CASE(NULL, CZ_WHEN(CZ_Q(Book, id, GT, 1), "many"))' "(void \*|selector of type 'void)"
refused_expression "a number as a key of a document" 'CZ_JSON_TEXT(CZ_F(Book, extra), "a", 0)' "$number"
refused_expression "a number between joined texts" 'CZ_STRING_AGG(CZ_F(Book, title), 1)' "$number"
refused_expression "joined numbers" 'CZ_STRING_AGG(CZ_F(Book, year), ", ")' cz__integer_expr
refused_expression "a text as a number of rows" 'CZ_WINDOW(CZ_LAG(CZ_F(Book, year), "1"))' "$a_text"
refused_expression "a window over a value" 'CZ_WINDOW(5)' "$number"
refused_expression "joined with what is encrypted" 'CZ_CONCAT(CZ_F(Book, title), CZ_F(Book, note))' "$a_secret"
refused_expression "what is encrypted instead of a text" 'CZ_COALESCE(CZ_F(Book, title), CZ_F(Book, note))' "$a_secret"
refused_expression "the greatest of what is encrypted" 'CZ_MAX(CZ_F(Book, note))' "$a_secret"
refused_expression "a cast of what is encrypted" 'CZ_CAST_TEXT(CZ_F(Book, note))' "$a_secret"
refused_expression "windows for each of what is encrypted" 'CZ_WINDOW(CZ_RANK, .partition_by = CZ_EXPRS(CZ_F(Book, note)))' "$a_secret"
refused "what is encrypted, compared with a number" '
    cz_count(ctx, Book,
        .where = CZ_QE(CZ_F(Book, note), EXACT, 5)); /* here */' "type .int"
refused "what is encrypted, compared with numbers" '
    cz_count(ctx, Book,
        .where = CZ_QE(CZ_F(Book, note), IN, CZ_INTS(5))); /* here */' "cz_int_list"
refused "an order by what is encrypted" '
    cz_select(ctx, Book,
        .order_by = CZ_ORDER_BY(CZ_ASC(Book, year), CZ_DESC_OF(CZ_F(Book, note)))); /* here */' "$a_secret"
refused "an order by an encrypted field" '
    cz_select(ctx, Book,
        .order_by = CZ_ORDER_BY(CZ_ASC(Book, year), CZ_DESC(Book, note))); /* here */' cz__encrypted_fields_have_no_order
refused "an order by an encrypted field of another model" '
    cz_select(ctx, Author,
        .order_by = CZ_ORDER_BY(CZ_ASC(Author, books->note, .nulls = CZ_NULLS_LAST))); /* here */' cz__encrypted_fields_have_no_order
refused "an order by a value" '
    cz_select(ctx, Book,
        .order_by = CZ_ORDER_BY(CZ_ASC_OF("title"))); /* here */' "$a_text"

accepted "SQL by hand" '
    static const char *const nothing = NULL;
    int year = 1900;
    cz_rows(Book) books = cz_raw(ctx, Book, "SELECT * FROM store_book "
        "WHERE year > ? AND id IN (?)", CZ_ARGS(year, CZ_INTS(1, 2)), .database = "default", .strict = true);
    books = cz_raw(ctx, Book, CZ_SQL((sqlite, "SELECT * FROM a"), (postgresql, "SELECT * " "FROM b")));
    books = cz_raw(ctx, Book, "SELECT * FROM store_book", CZ_ARGS(), .prefetch = { 0 });
    books = cz_raw_unchecked(ctx, Book, text, CZ_ARGS(text, nothing, books.count > 1, 1.5F));
    cz_execute(ctx, "DELETE FROM store_book WHERE id = ?", CZ_ARGS(cz_execute_unchecked(ctx, text)));'
refused "SQL that is no literal" '
    cz_raw(ctx, Book,
        text.ptr); /* here */' "expected"
refused "SQL in a variable" '
    cz_execute(ctx, text.ptr); /* here */' "expected"
refused "SQL in parentheses that is no literal" '
    const char *sql = "SELECT 1";
    cz_execute(ctx,
        (sql)); /* here */' "(incompatible|float)"
refused "SQL of an unknown database" '
    cz_execute(ctx,
        CZ_SQL((sqlite, "SELECT 2"), (oracle, "SELECT 1"))); /* here */' "oracle"
refused "a value that SQL by hand cannot take" '
    struct { int x; } none = { 0 };
    cz_execute(ctx, "DELETE FROM a WHERE b = ?",
        CZ_ARGS(1, none)); /* here */' "struct"
refused "an expression as a value of SQL by hand" '
    cz_execute(ctx, "DELETE FROM a WHERE b = ?",
        CZ_ARGS(CZ_F(Book, year))); /* here */' "cz__integer_expr"

# Declarations, between two functions: the first ends, and what the second ends with is written behind.
accepted "a file in a record" '
(void)ctx, (void)text; }
#define COVER(F) F(char_field, title) F(file_field, picture, .max_bytes = 5, .content_types = "image/png")
CZ_RECORD(Cover, COVER);
void other(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, cz_str text);
void other(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, cz_str text)
{
    Cover *cover = cz_read_row(ctx, req, serializer, Cover);
    cz_set(ctx, cover, title, cover->picture.filename);
    cz_set(ctx, cover, picture, NULL);'
refused "a file in a model" '
(void)ctx, (void)text; }
#define COVER(F) F(char_field, title) F(file_field, picture)
CZ_MODEL(Cover, COVER); /* here */
void other(cz_ctx *ctx, cz_str text);
void other(cz_ctx *ctx, cz_str text)
{' "a file_field of a model needs a storage" 14 # with the list that has it
refused "an image in a record" '
(void)ctx, (void)text; }
#define COVER(F) F(image_field, picture, .max_length = 9)
CZ_RECORD(Cover, COVER); /* here */
void other(cz_ctx *ctx, cz_str text);
void other(cz_ctx *ctx, cz_str text)
{' "an image_field needs a storage" 14
refused "a text as a file" '
(void)ctx, (void)text; }
#define COVER(F) F(file_field, picture)
CZ_RECORD(Cover, COVER);
void other(cz_ctx *ctx, Cover *cover, cz_str text);
void other(cz_ctx *ctx, Cover *cover, cz_str text)
{
    cz_set(ctx, cover, picture, text); /* here */' "(cz_str|type .struct cz_str)"

[[ $bad -eq 0 ]] && echo "as they should be, with ${compilers[*]}"
exit $bad
