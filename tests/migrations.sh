#!/usr/bin/env bash
# A project's life with migrations: models change, `makemigrations` writes C that compiles, `migrate` goes
# forward and back with rows kept, histories fork and are merged; what cannot be is refused.
set -euo pipefail
cd "$(dirname "$0")/.."
calzone=$PWD/build/bin/calzone include=$PWD/include
for tool in cmake python3 cc; do
    command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
[[ -x $calzone ]] || { echo "skipped: build/bin/calzone is not built"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }
unset ENV DATABASE_URL BIND ALLOWED_HOSTS
export CFLAGS=-Werror CMAKE_GENERATOR=Ninja # as `./dev` installs it; make may not be there

# expect CODE TEXT COMMAND...: it ends with the code and says the text.
expect() {
    local code=0 want=$1 text=$2 said
    shift 2
    said=$("$calzone" "$@" 2>&1 </dev/null) || code=$?
    [[ $code -eq $want ]] || fail "$* ended with $code, not $want: $said"
    [[ $said == *"$text"* ]] || fail "$* did not say \"$text\" but: $said"
}
# sql STATEMENT: what the database says, one row a line.
sql() {
    python3 -c 'import sqlite3, sys
with sqlite3.connect("shop.db") as c:
    [print(*row, sep="|") for row in c.execute(sys.argv[1])]' "$1"
}
# older CODE TEXT: `migrate` of a database that is older than its app's migrations.
older() { DATABASE_URL=sqlite://$PWD/older.db expect "$1" "$2" migrate; }
models() { sed -i "$1" src/notes/models.h; }

cd "$work"
"$calzone" new shop >/dev/null
cd shop
# its models get fields here that no serializer lists
sed -i 's/^    \.permissions/    .read_only = true, &/' src/notes/views.c
grep -q read_only src/notes/views.c || fail "the viewset is as it was: $(cat src/notes/views.c)"

echo "the project begins with its first migration"
expect 0 "No changes detected" makemigrations
expect 1 "8000" run --bind 8000
expect 0 "[ ] 0001_initial" showmigrations
expect 1 "" migrate --check
expect 0 "Applying notes.0001_initial... OK" migrate
expect 0 "No migrations to apply" migrate
expect 0 "[X] 0001_initial" showmigrations notes
expect 0 "" migrate --check
expect 1 "there is no app" migrate shops
expect 1 "no migration" migrate notes 0009
sql "INSERT INTO notes_note (title, body, pinned, created_at, updated_at)
     VALUES ('one', 'it''s', 1, '2026-11-21 04:05:06', '2026-11-21 04:05:06')"

echo "a database whose tables are older than the migrations goes on with them"
cp src/notes/app.c "$work/app.c"
sed -i '/\.migrations/d; /list\.h/d' src/notes/app.c
! grep -q migrations src/notes/app.c || fail "the app has migrations still: $(cat src/notes/app.c)"
DATABASE_URL=sqlite://$PWD/older.db expect 0 "" createtables
cp "$work/app.c" src/notes/app.c
older 0 "No migrations to apply"

echo "a field is added, altered, renamed and removed"
models 's/^    F(bool_field, pinned/    F(char_field, color, .max_length = 20) \\\n&/'
expect 1 "Add field color to Note" makemigrations --check
expect 1 "--default notes.Note.color=VALUE" makemigrations
expect 0 "CZ_ADD_FIELD" makemigrations --dry-run --default notes.Note.color=red
[[ ! -e src/notes/migrations/0002_note_color.c ]] || fail "--dry-run wrote a file"
expect 0 "src/notes/migrations/0002_note_color.c" makemigrations --default notes.Note.color=red
code=0 said=$(build/bin/shop makemigrations --default notes.Note.color=red 2>&1 </dev/null) || code=$?
[[ $code == 1 && $said == *"0002_note_color.c is there already, and this program was built without it: build it first"* ]] ||
    fail "a program that is older than its sources ended with $code: $said"
sed -i '/0002_note_color/d' src/notes/migrations/list.h
expect 1 "migration notes.0002_note_color is compiled in and in no list: add CZ_LISTED(notes_0002_note_color);" migrate
sed -i 's/^.*CZ_LIST_END/    CZ_LISTED(notes_0002_note_color);\n&/' src/notes/migrations/list.h
older 0 "0002_note_color... OK"
expect 0 "Planned operations" migrate --plan
expect 0 "0002_note_color... OK" migrate
[[ $(sql "SELECT title, body, color FROM notes_note") == "one|it's|red" ]] || fail "the row: $(sql "SELECT * FROM notes_note")"
models 's/color, .max_length = 20/colour, .max_length = 20/'
expect 1 "--rename notes.Note.color:colour" makemigrations
expect 0 "0003_rename_color_note_colour" makemigrations --rename notes.Note.color:colour
older 0 "0003_rename_color_note_colour... OK"
models 's/colour, .max_length = 20/colour, .max_length = 30, .null = true, .index = true/'
expect 0 "0004_alter_note_colour" makemigrations
older 0 "0004_alter_note_colour... OK"
models '/colour/d'
expect 0 "0005_remove_note_colour" makemigrations
expect 0 "Applying notes.0005_remove_note_colour... OK" migrate
expect 0 "No changes detected" makemigrations
expect 0 "DROP COLUMN" sqlmigrate notes 0005
expect 0 "Unapplying notes.0004_alter_note_colour... OK" migrate notes 0003
[[ $(sql "SELECT title, colour FROM notes_note") == "one|red" ]] || fail "after going back: $(sql "SELECT * FROM notes_note")"
expect 0 "0005_remove_note_colour... OK" migrate

echo "a migration that was applied and then edited is told of, and one that says the same is not"
changed=src/notes/migrations/0004_alter_note_colour.c
cp $changed "$work/kept.c"
sed -i 's|^CZ_MIGRATION|/* said otherwise */\n\n&|; s/, \.max_length = 30/,\n  .max_length = 15 * 2/' $changed
! "$calzone" migrate | grep Warning || fail "another layout is told of as a change"
sed -i 's/15 \* 2/31/' $changed
expect 0 "Warning: notes.0004_alter_note_colour was changed after it was applied: its operation 1, \"Alter field colour on Note\", was another." migrate
expect 0 "1 of those it has was changed since" check --databases
expect 0 "migrate --accept-edited" migrate
expect 0 "Recorded anew: 1" migrate --accept-edited
expect 0 "is up to date" check --databases
mv "$work/kept.c" $changed && touch $changed
expect 0 "Recorded anew: 1" migrate --accept-edited
expect 0 "is up to date" check --databases
expect 2 "unknown argument" check --database

echo "models, relations, indexes"
models 's/^#endif/#define TAG(F) F(slug_field, name, .unique = true) F(many_to_many, notes, Note)\nCZ_MODEL(Tag, TAG);\n#define LINE(F) F(foreign_key, note, Note, .on_delete = CZ_CASCADE) F(int_field, number) F(decimal_field, weight, .digits = 6, .places = 2, .default_ = cz_text("1.50"))\nCZ_MODEL(Line, LINE, .unique_together = CZ_FIELDS(Line, note, number), .indexes = CZ_INDEXES({ .fields = CZ_FIELDS(Line, note, weight) }), .constraints = CZ_CONSTRAINTS({ .name = "line_weight", .check = "\\"weight\\" >= 0" }));\n&/'
sed -i 's/CZ_MODELS(Note)/CZ_MODELS(Note, Tag, Line)/' src/notes/app.c
expect 0 "0006_tag_line" makemigrations
expect 0 "... OK" migrate
[[ $(sql "SELECT count(*) FROM sqlite_schema WHERE name = 'notes_line_note_id_weight_idx'") == 1 ]] || fail "no index"
[[ $(sql "SELECT sql LIKE '%line_weight%' FROM sqlite_schema WHERE name = 'notes_line'") == 1 ]] || fail "no constraint"
sql "INSERT INTO notes_line (note_id, number, weight) VALUES (1, 1, 150)"
models 's/.places = 2/.places = 3/; s/int_field, number/big_int_field, place/; s/note, number)/note, place)/'
expect 0 "0007" makemigrations --rename notes.Line.number:place
expect 0 "OK" migrate
[[ $(sql "SELECT place, weight FROM notes_line") == "1|1500" ]] || fail "a line: $(sql "SELECT * FROM notes_line")"
expect 0 "No changes detected" makemigrations
expect 0 "OK" migrate notes 0006
[[ $(sql "SELECT number, weight FROM notes_line") == "1|150" ]] || fail "a line: $(sql "SELECT * FROM notes_line")"

echo "what would lock a table stands in a migration of its own"
expect 0 "OK" migrate
models 's/slug_field, name/slug_field, label/; s/big_int_field, place/big_int_field, place, .index = true/; s/F(char_field, title, /F(char_field, lead, .null = true) F(char_field, title, /'
expect 0 "blocking (SHARE)" makemigrations --dry-run --rename notes.Tag.name:label
expect 0 "two steps (ACCESS EXCLUSIVE)" makemigrations --online --rename notes.Tag.name:label
grep -q "online = true" src/notes/migrations/0009_alter_line_place.c || fail "no migration of its own: $(ls src/notes/migrations)"
! grep -q "online" src/notes/migrations/0008_*.c || fail "what locks nothing is online"
expect 0 "0009_alter_line_place... OK" migrate
expect 0 "No changes detected" makemigrations
[[ $(sql "SELECT place, weight FROM notes_line") == "1|1500" ]] || fail "a line: $(sql "SELECT * FROM notes_line")"

echo "two branches are merged"
expect 0 "0010_ours" makemigrations notes --empty --name ours
sed 's/0010_ours/0010_theirs/g' src/notes/migrations/0010_ours.c >src/notes/migrations/0010_theirs.c
sed -i 's/^.*notes_0010_ours.*$/&\n    CZ_LISTED(notes_0010_theirs);/' src/notes/migrations/list.h
expect 1 "makemigrations --merge" migrate
expect 1 "makemigrations --merge" makemigrations
expect 0 "0011_merge" makemigrations --merge
expect 0 "0011_merge_0010_ours_0010_theirs... OK" migrate

echo "a history with a hole is refused"
sql "DELETE FROM calzone_migrations WHERE name = '0004_alter_note_colour'"
expect 1 "0005_remove_note_colour is applied and notes.0004" migrate
sql "INSERT INTO calzone_migrations (app, name, applied, state) VALUES ('notes', '0004_alter_note_colour', '2026-11-21', '')"

echo "back to nothing, and faked"
expect 0 "Unapplying notes.0001_initial... OK" migrate notes zero
[[ $(sql "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'notes%'") == 0 ]] || fail "tables were left"
expect 0 "0011_merge_0010_ours_0010_theirs... OK" migrate
sql "DELETE FROM calzone_migrations"
expect 1 "already exists" migrate
expect 0 "0001_initial... FAKED" migrate notes 0001 --fake-initial
expect 0 "0011_merge_0010_ours_0010_theirs... FAKED" migrate --fake

echo "several become one"
sql "SELECT sql FROM sqlite_schema WHERE name LIKE 'notes%' ORDER BY name" >"$work/before"
expect 1 "there is nothing to squash" squashmigrations notes 0001
expect 1 "no migration" squashmigrations notes 0099
expect 0 "It replaces 7 migrations" squashmigrations notes 0007
[[ $(grep -c CZ_CREATE_MODEL src/notes/migrations/0001_initial_squashed_0007*.c) == 3 ]] || fail "not what makes three models"
expect 0 "No migrations to apply" migrate
expect 0 "[X] 0001_initial_squashed_0007" showmigrations
expect 1 "notes.0003_rename_color_note_colour was squashed: 0001_initial_squashed_0007" migrate notes 0003
expect 0 "No changes detected" makemigrations
for file in src/notes/migrations/000[1-7]_*.c; do # every database is past them
    name=$(basename "$file" .c)
    [[ $name == *_squashed_* ]] && continue
    rm "$file" && sed -i "/CZ_LISTED(notes_$name);/d" src/notes/migrations/list.h
done
sed -i '/\.replaces/d' src/notes/migrations/0001_initial_squashed_0007*.c
sed -i 's/{ "notes", "0007_[a-z0-9_]*" }/{ "notes", "'"$(basename src/notes/migrations/0001_*.c .c)"'" }/' src/notes/migrations/0008_*.c
expect 0 "No migrations to apply" migrate
expect 0 "Unapplying notes.0001_initial_squashed_0007" migrate notes zero
expect 0 "Applying notes.0011_merge_0010_ours_0010_theirs... OK" migrate
sql "SELECT sql FROM sqlite_schema WHERE name LIKE 'notes%' ORDER BY name" >"$work/after"
python3 - "$work/before" "$work/after" <<'PYTHON' || fail "the squashed one makes other tables: $(diff "$work/before" "$work/after")"
import re, sys
def told(path): # the order of columns is another
    return [sorted(re.split(r", (?=\"|UNIQUE)", line)) if "(" in line else line
            for line in open(path).read().replace(") STRICT", "").replace(" (", ", ").split("\n")]
sys.exit(told(sys.argv[1]) != told(sys.argv[2]))
PYTHON

echo "models from tables of others"
sql 'CREATE TABLE "shop_order" ("id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "default" varchar(30) NOT NULL UNIQUE,
     "paid" bool NOT NULL, "total" decimal(8, 2) NULL, "placed at" datetime NOT NULL, "note_id" bigint NOT NULL
     REFERENCES "notes_note" ("id") DEFERRABLE INITIALLY DEFERRED, UNIQUE ("default", "note_id"))'
"$calzone" inspectdb shop_order notes_note >models_of_others.h 2>"$work/log" || fail "inspectdb: $(cat "$work/log")"
for field in 'char_field, default_field, .max_length = 30, .unique = true, .column = "default"' 'bool_field, paid' \
    'decimal_field, total, .digits = 8, .places = 2, .null = true' 'datetime_field, placed_at, .column = "placed at"' \
    'foreign_key, note, NotesNote, .on_delete = CZ_DO_NOTHING' 'unique_together = CZ_FIELDS(ShopOrder, default_field, note_id)'; do
    grep -qF "$field" models_of_others.h || fail "inspectdb does not say $field: $(cat models_of_others.h)"
done
echo '#include "models_of_others.h"' | cc -std=gnu17 -fsyntax-only -Wno-override-init -I "$include" -I . -x c - ||
    fail "what inspectdb prints does not compile"
expect 1 "there is no table nothing" inspectdb nothing

echo "a key changes its type, and links their table"
sql "INSERT INTO notes_tag (label) VALUES ('red')"
models 's/CZ_MODEL(Tag/CZ_MODEL_UUID(Tag/; s/many_to_many, notes, Note/&, .table = "tagged_notes"/'
expect 0 "notes_tag, with each table that refers to it: notes_tag_notes, is written again" makemigrations
expect 1 '"1" in notes_tag.id is no UUID' migrate
sql "DELETE FROM notes_tag"
expect 0 "0012_alter_tag_id_alter_tag_notes... OK" migrate
[[ $(sql "SELECT type FROM pragma_table_info('tagged_notes') WHERE name = 'tag_id'") == TEXT ]] ||
    fail "the links hold other keys: $(sql "SELECT sql FROM sqlite_schema WHERE name = 'tagged_notes'")"
expect 0 "No changes detected" makemigrations
expect 0 "OK" migrate notes 0011
[[ $(sql "SELECT type FROM pragma_table_info('notes_tag_notes') WHERE name = 'tag_id'") == INTEGER ]] ||
    fail "the links hold other keys: $(sql "SELECT sql FROM sqlite_schema WHERE name = 'notes_tag_notes'")"

echo "production asks for migrate"
export ENV=production ALLOWED_HOSTS=localhost DATABASE_URL=sqlite://$PWD/other.db
expect 1 "7 migrations are not applied" run --bind 127.0.0.1:0
echo "done"
