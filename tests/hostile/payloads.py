"""What is sent wherever a name or a value is taken. Bytes, because some are no text at all."""

QUOTES = [
    "'", "''", "'''", '"', '""', "`", "\\", "\\'", "\\\\'", "\\\"", "'\\''", "';", "')", "'))", '")', "'\"", "%27", "%2527",
    "\u2018", "\u2019", "\u02bc", "\uff07", "\u2032", "\u201c", "\uff02", "\u00b4", "\u02b9", "'\u0301", "\uff07 OR 1=1--",
]
COMMENTS = ["--", "-- ", "--+", "#", "/*", "*/", "/**/", "/*!50000 x*/", "a'--", "a'/*", "a' -- -", "*/ OR 1=1 /*", ";--", "'; -- \r\n"]
TAUTOLOGIES = [
    "' OR '1'='1", "' OR 1=1--", '" OR ""="', "' OR 'a' LIKE 'a", "1 OR 1=1", "1) OR (1=1", "1' OR '1'='1' --", "x' AND 1=0 --",
    "' OR TRUE --", "' OR NOT FALSE --", "'||'", "' || 'a", "'+'", "' XOR '1", "1 AND 1=1", "' AND '1'='2", "-1 OR 1", "1=1", "0 OR 1",
    "' OR title IS NOT NULL --", "' HAVING 1=1 --", "' GROUP BY 1 --", "1) AND (SELECT 1",
]
UNIONS = [
    "' UNION SELECT 1--", "' UNION ALL SELECT NULL,NULL--", "1 UNION SELECT name FROM sqlite_schema", "') UNION SELECT 1,2,3--",
    "' UNION SELECT sql FROM sqlite_master--", "' UNION SELECT usename FROM pg_user--", "1 INTERSECT SELECT 1", "' EXCEPT SELECT 1--",
    "(SELECT 1)", "(SELECT name FROM shop_box LIMIT 1)", "' OR EXISTS(SELECT 1 FROM shop_box) --", "VALUES (1)",
]
STACKED = [
    "'; DROP TABLE shop_thing; --", "1; DROP TABLE shop_thing", "'; DELETE FROM shop_thing; --", "; UPDATE shop_thing SET title = 'x'",
    "'; INSERT INTO shop_box (name) VALUES ('x'); --", "'); DROP TABLE shop_box; --", "'; COMMIT; --", "'; ROLLBACK; DROP TABLE shop_box; --",
    "'; VACUUM; --", "'; ATTACH DATABASE '/tmp/x' AS x; --", "'; PRAGMA writable_schema=1; --", "'; COPY shop_box TO '/tmp/x'; --",
    "'; SELECT pg_sleep(5); --", "1;SELECT pg_sleep(5)", "'; TRUNCATE shop_thing; --", "'; SET ROLE postgres; --", "\n; DROP TABLE shop_thing",
]
BLIND = [
    "' AND pg_sleep(3) IS NULL --", "'||pg_sleep(3)||'", "' AND randomblob(300000000) --", "1 AND 1=(SELECT COUNT(*) FROM pg_class)",
    "' AND (SELECT CASE WHEN 1=1 THEN 1/0 END)=1 --", "' AND LIKE('ABCDEFG',UPPER(HEX(RANDOMBLOB(100000000)))) --",
    "' AND 1=CAST((SELECT version()) AS int) --", "' AND load_extension('x') --", "1/0", "' AND 1=abs(-9223372036854775808) --",
]
PLACES = ["?", "?1", "?999", "$1", "$2", "$0", "$$", "$$x$$", "$tag$x$tag$", ":1", ":name", "@p", "%s", "%(x)s", "{0}", "{title}", "#{1}", "${7*7}", "%1$s"]
CASTS = ["1::int", "'1'::text", "::", "a::regclass", "CAST(1 AS INT)", "E'\\x27'", "E'\\'' OR 1=1", "U&'\\0027'", "X'27'", "x'", "B'1'", "N'x'", "'x' COLLATE \"C\"", "1e", "0x27"]
FORMATS = ["%s%s%s%s%s", "%n%n%n", "%x", "%d", "%p", "%99999d", "%.*s", "%c", "\\x00", "\\u0000", "\\0", "%00", "\x1b[31m", "\u202e", "\ufeff"]
WILDCARDS = ["%", "_", "%%", "__", "%_%", "\\%", "\\_", "a%", "%a%", "*", "?", "[a-z]", "[", "]", "[^", "*a*", "[]]", "[!a]", "a*b?c[d]", "\\", "\\\\%"]
REGEXES = [
    "(a+)+$", "(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "((((((((((a*)*)*)*)*)*)*)*)*)*b", "a{1,99999}", "(?:a?){60}a{60}",
    "(", ")", "[", "*", "+", "?", "a**", "\\", "(?", "(?P<", "(?<!a*)", "(?R)", "(?1)", "\\1", "(a)\\2", "[[:foo:]]", "[z-a]", "a{2,1}", "(?i)a",
    "(*UTF)a", "(*LIMIT_MATCH=1)a", "\\C", "\\p{Lu}", "\\Q'", "***=a", "***:a", "(?#", "(?(DEFINE)a)", "\\K", "(?{1})",
]
PATHS = [
    "title->", "->title", "->", "title->name", "box->->name", "box->name->x", "box.name", "box__name", "title\"", "\"title\"", "title AS x", "title; --",
    "Title", "TITLE", " title ", "title\x00", "t0.title", "\"t0\".\"title\"", "rowid", "ctid", "xmin", "tableoid", "oid", "*", "1", "pk", "id->id",
    "tags->label->x", "box->box", "tags->tags", "random()", "-title", "+title", "title desc", "title,(SELECT 1)", "CASE WHEN 1=1 THEN title END",
]
JSON = [
    '{"a":', '{"a":1}', "[1,2", '"', "null", "true", "{'a':1}", "[]", "{}", '{"a":"\\u0000"}', '{"a":"\\ud800"}', '{"a":1,"a":2}', "[[[[[[[[[[]]]]]]]]]]",
    "$", "$.a", "$[0]", "$.a'", '$."a"', "a.b", "a[0]", 'a"b', "a'b", "#", "$.*", "#>>'{a}'", "{a,b}", "-1", "0", "01", '{"$.a": 1}', "a\\b",
]
ARRAYS = ["{1,2}", "{", "}", "{1,{2}}", "ARRAY[1]", "'{1}'", "1,2", "1,,2", ",", ",,,", "(1,2)", "[1,2]", "{NULL}", "null", "a,b", '{"a","b"}', "1,2)"]
NUMBERS = [
    "0", "-0", "1", "-1", "+1", "01", "1.0", "1e3", "1E400", "-1e400", "NaN", "nan", "Infinity", "-Infinity", "inf", "1,5", "1_000", "0x10", "0b1", "\u0661\u0662",
    "32767", "32768", "-32769", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "9" * 40, "9" * 400, "1." + "0" * 60, "0." + "9" * 50, "1e-400", "1e", ".", "-", "+", "1-1", "--1", ".5", "5.",
    "999999.99", "1000000.00", "0.005", "-999999.99", "1e2147483648", "1e-2147483648",
]
TIMES = [
    "2024-02-30", "2024-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01", "-0001-01-01", "2024-13-01", "2024-1-1", "2024-01-01T25:00:00Z",
    "2024-01-01T23:59:60Z", "2024-01-01T00:00:00+99:99", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "24:00:00", "23:59:59.9999999", "12:60", "-1:00:00",
    "epoch", "infinity", "now", "today", "P1D", "99999999999 00:00:00", "1 day", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}",
    "ffffffffffffffffffffffffffffffff", "g0000000-0000-0000-0000-000000000000", "urn:uuid:00000000-0000-0000-0000-000000000000",
    "127.0.0.1", "127.0.0.1/8", "::1", "::ffff:1.2.3.4", "256.1.1.1", "127.1", "fe80::1%eth0", "0177.0.0.1", "127.0.0.1'",
]
BYTES = [b"\x00", b"a\x00b", b"\x00' OR 1=1--", b"\xff", b"\xc0\xa7", b"\xe0\x80\xa7", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xbf\x27", b"\xbf\x5c\x27", b"a\xf0\x9f", b"'\xff'", b"\x80\x27 OR 1=1--"]
LONG = [b"a" * 4000, b"'" * 2000, b"%" * 1000, b"((" * 500, b"a," * 9000, b"a->" * 500, b"\\" * 999, b"x'||'" * 500, b"A" * 70000]
OTHER = ["", " ", "\t", "\n", "\r\n", "a\r\nSet-Cookie: x=1", "a\u0000".replace("\u0000", "\u2400"), "null", "NULL", "None", "true", "undefined", "title", "\U0001f4a9", "\u00df", "\u0130", "\u0131", "SS", "a\u0308", "\u00e4", "plain", "Plain", "apple pie"]


def every():
    """Each once, in order."""
    out = []
    for group in (QUOTES, COMMENTS, TAUTOLOGIES, UNIONS, STACKED, BLIND, PLACES, CASTS, FORMATS, WILDCARDS, REGEXES, PATHS, JSON, ARRAYS, NUMBERS, TIMES, BYTES, LONG, OTHER):
        out += [p if isinstance(p, bytes) else p.encode() for p in group]
    return list(dict.fromkeys(out))
