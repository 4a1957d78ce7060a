#!/usr/bin/env python3
"""Where SQL is put together: only in the modules named here. Elsewhere SQL is whole constants.

    tests/lint/sql.py          fail at SQL that is composed anywhere else
    tests/lint/sql.py --list   print each place that composes SQL, for who reviews them
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMPOSERS = {
    "src/orm/compiler.c": "queries",
    "src/orm/conditions_sql.c": "conditions of queries",
    "src/orm/constraints.c": "constraints asked about a row before it is stored",
    "src/orm/raw_sql.c": "the parameters of SQL written by hand",
    "src/orm/windows_sql.c": "conditions on windows",
    "src/orm/behind_sql.c": "the rows behind a relation of many rows",
    "src/orm/expressions.c": "expressions of queries",
    "src/db/sqlite/stream.c": "temporary tables, whose names are numbers, of the ORM's statements",
    "src/db/sqlite/schema.c": "tables on SQLite",
    "src/db/postgresql/schema.c": "tables on PostgreSQL",
    "src/db/postgresql/schema_keys.c": "keys that are counted up, on PostgreSQL",
    "src/db/sqlite/search_index.c": "indexes of full text, on SQLite",
    "src/db/postgresql/search.c": "full text, on PostgreSQL",
    "src/db/sqlite/schema_names.c": "indexes that others named, on SQLite",
    "src/db/postgresql/schema_names.c": "constraints and indexes that others named, on PostgreSQL",
    "src/db/postgresql/connection.c": "names of savepoints, which are numbers, and the session's settings",
    "src/db/postgresql/load.c": "COPY",
    "src/db/postgresql/listen.c": "LISTEN and the channels' names",
    "src/db/postgresql/stream.c": "cursors, whose names are numbers, around the ORM's statements",
    "src/cache/database/database.c": "lists of parameters, by their numbers",
    "src/testing/database.c": "a test's own schema",
    "src/testing/template_postgresql.c": "a test's own database",
}
KEYWORD = re.compile(
    r'"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|TRUNCATE|FROM|WHERE|SET|ORDER BY|GROUP BY|VALUES|'
    r'PRAGMA|SAVEPOINT|RELEASE|ROLLBACK TO|BEGIN)\s')
COMPOSES = re.compile(r"cz_buf_append|printf|cz_format|cz_raise|cz_error_set|strcat|strcpy")
MESSAGE = re.compile(r"cz_raise|cz_error_set|cz_log|say\(")


def statements(text):
    """(line, statement) of C's source, comments left out."""
    text = re.sub(r"/\*.*?\*/", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)
    line, start, begin = 1, 1, 0
    for at, char in enumerate(text):
        if char in ";{}":
            yield start, text[begin:at]
            begin, start = at + 1, line
        line += char == "\n"


def composed(text):
    """The lines of a source that put SQL together."""
    return [line for line, statement in statements(text)
            if KEYWORD.search(statement) and COMPOSES.search(statement) and not MESSAGE.search(statement)]


def main():
    planted = 'void f(void)\n{\n    cz_buf_append_lit(sql, "SELECT * FROM ");\n}\n'
    constant = 'static const char x[] = "SELECT 1 ";\nvoid g(void)\n{\n    cz_raise(c, E, "SET it by hand");\n}\n'
    assert len(composed(planted)) == 1 and not composed(constant), "the check itself is broken"
    failed = False
    for path in sorted((ROOT / "src").rglob("*.c")):
        name = path.relative_to(ROOT).as_posix()
        if name.endswith(("_test.c", "_fuzz.c")):
            continue
        for line in composed(path.read_text(encoding="utf-8")):
            if "--list" in sys.argv:
                print(f"{name}:{line}: {COMPOSERS.get(name, 'NOT ALLOWED')}")
            elif name not in COMPOSERS:
                failed = True
                print(f"{name}:{line}: SQL is put together here; see tests/lint/sql.py")
    for name in COMPOSERS:
        if not (ROOT / name).exists():
            failed = True
            print(f"tests/lint/sql.py names {name}, which is not there")
    sys.exit(failed)


if __name__ == "__main__":
    main()
