"""What is asked: every lookup of every kind of field over every way to it, then what queries compute and change.

A filter must give some rows and not all, or name what it tests the emptiness of; the runner looks.
"""
from language import F, OUTER, Q, Question, X, ask, call, change, compute, group, probe, record, total, value
from models import DELETES, KINDS, field

TEXTS = {
    #         exact      iexact     contains icontains startswith istartswith endswith iendswith regex iregex gt range
    "char": ("banana", "BANANA", "an", "APPLE", "ba", "APP", "ana", "PIE", "^[a-z]+$", "^A", "b", ("a", "c")),
    "text": ("plain", "A LONG LINE", "in", "LINE", "two", "A LONG", "ine", "LINE", "^[a-z]+$", "^A", "n", ("a", "o")),
    "slug": ("blue_sky", "RED-APPLE", "sky", "APPLE", "blue", "RED", "-1", "APPLE", "^[a-z]+-", "^RED", "g", ("c", "h")),
    "email": ("bob@test.org", "ANN@EXAMPLE.COM", "test", "EXAMPLE", "bob", "ANN", ".org", ".COM", "^[a-z]+@", "^ANN@", "c",
              ("a", "c")),
    "url": ("ftp://x.io/file", "HTTP://EXAMPLE.COM/A", "test.org", "EXAMPLE", "ftp", "HTTP:", "file", "/A", "^http:.*a$",
            "/A$", "http://m", ("g", "http://z")),
}
# "own int gte" asked as if GTE meant GT
PLANTED = "IDS(Thing, .where = CZ_Q(Thing, f_int, GT, 99), .order_by = CZ_ORDER_BY(CZ_ASC(Thing, id)))"
TEXT_LOOKUPS = ("exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex",
                "iregex", "gt", "range")
ORDERED = {  # exact, one below and one above the middle
    "small": (3, -7, 12), "int": (4, -10, 99), "big": (6, -11, 1 << 40), "float": (1.5, 0.0, 3.25),
    "short": ("3.50", "0.10", "12.25"), "long": ("2.5", "0.00000001", "7.125"),
    "date": ("2025-01-01", "2000-02-29", "2026-06-15"), "time": ("12:00:00.500000", "08:30:00", "18:45:10"),
    "datetime": ("2025-01-01T00:00:00.250000Z", "2000-02-29T12:00:00Z", "2026-06-15T18:45:10Z"),
    "duration": ("01:30:00", "00:00:00", "2 03:04:05"),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "11111111-2222-4333-8444-555555555555",
             "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
}
SPANS = {  # the way, the model asked, the path
    "own": ("Thing", ""), "forward": ("Part", "thing__"), "two forward": ("Bolt", "part__thing__"),
    "reverse": ("Box", "things__"), "m2m": ("Crate", "things__"), "m2m reverse": ("Tag", "things__"),
}


def lookups(kind):
    """(lookup, value) of a kind."""
    if kind in TEXTS:
        values = TEXTS[kind]
        out = list(zip(TEXT_LOOKUPS, values))
        out += [("in", [values[0], "no such"]), ("gte", values[0]), ("lt", values[10]), ("lte", values[0])]
        if kind == "url":
            out[-3] = ("gte", "https:")
    elif kind in ORDERED:
        middle, low, high = ORDERED[kind]
        out = [("exact", middle), ("in", [low, high]), ("gt", middle), ("gte", high), ("lt", low), ("lte", low),
               ("range", (middle, high))]
    elif kind == "bool":
        out = [("exact", True), ("exact", False)]
    elif kind == "ip":
        out = [("exact", "10.0.0.22"), ("in", ["10.0.0.1", "::1"]), ("contains", "168"), ("startswith", "10."),
               ("endswith", "22"), ("iexact", "2001:DB8::1"), ("icontains", "DB8"), ("istartswith", "2001:D"), ("iendswith", "8::1"),
               ("regex", "^10[.]"), ("iregex", "DB8")]
    else:
        out = [("exact", {"a": 1, "b": "x"}), ("contains", {"a": 1}), ("has_key", "b"), ("has_keys", ["a", "tags"]),
               ("has_any_keys", ["n", "tags"])]
    return out + [("isnull", True), ("isnull", False)]


def matrix():
    for span, (model, way) in SPANS.items():
        for kind in KINDS:
            for null in (False, True):
                for lookup, v in lookups(kind):
                    name = "%s %s %s%s %s" % (span, kind, "null " if null else "", lookup,
                                              v if lookup in ("isnull", "exact") and isinstance(v, bool) else "")
                    c_kind = "x" if lookup.startswith("has_") or lookup == "isnull" else kind
                    # a required field of the model itself is never NULL
                    some = not (lookup == "isnull" and span == "own" and not null)
                    ask(name.strip(), model, Q(way + field(kind, null), lookup, v, c_kind), some=some,
                        refused=("sqlite",) if kind == "json" and lookup == "contains" else (),
                        planted=PLANTED if name.strip() == "own int gte" else None)


def negations():
    for span, (model, way) in SPANS.items():
        for kind, v in (("char", "banana"), ("int", 4), ("short", "3.50"), ("date", "2025-01-01"), ("bool", True)):
            for null in (False, True):
                ask("not %s %s%s" % (span, kind, " null" if null else ""), model, ~Q(way + field(kind, null), "exact", v, kind))
        ask("not %s in" % span, model, ~Q(way + "n_int", "in", [4, 99]))
        ask("not %s isnull" % span, model, ~Q(way + "n_int", "isnull", True))


def relations():
    ask("fk exact", "Thing", Q("box", "exact", 3))
    ask("fk in", "Thing", Q("box", "in", [3, 4]))
    ask("fk gt", "Thing", Q("box", "gt", 5))
    ask("fk gte", "Thing", Q("box", "gte", 5))
    ask("fk lt", "Thing", Q("box", "lt", 5))
    ask("fk lte", "Thing", Q("box", "lte", 5))
    ask("fk isnull", "Thing", Q("box", "isnull", True))
    ask("fk is not null", "Thing", Q("box", "isnull", False))
    ask("fk key exact", "Thing", Q("box_id", "exact", 3))
    ask("fk key in", "Thing", Q("box_id", "in", [1, 2]))
    ask("fk key of the other", "Thing", Q("box__id", "exact", 3))
    ask("fk two exact", "Part", Q("thing__box", "exact", 3))
    ask("fk two isnull", "Part", Q("thing__box", "isnull", True))
    ask("fk three", "Bolt", Q("part__thing__box__name", "exact", "box 3"))
    ask("fk two name", "Bolt", Q("part__thing__box", "in", [1, 2, 3]))
    ask("m2m exact", "Thing", Q("tags", "exact", 3))
    ask("m2m in", "Thing", Q("tags", "in", [1, 3]))
    ask("m2m isnull", "Thing", Q("tags", "isnull", True))
    ask("m2m is not null", "Thing", Q("tags", "isnull", False))
    ask("m2m name", "Thing", Q("tags__name", "endswith", "3"))
    ask("m2m two", "Crate", Q("things__tags", "exact", 2))
    ask("m2m and back", "Tag", Q("things__tags__name", "exact", "tag 2"))
    ask("reverse exact", "Box", Q("things", "exact", 5))
    ask("reverse in", "Box", Q("things", "in", [5, 6, 7]))
    ask("reverse isnull", "Box", Q("things", "isnull", True))
    ask("reverse is not null", "Box", Q("things", "isnull", False))
    ask("reverse two", "Box", Q("things__parts__size", "gte", 5))
    ask("reverse three", "Box", Q("things__parts__bolts__size", "gte", 7))
    ask("reverse and forward", "Thing", Q("parts__thing__f_int", "gt", 4))
    ask("m2m reverse two", "Thing", Q("crates__name", "in", ["crate 3", "crate 5"]))
    ask("self fk", "Staff", Q("boss__name", "gt", "name 10"))
    ask("self fk two", "Staff", Q("boss__boss", "isnull", True))
    ask("self reverse", "Staff", Q("reports__wage", "gte", "2000", "short"))
    ask("not m2m", "Thing", ~Q("tags", "exact", 3))
    ask("not tags in", "Thing", ~Q("tags__name", "in", ["tag 3", "tag 4"]))
    ask("not reverse two", "Box", ~Q("things__parts__size", "gte", 5))
    ask("not things isnull", "Box", ~Q("things", "isnull", True))
    ask("not fk exact", "Thing", ~Q("box", "exact", 3))
    ask("not fk two", "Part", ~Q("thing__box", "exact", 3))
    ask("not self reverse", "Staff", ~Q("reports__wage", "gte", "2000", "short"))


def logic():
    a, b, c = Q("f_int", "gt", 0), Q("n_char", "contains", "an"), Q("f_bool", "exact", True)
    ask("and", "Thing", a & b)
    ask("or", "Thing", a | b)
    ask("and or", "Thing", (a & b) | c)
    ask("or and", "Thing", (a | b) & c)
    ask("not and", "Thing", ~(a & b))
    ask("not or", "Thing", ~(a | b))
    ask("and not", "Thing", a & ~b)
    ask("or not", "Thing", a | ~b)
    ask("not not", "Thing", ~~b)
    ask("not and not", "Thing", ~(a & ~b))
    ask("two over one relation", "Box", Q("things__f_int", "gt", 0) & Q("things__f_bool", "exact", True))
    ask("either over one relation", "Box", Q("things__f_int", "gt", 10) | Q("things__f_bool", "exact", True))
    ask("either of two relations", "Thing", Q("tags__name", "exact", "tag 1") | Q("box__name", "exact", "box 1"))
    ask("to-one null or", "Part", Q("thing__n_int", "isnull", True) | Q("thing__f_int", "exact", 4))
    ask("nothing", "Thing", Q("f_int", "gt", 5) & Q("f_int", "lt", 5), some=False)
    ask("field with field", "Thing", Q("f_int", "gt", F("f_small")))
    ask("field with sum", "Part", Q("size", "lt", call("(%s + %s)", "CZ_ADD(%s, %s)", F("thing__f_small"), X("2", "2"))))
    ask("field over relation", "Bolt", Q("size", "gt", F("part__size")))
    ask("text with field", "Thing", Q("f_char", "lt", F("f_slug")))
    for i, (lookup, v) in enumerate([("contains", "%"), ("contains", "_"), ("contains", "*"), ("contains", "["),
                                     ("contains", "\\"), ("contains", "'"), ("contains", "\""), ("icontains", "%"),
                                     ("icontains", "_"), ("startswith", "100%"), ("endswith", "?"), ("endswith", "slash"),
                                     ("exact", ""), ("exact", "Ünïcode über"), ("contains", "ï"), ("iexact", "100% JUICE"),
                                     ("iexact", "back\\slash"), ("in", ["", "it's \"so\""])]):
        ask("special %d %s" % (i, lookup), "Thing", Q("f_char", lookup, v))
    for lookup, v in (("contains", "App"), ("startswith", "App"), ("endswith", "Pie"), ("contains", "BANANA")):
        ask("case %s %s" % (lookup, v), "Thing", Q("f_char", lookup, v), some=False, differs={"sqlite": "0003"})
    ask("case startswith text", "Thing", Q("f_text", "startswith", "A L"), differs={"sqlite": "0003"})


NUMBERS = [("int", "f_int", "int"), ("int", "n_int", "int"), ("real", "f_float", "float"), ("real", "n_float", "float"),
           ("dec", "f_short", "short"), ("dec", "n_short", "short")]
SMALL = Q("f_int", "range", (-1000, 1000)) & Q("f_short", "lt", "1000", "short")


def one(kind):
    return {"int": 3, "float": 0.5, "short": value("0.25", "short")}[kind]


def typed(expression, field_class):
    """Of parts of several kinds, where Django wants to be told the kind of the whole."""
    options = "max_digits=30, decimal_places=10" if field_class == "DecimalField" else ""
    return X("ExpressionWrapper(%s, output_field=%s(%s))" % (expression.django, field_class, options), expression.c)


def arithmetic():
    for out, name, kind in NUMBERS:
        v = one(kind)
        within = SMALL & (Q("n_int", "range", (-1000, 1000)) | Q("n_int", "isnull", True)) if name == "n_int" else SMALL
        literal = v if isinstance(v, X) else X(repr(v), repr(v))
        for op, c in (("+", "CZ_ADD"), ("-", "CZ_SUB"), ("*", "CZ_MUL")):
            compute("%s %s" % (name, op), "Thing", [(out, call("(%%s %s %%s)" % op, c + "(%s, %s)", F(name), literal))], where=within)
        for function in ("Abs", "Sign"):
            compute("%s %s" % (name, function), "Thing",
                    [("int" if function == "Sign" else out, call(function, "CZ_" + function.upper(), F(name)))], where=within)
        if kind != "int":
            for function in ("Ceil", "Floor"):
                compute("%s %s" % (name, function), "Thing", [(out, call(function, "CZ_" + function.upper(), F(name)))])
            compute("%s Round" % name, "Thing", [(out, call("Round(%s)", "CZ_ROUND(%s, 0)", F(name)))],
                    differs={"postgresql": "0021"} if kind == "float" else None)
        else:
            compute("%s / 3" % name, "Thing", [(out, call("(%s / 3)", "CZ_DIV(%s, 3)", F(name)))], where=within)
            compute("%s %% 3" % name, "Thing", [(out, call("Mod(%s, 3)", "CZ_MOD(%s, 3)", F(name)))], where=within)
    positive = Q("f_float", "gt", 0.0)
    compute("sqrt", "Thing", [("real", call("Sqrt", "CZ_SQRT", F("f_float")))], where=positive)
    compute("power", "Thing", [("real", call("Power(%s, Value(2.0))", "CZ_POWER(%s, 2.0)", F("f_float")))])
    compute("fields summed", "Thing", [("int", call("(%s + %s)", "CZ_ADD(%s, %s)", F("f_int"), F("n_int")))],
            where=SMALL & Q("n_int", "range", (-1000, 1000)))
    compute("price times count", "Thing", [("dec", typed(call("%s * %s", "CZ_MUL(%s, %s)", F("f_short"), F("f_int")), "DecimalField"))], where=SMALL)
    compute("negated", "Thing", [("int", call("(-%s)", "CZ_NEGATE(%s)", F("f_int")))], where=SMALL)
    compute("over a relation", "Bolt", [("int", call("(%s + %s)", "CZ_ADD(%s, %s)", F("size"), F("part__size")))])
    compute("datetime + duration", "Thing", [("datetime", typed(call("%s + %s", "CZ_ADD(%s, %s)", F("f_datetime"), F("f_duration")), "DateTimeField"))])
    compute("datetime - duration", "Thing", [("datetime", typed(call("%s - %s", "CZ_SUB(%s, %s)", F("f_datetime"), F("n_duration")), "DateTimeField"))])
    compute("datetime - datetime", "Thing", [("span", call("(%s - %s)", "CZ_SUB(%s, %s)", F("f_datetime"), F("n_datetime")))])
    compute("date - date", "Thing", [("span", call("(%s - %s)", "CZ_SUB(%s, %s)", F("f_date"), F("n_date")))])
    compute("duration + duration", "Thing", [("span", call("(%s + %s)", "CZ_ADD(%s, %s)", F("f_duration"), F("n_duration")))])
    probe("sum asked", "Thing", call("(%s + 3)", "CZ_ADD(%s, 3)", F("f_small")), "gt", 5)
    probe("decimal product asked", "Thing", typed(call("%s * 2", "CZ_MUL(%s, 2)", F("f_short")), "DecimalField"), "gte", "7.00", "short", some=True)


def texts():
    for name in ("f_char", "n_char", "f_text", "n_slug"):
        f = F(name)
        for function, out in (("Lower", "text"), ("Upper", "text"), ("Length", "int"), ("Trim", "text"), ("LTrim", "text"),
                              ("RTrim", "text")):
            if function in ("Lower", "Upper") and name.endswith("char"):
                compute("%s %s" % (name, function), "Thing", [(out, call(function, "CZ_" + function.upper(), f))],
                        where=~Q(name, "startswith", "Ü"))
            else:
                compute("%s %s" % (name, function), "Thing", [(out, call(function, "CZ_" + function.upper(), f))])
        compute(name + " Concat", "Thing", [("text", call("Concat(%s, output_field=TextField())" % ", ".join(["%s"] * 3), "CZ_CONCAT", f, "-", F("f_slug")))])
        compute(name + " Substr", "Thing", [("text", call("Substr(%s, 2, 3)", "CZ_SUBSTR(%s, 2, 3)", f))])
        compute(name + " Left", "Thing", [("text", call("Left(%s, 2)", "CZ_LEFT(%s, 2)", f))])
        compute(name + " Right", "Thing", [("text", call("Right(%s, 2)", "CZ_RIGHT(%s, 2)", f))])
        compute(name + " Replace", "Thing", [("text", call("Replace(%s, %s, %s, output_field=TextField())", "CZ_REPLACE", f, "a", "<>"))])
        compute(name + " StrIndex", "Thing", [("int", call("StrIndex", "CZ_STRPOS", f, "a"))])
    compute("concat null", "Thing", [("text", call("Concat(%s, output_field=TextField())" % ", ".join(["%s"] * 2), "CZ_CONCAT", F("n_char"), F("n_slug")))])
    compute("text over relation", "Part", [("text", call("Upper", "CZ_UPPER", F("thing__f_slug")))])
    compute("nested text", "Thing", [("text", call("Upper", "CZ_UPPER", call("Left(%s, 3)", "CZ_LEFT(%s, 3)", F("f_slug"))))])
    probe("lower asked", "Thing", call("Lower", "CZ_LOWER", F("f_slug")), "exact", "red-apple", some=True)
    probe("length asked", "Thing", call("Length", "CZ_LENGTH", F("n_char")), "gt", 6, some=True)
    probe("length asked over relation", "Part", call("Length", "CZ_LENGTH", F("thing__f_char")), "gt", 6, some=True)
    probe("concat asked", "Thing", call("Concat(%s, %s, output_field=TextField())", "CZ_CONCAT", F("f_slug"), "!"), "endswith", "sky!", some=True)


def choices():
    for out, name, kind, other in (("int", "n_int", "int", 0), ("text", "n_char", "char", "none"), ("real", "n_float", "float", 0.5),
                                   ("date", "n_date", "date", "2020-01-01"), ("dec", "n_short", "short", "1.00")):
        v = value(other, kind)
        compute("coalesce " + name, "Thing", [(out, call("Coalesce(%%s, Value(%s%s))" % (
            v.django, ", output_field=DecimalField(max_digits=8, decimal_places=2)" if kind == "short" else ""),
            "CZ_COALESCE(%%s, %s)" % v.c, F(name)))])
    compute("coalesce fields", "Thing", [("int", call("Coalesce", "CZ_COALESCE", F("n_int"), F("f_int")))])
    compute("nullif", "Thing", [("int", call("NullIf(%s, Value(4))", "CZ_NULLIF(%s, 4)", F("f_int")))])
    compute("nullif text", "Thing", [("text", call("NullIf", "CZ_NULLIF", F("f_char"), ""))])
    compute("greatest", "Thing", [("int", call("Greatest(%s, %s, output_field=IntegerField())", "CZ_GREATEST", F("f_int"), F("f_small")))])
    compute("least", "Thing", [("int", call("Least(%s, %s, output_field=IntegerField())", "CZ_LEAST", F("f_int"), F("f_small")))])
    compute("greatest date", "Thing", [("date", call("Greatest", "CZ_GREATEST", F("f_date"), F("f_date")))])
    compute("greatest null", "Thing", [("int", call("Greatest", "CZ_GREATEST", F("f_int"), F("n_int")))])
    compute("least null", "Thing", [("int", call("Least", "CZ_LEAST", F("n_int"), F("f_int")))])
    case = X('Case(When(f_int__gt=4, then=Value("many")), When(f_int__exact=4, then=Value("four")), default=Value("few"), '
             'output_field=CharField())',
             'CZ_CASE("few", CZ_WHEN(CZ_Q(@, f_int, GT, 4), "many"), CZ_WHEN(CZ_Q(@, f_int, EXACT, 4), "four"))')
    compute("case", "Thing", [("text", case)])
    probe("case asked", "Thing", case, "exact", "four", some=True)
    compute("case of fields", "Thing", [("int", X(
        'Case(When(f_bool=True, then=F("f_int")), default=F("f_small"), output_field=IntegerField())',
        "CZ_CASE(CZ_F(@, f_small), CZ_WHEN(CZ_Q(@, f_bool, EXACT, true), CZ_F(@, f_int)))"))])
    compute("case over relation", "Part", [("int", X(
        'Case(When(thing__f_bool=True, then=Value(1)), default=Value(0))',
        "CZ_CASE(0, CZ_WHEN(CZ_Q(@, thing->f_bool, EXACT, true), 1))"))])
    compute("condition as value", "Thing", [("bool", X(
        "ExpressionWrapper(Q(f_int__gt=4), output_field=BooleanField())", "CZ_COND(CZ_Q(@, f_int, GT, 4))"))])
    compute("cast text", "Thing", [("text", X('Cast("f_int", CharField())', "CZ_CAST_TEXT(CZ_F(@, f_int))"))])
    compute("cast int", "Thing", [("int", X('Cast(Cast("f_small", CharField()), IntegerField())',
                                            "CZ_CAST_INT(CZ_CAST_TEXT(CZ_F(@, f_small)))"))])
    compute("cast real", "Thing", [("real", X('Cast("f_int", FloatField())', "CZ_CAST_REAL(CZ_F(@, f_int))"))])


PARTS = [("Year", "CZ_YEAR"), ("IsoYear", "CZ_ISO_YEAR"), ("Quarter", "CZ_QUARTER"), ("Month", "CZ_MONTH"), ("Week", "CZ_WEEK"),
         ("Day", "CZ_DAY"), ("WeekDay", "CZ_WEEK_DAY"), ("IsoWeekDay", "CZ_ISO_WEEK_DAY")]
CLOCK_PARTS = [("Hour", "CZ_HOUR"), ("Minute", "CZ_MINUTE"), ("Second", "CZ_SECOND")]


def times():
    for name in ("f_date", "n_date", "f_datetime", "n_datetime"):
        for function, c in PARTS:
            compute("%s %s" % (name, function), "Thing", [("int", call("Extract" + function, c, F(name)))])
        out = name[2:]
        for unit in ("Year", "Quarter", "Month", "Week", "Day") + (("Hour", "Minute", "Second") if out == "datetime" else ()):
            if unit == "Day" and out == "date":
                continue
            compute("%s Trunc%s" % (name, unit), "Thing", [(out, call("Trunc" + unit, "CZ_TRUNC(%s, %%s)" % unit.upper(), F(name)))])
    for name in ("f_time", "n_time", "f_datetime", "n_datetime"):
        for function, c in CLOCK_PARTS:
            compute("%s %s" % (name, function), "Thing", [("int", call("Extract" + function, c, F(name)))])
    for name in ("f_datetime", "n_datetime"):
        compute(name + " TruncDate", "Thing", [("date", call("TruncDate", "CZ_DATE_OF", F(name)))])
        compute(name + " TruncTime", "Thing", [("time", call("TruncTime", "CZ_TIME_OF", F(name)))])
    for lookup, c, v in (("year", "CZ_YEAR", 2025), ("month", "CZ_MONTH", 12), ("day", "CZ_DAY", 30), ("week", "CZ_WEEK", 1),
                         ("quarter", "CZ_QUARTER", 4), ("week_day", "CZ_WEEK_DAY", 2), ("iso_year", "CZ_ISO_YEAR", 2025),
                         ("iso_week_day", "CZ_ISO_WEEK_DAY", 1)):
        for span in ("own", "forward", "reverse"):
            model, way = SPANS[span]
            for kind in ("date", "datetime"):
                for operator in ("exact", "gt"):
                    if operator == "gt" and lookup != "year":
                        continue
                    if lookup == "iso_year":  # Django 3.2 takes it for the year here
                        operator, v_django, v_c = "in", "[2025]", "CZ_INTS(2025)"
                    else:
                        v_django = v_c = str(v)
                    path = way + "f_" + kind
                    # Django's year is a range of days, which no other lookup is
                    ask("%s %s %s %s" % (span, kind, lookup, operator), model, X(
                        "Q(%s__%s__%s=%s)" % (path, lookup, operator, v_django),
                        "CZ_QE(%s(%s), %s, %s)" % (c, F(path).c, operator.upper(), v_c)))
    for lookup, c, v in (("hour", "CZ_HOUR", 18), ("minute", "CZ_MINUTE", 45), ("second", "CZ_SECOND", 10)):
        for kind in ("time", "datetime"):
            ask("%s %s" % (kind, lookup), "Thing", X("Q(f_%s__%s=%d)" % (kind, lookup, v), "CZ_QE(%s(CZ_F(@, f_%s)), EXACT, %d)" % (c, kind, v)))
    ask("datetime date", "Thing", X('Q(f_datetime__date=day("2024-12-30"))', 'CZ_QE(CZ_DATE_OF(CZ_F(@, f_datetime)), EXACT, day("2024-12-30"))'))
    ask("datetime time", "Thing", X('Q(f_datetime__time__lt=clock("12:00:00"))',
                                    'CZ_QE(CZ_TIME_OF(CZ_F(@, f_datetime)), LT, clock("12:00:00"))'))
    ask("before now", "Thing", X("Q(f_datetime__lt=Now())", "CZ_Q(@, f_datetime, LT, CZ_NOW)"), some=False)


def documents():
    for name, path, v, c in (
            ("int", "a", 1, "CZ_JSON_INT(%s, \"a\")"), ("text", "b", "x", "CZ_JSON_TEXT(%s, \"b\")"),
            ("list", "tags__0", "red", "CZ_JSON_TEXT(%s, \"tags\", \"0\")"),
            ("deep", "deep__c__0", 1, "CZ_JSON_INT(%s, \"deep\", \"c\", \"0\")"),
            ("real", "n", 1.5, "CZ_JSON_REAL(%s, \"n\")")):
        for null in ("f", "n"):
            for span in ("own", "forward"):
                model, way = SPANS[span]
                full = "%s%s_json" % (way, null)
                ask("json %s %s %s" % (name, null, span), model, X(
                    "Q(%s__%s=%r)" % (full, path, v), "CZ_QE(%s, EXACT, %s)" % (c % F(full).c, value(v).c)))
    ask("json int gt", "Thing", X("Q(f_json__a__gt=1)", 'CZ_QE(CZ_JSON_INT(CZ_F(@, f_json), "a"), GT, 1)'))
    ask("json contains list", "Thing", Q("f_json", "contains", [2], "json"), refused=("sqlite",))
    ask("json contains deep", "Thing", Q("f_json", "contains", {"deep": {"c": [1]}}, "json"), refused=("sqlite",))
    ask("json contains text", "Thing", Q("f_json", "contains", "text", "json"), refused=("sqlite",))
    ask("json exact list", "Thing", Q("f_json", "exact", [1, 2, 3], "json"))
    ask("json exact number", "Thing", Q("f_json", "exact", 7, "json"))
    ask("json exact text", "Thing", Q("f_json", "exact", "text", "json"))
    ask("json exact empty", "Thing", Q("f_json", "exact", {}, "json"))
    compute("json text value", "Thing", [("text", X('KeyTextTransform("b", "f_json")', 'CZ_JSON_TEXT(CZ_F(@, f_json), "b")'))])
    compute("json value", "Thing", [("json", X('KeyTransform("deep", "f_json")', 'CZ_JSON_PATH(CZ_F(@, f_json), "deep")'))])


AGGREGATES = [("Count", "CZ_COUNT_OF"), ("Sum", "CZ_SUM"), ("Avg", "CZ_AVG"), ("Min", "CZ_MIN"), ("Max", "CZ_MAX"),
              ("StdDev", "CZ_STDDEV"), ("Variance", "CZ_VARIANCE")]


def kind_of(function, out):
    if function == "Count":
        return "int"
    if function in ("StdDev", "Variance") or (function == "Avg" and out == "int"):
        return "real"
    return out


def aggregates():
    few = Q("f_int", "range", (-1000, 1000))
    for out, name, kind in NUMBERS:
        for function, c in AGGREGATES:
            total("%s %s" % (function, name), "Thing", [(kind_of(function, out), call(function, c, F(name)))], where=few,
                  refused=("sqlite",) if function in ("StdDev", "Variance") and name[0] == "n" else ())
    for name, out in (("f_char", "text"), ("n_date", "date"), ("f_datetime", "datetime"), ("n_time", "time"), ("f_duration", "span"),
                      ("n_duration", "span"), ("n_slug", "text"), ("f_long", "dec")):
        for function in ("Count", "Min", "Max"):
            total("%s %s" % (function, name), "Thing", [(kind_of(function, out), call(function, "CZ_" + function.upper().replace(
                "COUNT", "COUNT_OF"), F(name)))])
    for function in ("Sum", "Avg"):
        total("%s duration" % function, "Thing", [("span", call(function, "CZ_" + function.upper(), F("n_duration")))])
    for function in ("Count", "Sum", "Avg"):
        total("%s distinct" % function, "Thing", [("real" if function == "Avg" else "int", X(
            '%s("n_int", distinct=True)' % function,
            "CZ_%s(CZ_F(@, n_int), .distinct = true)" % function.upper().replace("COUNT", "COUNT_OF")))], where=few)
        total("%s filtered" % function, "Thing", [("real" if function == "Avg" else "int", X(
            '%s("n_int", filter=Q(f_bool=True))' % function,
            "CZ_%s(CZ_F(@, n_int), .filter = CZ_Q(@, f_bool, EXACT, true))" % function.upper().replace("COUNT", "COUNT_OF")))], where=few)
    total("of no rows", "Thing", [("int", call("Count", "CZ_COUNT_OF", F("f_int"))), ("int", call("Sum", "CZ_SUM", F("f_int"))),
                                  ("text", call("Max", "CZ_MAX", F("f_char")))], where=Q("f_char", "exact", "no such"))
    total("several", "Staff", [("int", X('Count("*")', "CZ_COUNT_ROWS")), ("dec", call("Sum", "CZ_SUM", F("wage"))),
                               ("dec", call("Avg", "CZ_AVG", F("wage"))), ("date", call("Min", "CZ_MIN", F("since")))])
    total("over relation", "Box", [("int", call("Sum", "CZ_SUM", F("things__f_int")))], where=Q("things__f_int", "lt", 1000))
    total("over two relations", "Box", [("int", call("Count", "CZ_COUNT_OF", F("things__parts"))),
                                        ("int", call("Max", "CZ_MAX", F("things__parts__size")))])
    total("of an expression", "Staff", [("dec", call("Sum", "CZ_SUM", typed(call("%s * 2", "CZ_MUL(%s, 2)", F("wage")), "DecimalField")))])


def groups():
    count = ("int", X('Count("id")', "CZ_COUNT_OF(CZ_F(@, id))"))
    for key, kind in (("f_bool", "bool"), ("f_int", "int"), ("f_slug", "text"), ("f_date", "date"), ("f_short", "dec")):
        group("count by " + key, "Thing", [(kind, key)], [count])
        group("count by %s having" % key, "Thing", [(kind, key)], [count], having=(0, "gt", 7, None))
        group("several by " + key, "Thing", [(kind, key)], [("int", call("Max", "CZ_MAX", F("n_int"))), ("text", call(
            "Min", "CZ_MIN", F("f_char")))])
    group("by two", "Thing", [("bool", "f_bool"), ("text", "f_slug")], [count])
    group("by null", "Staff", [("text", "team")], [count, ("dec", call("Sum", "CZ_SUM", F("wage")))], by=[("team", "last")])
    group("by null first", "Staff", [("text", "team")], [("dec", call("Avg", "CZ_AVG", F("wage")))], by=[("team", "first")])
    group("by relation", "Thing", [("text", "box__name")], [count], by=[("box__name", "last")])
    group("by relation where", "Thing", [("text", "box__name")], [count], where=Q("f_bool", "exact", True) & Q("box", "isnull", False))
    group("by boss", "Staff", [("text", "boss__name")], [count, ("dec", call("Max", "CZ_MAX", F("wage")))], by=[("boss__name", "last")])
    group("having sum", "Staff", [("text", "team")], [("dec", call("Sum", "CZ_SUM", F("wage")))], having=(0, "gt", "8000", "short"),
          by=[("team", "last")])
    group("children counted", "Box", [("int", "id")], [("int", call("Count", "CZ_COUNT_OF", F("things")))])
    group("children summed", "Box", [("int", "id")], [("int", call("Sum", "CZ_SUM", F("things__f_small")))])
    group("children filtered", "Box", [("int", "id")], [("int", X(
        'Count("things", filter=Q(things__f_bool=True))', "CZ_COUNT_OF(CZ_F(@, things), .filter = CZ_Q(@, things->f_bool, EXACT, true))"))])
    group("children where", "Box", [("int", "id")], [("int", call("Count", "CZ_COUNT_OF", F("things")))],
          where=Q("things__f_bool", "exact", True))
    group("children having", "Box", [("int", "id")], [("int", call("Count", "CZ_COUNT_OF", F("things")))], having=(0, "gte", 4, None))
    group("links counted", "Thing", [("int", "id")], [("int", call("Count", "CZ_COUNT_OF", F("tags")))])
    group("links counted back", "Tag", [("int", "id")], [("int", call("Count", "CZ_COUNT_OF", F("things")))])
    group("two relations distinct", "Thing", [("int", "id")], [
        ("int", X('Count("tags", distinct=True)', "CZ_COUNT_OF(CZ_F(@, tags), .distinct = true)")),
        ("int", X('Count("parts", distinct=True)', "CZ_COUNT_OF(CZ_F(@, parts), .distinct = true)"))])
    group("grandchildren", "Box", [("int", "id")], [("int", call("Sum", "CZ_SUM", F("things__parts__size")))])


def chosen_groups():
    """Conditions that ask about a group and about a row at once: what of the row is asked is grouped by."""
    def rows(name, model, counted, condition, some=True, **more):
        """Keys of rows that are grouped by themselves; "n" in the condition is their number of `counted`."""
        count = "CZ_COUNT_OF(CZ_F(%s, %s))" % (model, counted)
        Question("rows " + name, ["int"], '%s.objects.annotate(n=Count("%s")).filter(%s).order_by("id").values_list("id")' % (
            model, counted, condition.django), "IDS(%s, .where = %s, .order_by = CZ_ORDER_BY(CZ_ASC(%s, id)))" % (
                model, condition.of(model).replace("$n", count), model), model=model, some=some, **more)
        Question("number " + name, ["int"], '[(%s.objects.annotate(n=Count("%s")).filter(%s).count(),)]' % (
            model, counted, condition.django), "NUMBER(cz_count(ctx, %s, .where = %s))" % (
                model, condition.of(model).replace("$n", count)))

    def n(lookup, v):
        return X("Q(n__%s=%r)" % (lookup, v), "CZ_QE($n, %s, %r)" % (lookup.upper(), v))

    big, name, own = n("gte", 2), Q("box__name", "gte", "box 3"), Q("f_int", "gt", 0)
    for counted in ("tags", "parts"):
        for words, condition in (
                ("or field", big | own), ("or relation", big | name), ("field or", own | big), ("not or", ~(big | own)),
                ("not or relation", ~(big | name)), ("not and", ~(big & name)), ("or not", big | ~name), ("not not", ~~(big | name)),
                ("or and", big | (own & name)), ("and or", big & (own | name)), ("or in and", (big | own) & (name | n("exact", 1))),
                ("and in or", (big & own) | (n("lt", 2) & name)), ("nested not", ~((big & ~own) | ~(name | big))),
                ("or null", n("exact", 0) | Q("n_int", "isnull", True)), ("or in", big | Q("box", "in", [1, 2])),
                ("or not many", big | ~Q("crates__name", "exact", "crate 3")), ("not and many", ~(big & Q("crates", "gte", 2))),
                ("or json", big | Q("f_json", "has_key", "b", "x")),
                ("or subquery", X("(Q(n__gte=3) | Q(Exists(Part.objects.filter(thing=OuterRef('id'), size__gte=OuterRef('f_small')))))",
                                  "CZ_OR(CZ_QE($n, GTE, 3), CZ_EXISTS(Part, .where = CZ_WHERE(CZ_Q(Part, thing, EXACT, CZ_OUTER(Thing, id)), "
                                  "CZ_Q(Part, size, GTE, CZ_OUTER(Thing, f_small)))))")),
                ("of field", X("Q(n__gte=F('f_small'))", "CZ_QE($n, GTE, CZ_F(@, f_small))")),
                ("of sum", X("Q(n__gte=F('box__id') - 1)", "CZ_QE($n, GTE, CZ_SUB(CZ_F(@, box->id), 1))"))):
            rows("%s %s" % (counted, words), "Thing", counted, condition)
    rows("two over", "Part", "bolts", big | Q("thing__box__name", "exact", "box 3"))
    rows("own fk", "Staff", "reports", big | Q("boss__name", "gt", "name 10"))

    def split(name, model, key, outputs, condition=None):
        """Groups by a key, split further by what the condition and the outputs read; in order of all their values."""
        columns = [F(key)] + outputs
        Question("split " + name, ["text"] + ["int"] * len(outputs),
                 "%s.objects.values('%s').annotate(%s)%s.order_by(F('%s').asc(nulls_last=True), %s).values_list('%s', %s)" % (
                     model, key, ", ".join("a%d=%s" % (i, e.django) for i, e in enumerate(outputs)),
                     ".filter(%s)" % condition.django if condition else "", key,
                     ", ".join("'a%d'" % i for i in range(len(outputs))), key, ", ".join("'a%d'" % i for i in range(len(outputs)))),
                 "ROWS(%s, %s, .values = CZ_AS(%s, %s), %s.order_by = CZ_ORDER_BY(CZ_ASC(%s, %s, .nulls = CZ_NULLS_LAST), %s))" % (
                     record(["text"] + ["int"] * len(outputs)), model, record(["text"] + ["int"] * len(outputs)),
                     ", ".join("(c%d, %s)" % (i, e.of(model)) for i, e in enumerate(columns)),
                     ".where = %s, " % condition.of(model).replace("$n", outputs[0].of(model)) if condition else "", model,
                     key.replace("__", "->"), ", ".join("CZ_ASC_OF(%s)" % e.of(model) for e in outputs)))

    def a(lookup, v):
        return X("Q(a0__%s=%r)" % (lookup, v), "CZ_QE($n, %s, %r)" % (lookup.upper(), v))

    count, low = call("Count", "CZ_COUNT_OF", F("id")), Q("f_int", "lt", 4)
    for words, condition in (
            ("or field", a("gte", 4) | low), ("or relation", a("gte", 2) | name), ("not or", ~(a("gte", 4) | low)),
            ("not and", ~(a("gte", 2) & name)), ("and not or", low & ~(a("gte", 4) | name)), ("not not and", ~~(a("gte", 2) & low)),
            ("or own key", a("gte", 12) | Q("f_slug", "exact", "green")), ("or not many", a("gte", 4) | ~Q("tags__name", "exact", "tag 3")),
            ("of field", X("Q(a0__gt=F('f_small'))", "CZ_QE($n, GT, CZ_F(@, f_small))"))):
        split(words, "Thing", "f_slug", [count], condition)
    split("of a function", "Thing", "f_slug", [count], X(
        "Q(Q(a0__gte=9) | Q(f_date__month__gt=6))", "CZ_OR(CZ_QE($n, GTE, 9), CZ_QE(CZ_MONTH(CZ_F(Thing, f_date)), GT, 6))"))
    split("of parameters", "Thing", "f_slug", [count, call("Max", "CZ_MAX", F("f_small"))], X(
        "Q(Q(a0__gte=9) | Q(a1__lt=F('f_small') + 7))", "CZ_OR(CZ_QE($n, GTE, 9), CZ_QE(CZ_MAX(CZ_F(Thing, f_small)), LT, CZ_ADD(CZ_F(Thing, f_small), 7)))"))
    split("by a mixed value", "Thing", "f_slug", [call("%s + %s", "CZ_ADD(%s, %s)", F("f_small"), count)])
    split("by a mixed relation", "Thing", "f_slug", [call("%s * %s", "CZ_MUL(%s, %s)", F("box__id"), count)])
    split("by a mixed order", "Staff", "team", [call("Count", "CZ_COUNT_OF", F("id")), call("%s + %s", "CZ_ADD(%s, %s)", F("boss__id"), count)])
    change("update of groups", "Thing.objects.filter(id__in=Thing.objects.annotate(n=Count('tags')).filter(Q(n__gte=3) | Q(box__name='box 3'))"
           ".values('id')).update(n_int=1)", "cz_update(ctx, Thing, CZ_OR(CZ_QE(CZ_COUNT_OF(CZ_F(Thing, tags)), GTE, 3), "
           "CZ_Q(Thing, box->name, EXACT, \"box 3\")), (n_int, 1))", ["Thing"])


def subqueries():
    exists = X("Exists(Part.objects.filter(thing=OuterRef('id')))", "CZ_EXISTS(Part, .where = CZ_Q(Part, thing, EXACT, CZ_OUTER(Thing, id)))")
    ask("exists", "Thing", exists)
    ask("not exists", "Thing", ~exists)
    ask("exists and", "Thing", exists & Q("f_bool", "exact", True))
    ask("exists or", "Thing", X("(Q(f_int=4) | Q(Exists(Part.objects.filter(thing=OuterRef('id')))))", (Q("f_int", "exact", 4) | exists).c))
    ask("exists compared", "Thing", X(
        "Exists(Part.objects.filter(thing=OuterRef('id'), size__gt=OuterRef('f_small')))",
        "CZ_EXISTS(Part, .where = CZ_WHERE(CZ_Q(Part, thing, EXACT, CZ_OUTER(Thing, id)), CZ_Q(Part, size, GT, CZ_OUTER(Thing, f_small))))"))
    ask("exists nested", "Box", X(
        "Exists(Thing.objects.filter(Exists(Part.objects.filter(thing=OuterRef('id'), size__gte=5)), box=OuterRef('id')))",
        "CZ_EXISTS(Thing, .where = CZ_WHERE(CZ_EXISTS(Part, .where = CZ_WHERE(CZ_Q(Part, thing, EXACT, CZ_OUTER(Thing, id)), "
        "CZ_Q(Part, size, GTE, 5))), CZ_Q(Thing, box, EXACT, CZ_OUTER(Box, id))))"))
    inner = X("Thing.objects.filter(f_int__gt=4).values('id')", "CZ_SUBQUERY(CZ_F(Thing, id), Thing, .where = CZ_Q(Thing, f_int, GT, 4))")
    ask("in subquery", "Part", Q("thing", "in", inner))
    ask("not in subquery", "Part", ~Q("thing", "in", inner))
    ask("in subquery over relation", "Bolt", Q("part__thing", "in", inner))
    ask("in subquery of text", "Thing", Q("f_slug", "in", X(
        "Thing.objects.filter(f_int=4).values('f_slug')", "CZ_SUBQUERY(CZ_F(Thing, f_slug), Thing, .where = CZ_Q(Thing, f_int, EXACT, 4))")))
    ask("in subquery of relation", "Box", Q("id", "in", X(
        "Thing.objects.filter(f_bool=True, box__isnull=False).values('box')",
        "CZ_SUBQUERY(CZ_F(Thing, box), Thing, .where = CZ_WHERE(CZ_Q(Thing, f_bool, EXACT, true), CZ_Q(Thing, box, ISNULL, false)))")))
    first = X("Subquery(Part.objects.filter(thing=OuterRef('id')).order_by('-id').values('name')[:1])",
              "CZ_SUBQUERY(CZ_F(Part, name), Part, .where = CZ_Q(Part, thing, EXACT, CZ_OUTER(Thing, id)), "
              ".order_by = CZ_ORDER_BY(CZ_DESC(Part, id)))")
    compute("subquery value", "Thing", [("text", first)])
    probe("subquery asked", "Thing", first, "startswith", "part 1", some=True)
    compute("subquery aggregate", "Thing", [("int", X(
        "Subquery(Part.objects.filter(thing=OuterRef('id')).values('thing').annotate(s=Sum('size')).values('s'))",
        "CZ_SUBQUERY(CZ_SUM(CZ_F(Part, size)), Part, .where = CZ_Q(Part, thing, EXACT, CZ_OUTER(Thing, id)))"))])
    compute("exists as value", "Thing", [("bool", X(exists.django, "CZ_COND(%s)" % exists.c))])
    ask("compared with subquery", "Staff", Q("wage", "gt", X(
        "Subquery(Staff.objects.filter(id=OuterRef('boss')).values('wage')[:1])",
        "CZ_SUBQUERY(CZ_F(Staff, wage), Staff, .where = CZ_Q(Staff, id, EXACT, CZ_OUTER(Staff, boss)))")))


def windows():
    def window(function, c, partition=True, order="-wage", frame=None, c_frame=None):
        return X("Window(%s%s%s%s)" % (function, ", partition_by=[F('team')]" if partition else "",
                                       ", order_by=[F('wage').desc(), F('id').asc()]" if order else "", ", frame=" + frame if frame else ""),
                 "CZ_WINDOW(%s%s%s%s)" % (c, ", .partition_by = CZ_EXPRS(CZ_F(@, team))" if partition else "",
                                          ", .order_by = CZ_ORDER_BY(CZ_DESC(@, wage), CZ_ASC(@, id))" if order else "",
                                          ", .frame = " + c_frame if c_frame else ""))
    functions = [("int", "RowNumber()", "CZ_ROW_NUMBER"), ("int", "Rank()", "CZ_RANK"), ("int", "DenseRank()", "CZ_DENSE_RANK"),
                 ("real", "PercentRank()", "CZ_PERCENT_RANK"), ("real", "CumeDist()", "CZ_CUME_DIST"), ("int", "Ntile(3)", "CZ_NTILE(3)"),
                 ("text", "Lag('name', 1)", "CZ_LAG(CZ_F(@, name), 1)"), ("text", "Lead('name', 2)", "CZ_LEAD(CZ_F(@, name), 2)"),
                 ("text", "FirstValue('name')", "CZ_FIRST_VALUE(CZ_F(@, name))"), ("text", "LastValue('name')", "CZ_LAST_VALUE(CZ_F(@, name))"),
                 ("text", "NthValue('name', 2)", "CZ_NTH_VALUE(CZ_F(@, name), 2)"), ("int", "Count('id')", "CZ_COUNT_OF(CZ_F(@, id))"),
                 ("int", "Max('id')", "CZ_MAX(CZ_F(@, id))"), ("date", "Min('since')", "CZ_MIN(CZ_F(@, since))")]
    for out, function, c in functions:
        for partition in (True, False):
            compute("window %s%s" % (function, " parted" if partition else ""), "Staff", [(out, window(function, c, partition))])
    compute("window without order", "Staff", [("int", window("Count('id')", "CZ_COUNT_OF(CZ_F(@, id))", order=None))])
    compute("window rows", "Staff", [("int", window("Sum('id')", "CZ_SUM(CZ_F(@, id))", frame="RowRange(start=-1, end=1)",
                                                    c_frame="CZ_ROWS_BETWEEN(-1, 1)"))])
    compute("window running", "Staff", [("int", window("Sum('id')", "CZ_SUM(CZ_F(@, id))", frame="RowRange(end=0)",
                                                       c_frame="CZ_ROWS_BETWEEN(CZ_UNBOUNDED_PRECEDING, 0)"))])
    compute("window range", "Staff", [("int", window("Sum('id')", "CZ_SUM(CZ_F(@, id))", frame="ValueRange(start=0)",
                                                     c_frame="CZ_RANGE_BETWEEN(0, CZ_UNBOUNDED_FOLLOWING)"))])
    compute("two windows", "Staff", [("int", window("RowNumber()", "CZ_ROW_NUMBER")), ("text", window(
        "FirstValue('name')", "CZ_FIRST_VALUE(CZ_F(@, name))", partition=False))])
    # This Django computes windows but does not filter by them: Python does, what 4.2 and later do by a query around.
    rank, before = window("RowNumber()", "CZ_ROW_NUMBER"), window("Lag('name', 1)", "CZ_LAG(CZ_F(@, name), 1)")
    late = Q("since", "gt", X("day('2021-01-01')", 'day("2021-01-01")'))
    for name, expression, kept, lookup, v, where in (
            ("rank", rank, "w <= 2", "LTE", "2", None), ("rank, in", rank, "w in (1, 3)", "IN", "CZ_INTS(1, 3)", None),
            ("rank of some", rank, "w == 1", "EXACT", "1", late), ("lag", before, "w is None", "ISNULL", "true", None),
            ("lag, compared", before, "w and 'name 1' in w", "CONTAINS", '"name 1"', late),
            ("sum", window("Sum('id')", "CZ_SUM(CZ_F(@, id))"), "w > 30", "GT", "30", None)):
        some = ".objects.filter(%s)" % where.django if where else ".objects"
        rows = "Staff%s.annotate(w=%s).order_by('-wage', 'id').values_list('id', 'w')" % (some, expression.django)
        c = "%sCZ_QE(%s, %s, %s)" % (where.of("Staff") + ", " if where else "", expression.of("Staff"), lookup, v)
        tail = ".where = CZ_WHERE(%s), .order_by = CZ_ORDER_BY(CZ_DESC(Staff, wage), CZ_ASC(Staff, id))" % c
        plain_rows = "[(k,) for k, w in %s if %s]" % (rows, kept)
        Question("window asked, " + name, ["int"], plain_rows, "IDS(Staff, %s)" % tail, model="Staff")
        Question("window asked, sliced, " + name, ["int"], plain_rows + "[1:4]", "IDS(Staff, %s, .limit = 3, .offset = 1)" % tail, model="Staff")
        kind = "text" if "lag" in name else "int"
        Question("window asked and given, " + name, ["int", kind], "[r for r in %s for w in r[1:] if %s]" % (rows, kept),
                 "ROWS(%s, Staff, .values = CZ_AS(%s, (c0, CZ_F(Staff, id)), (c1, %s)), %s)" % (
                     record(["int", kind]), record(["int", kind]), expression.of("Staff"), tail), model="Staff")
        Question("window asked in a subquery, " + name, ["int"], "sorted(%s)" % plain_rows,
                 "IDS(Staff, .where = CZ_Q(Staff, id, IN, CZ_SUBQUERY(CZ_F(Staff, id), Staff, .where = CZ_WHERE(%s))), "
                 ".order_by = CZ_ORDER_BY(CZ_ASC(Staff, id)))" % c, model="Staff")


def plain(name, model, django, c, **more):
    """Keys of a query written out: `django` follows objects., `c` the model."""
    Question(name, ["int"], "%s.objects.%s.values_list('id')" % (model, django), "IDS(%s, %s)" % (model, c), model=model, **more)


def sets():
    a, b = "f_int__gt=4", "f_bool=True"
    ca, cb = ".where = CZ_Q(Thing, f_int, GT, 4)", "CZ_QUERY(Thing, .where = CZ_Q(Thing, f_bool, EXACT, true))"
    by = ".order_by = CZ_ORDER_BY(CZ_ASC(Thing, id))"
    for method, macro in (("union", "CZ_UNION"), ("intersection", "CZ_INTERSECT"), ("difference", "CZ_EXCEPT")):
        Question(method, ["int"], "Thing.objects.filter(%s).values_list('id').%s(Thing.objects.filter(%s).values_list('id')).order_by('id')"
                 % (a, method, b), "IDS(Thing, %s, .combine = %s(%s), %s)" % (ca, macro, cb, by), model="Thing", some=True)
    Question("union all", ["int"], "Thing.objects.filter(%s).values_list('id').union(Thing.objects.filter(%s).values_list('id'), all=True)"
             ".order_by('id')" % (a, b), "IDS(Thing, %s, .combine = CZ_UNION_ALL(%s), %s)" % (ca, cb, by))
    Question("union of three", ["int"], "Thing.objects.filter(f_int=4).values_list('id').union(Thing.objects.filter(f_int=5).values_list('id'),"
             "Thing.objects.filter(f_int=0).values_list('id')).order_by('id')",
             "IDS(Thing, .where = CZ_Q(Thing, f_int, EXACT, 4), .combine = CZ_UNION(CZ_QUERY(Thing, .where = CZ_Q(Thing, f_int, EXACT, 5)),"
             "CZ_QUERY(Thing, .where = CZ_Q(Thing, f_int, EXACT, 0))), %s)" % by, model="Thing", some=True)
    Question("union sliced", ["int"], "Thing.objects.filter(%s).values_list('id').union(Thing.objects.filter(%s).values_list('id'))"
             ".order_by('id')[3:8]" % (a, b), "IDS(Thing, %s, .combine = CZ_UNION(%s), %s, .limit = 5, .offset = 3)" % (ca, cb, by),
             model="Thing", some=True)


def orders():
    for kind in KINDS:
        if kind in ("json", "ip"):
            continue
        for null in (False, True):
            for sign in ("", "-"):
                name = field(kind, null)
                for nulls in ((None,) if not null else ("first", "last")):
                    django = 'order_by(F("%s").%s(%s), "id")' % (name, "desc" if sign else "asc", "nulls_%s=True" % nulls if nulls else "")
                    plain("order %s%s %s" % (sign, name, nulls or ""), "Thing", django, ".order_by = CZ_ORDER_BY(CZ_%s(Thing, %s%s), CZ_ASC(Thing, id))" % (
                        "DESC" if sign else "ASC", name, ", .nulls = CZ_NULLS_%s" % nulls.upper() if nulls else ""))
    for name in ("n_int", "n_char", "box"):
        for sign in ("", "-"):
            plain("default nulls %s%s" % (sign, name), "Thing", 'order_by("%s%s", "id")' % (sign, name),
                  ".order_by = CZ_ORDER_BY(CZ_%s(Thing, %s), CZ_ASC(Thing, id))" % ("DESC" if sign else "ASC", name))
    plain("order over relation", "Part", 'order_by("thing__f_slug", "-id")',
          ".order_by = CZ_ORDER_BY(CZ_ASC(Part, thing->f_slug), CZ_DESC(Part, id))")
    plain("order over two", "Bolt", 'order_by("-part__thing__f_int", "id")',
          ".order_by = CZ_ORDER_BY(CZ_DESC(Bolt, part->thing->f_int), CZ_ASC(Bolt, id))")
    plain("order by expression", "Thing", 'order_by(Length("f_char").desc(), "id")',
          ".order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_LENGTH(CZ_F(Thing, f_char))), CZ_ASC(Thing, id))")
    plain("order over reverse", "Box", 'order_by("things__f_small", "id", "things__id")',
          ".order_by = CZ_ORDER_BY(CZ_ASC(Box, things->f_small), CZ_ASC(Box, id), CZ_ASC(Box, things->id))")
    for start, stop in ((0, 5), (5, 12), (40, 60), (43, 44), (60, 70)):
        plain("slice %d %d" % (start, stop), "Thing", 'order_by("id")[%d:%d]' % (start, stop),
              ".order_by = CZ_ORDER_BY(CZ_ASC(Thing, id)), .limit = %d, .offset = %d" % (stop - start, start))
    plain("slice without end", "Thing", 'order_by("id")[30:]', ".order_by = CZ_ORDER_BY(CZ_ASC(Thing, id)), .offset = 30", some=True)
    for span in ("reverse", "m2m", "m2m reverse"):
        model, way = SPANS[span]
        plain("distinct " + span, model, 'filter(%sf_int__gt=0).distinct().order_by("id")' % way,
              ".where = CZ_Q(%s, %sf_int, GT, 0), .distinct = true, .order_by = CZ_ORDER_BY(CZ_ASC(%s, id))" % (model, way.replace("__", "->"), model),
              some=True)
        plain("not distinct " + span, model, 'filter(%sf_int__gt=0).order_by("id")' % way,
              ".where = CZ_Q(%s, %sf_int, GT, 0), .order_by = CZ_ORDER_BY(CZ_ASC(%s, id))" % (model, way.replace("__", "->"), model))
        for distinct in (False, True):
            Question("count %s%s" % (span, " distinct" if distinct else ""), ["int"],
                     "[(%s.objects.filter(%sf_int__gt=0)%s.count(),)]" % (model, way, ".distinct()" if distinct else ""),
                     "NUMBER(cz_count(ctx, %s, .where = CZ_Q(%s, %sf_int, GT, 0)%s))" % (
                         model, model, way.replace("__", "->"), ", .distinct = true" if distinct else ""))
    Question("distinct values", ["text"], "Thing.objects.values_list('f_slug').distinct().order_by('f_slug')",
             "ROWS(R_text, Thing, .values = CZ_AS(R_text, (c0, CZ_F(Thing, f_slug))), .distinct = true, "
             ".order_by = CZ_ORDER_BY(CZ_ASC(Thing, f_slug)))")
    Question("distinct computed values", ["text"], "Thing.objects.annotate(x=Left('f_slug', 2)).values_list('x').distinct().order_by('-x')",
             "ROWS(R_text, Thing, .values = CZ_AS(R_text, (c0, CZ_LEFT(CZ_F(Thing, f_slug), 2))), .distinct = true, "
             ".order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_LEFT(CZ_F(Thing, f_slug), 2))))")
    for name, django, c in (("all", "Thing.objects.count()", "cz_count(ctx, Thing)"),
                            ("some", "Thing.objects.filter(f_bool=True).count()", "cz_count(ctx, Thing, .where = CZ_Q(Thing, f_bool, EXACT, true))"),
                            ("sliced", "Thing.objects.all()[40:60].count()", "cz_count(ctx, Thing, .limit = 20, .offset = 40)"),
                            ("none", "Thing.objects.filter(f_char='no').count()", "cz_count(ctx, Thing, .where = CZ_Q(Thing, f_char, EXACT, \"no\"))")):
        Question("count " + name, ["int"], "[(%s,)]" % django, "NUMBER(%s)" % c)
    Question("exists some", ["int"], "[(int(Thing.objects.filter(f_int=4).exists()),)]", "NUMBER(cz_exists(ctx, Thing, .where = CZ_Q(Thing, f_int, EXACT, 4)))")
    Question("exists none", ["int"], "[(int(Thing.objects.filter(f_int=44).exists()),)]",
             "NUMBER(cz_exists(ctx, Thing, .where = CZ_Q(Thing, f_int, EXACT, 44)))")


def compared_texts():
    """Text lookups whose value is a field or a function."""
    for lookup, path, v in (("iexact", "f_slug", call("Upper", "CZ_UPPER", F("n_slug"))),
                            ("icontains", "f_char", call("Left(%s, 2)", "CZ_LEFT(%s, 2)", F("f_slug"))),
                            ("istartswith", "f_email", call("Left(%s, 1)", "CZ_LEFT(%s, 1)", F("f_char"))),
                            ("iendswith", "f_url", call("Right(%s, 1)", "CZ_RIGHT(%s, 1)", F("f_slug"))),
                            ("gt", "f_slug", F("f_char")), ("gte", "n_slug", F("n_char")), ("exact", "n_char", F("f_char")),
                            ("lte", "n_text", F("f_text"))):
        ask("compared %s %s" % (path, lookup), "Thing", Q(path, lookup, v))
    for path, kind in (("n_int", "int"), ("n_date", "date"), ("n_datetime", "datetime"), ("n_short", "short"), ("n_long", "long"),
                       ("n_float", "float"), ("n_time", "time"), ("n_duration", "duration"), ("n_big", "big")):
        for lookup in ("lt", "gte"):
            ask("compared %s %s" % (path, lookup), "Thing", Q(path, lookup, F("f_" + kind)))
        ask("not compared %s" % path, "Thing", ~Q(path, "lt", F("f_" + kind)))
        ask("compared over relation %s" % path, "Bolt", Q("part__thing__" + path, "lt", F("part__thing__f_" + kind)))


EVERYWHERE = {"sqlite": "0010", "postgresql": "0010"}


def to_many():
    """Negations and joins over to-many relations, where rows are easily lost or doubled."""
    a, b = Q("things__f_int", "gt", 4), Q("things__f_bool", "exact", True)
    for name, where in (("not both", ~(a & b)), ("not either", ~(a | b)), ("one and not other", a & ~b), ("neither", ~a & ~b),
                        ("not null field", ~Q("things__n_int", "gt", 4)), ("not not", ~~a),
                        ("not of two ways", ~(Q("name", "exact", "box 1") | a)), ("null beyond", Q("things__n_char", "isnull", True)),
                        ("not null beyond", ~Q("things__n_char", "isnull", True)), ("in beyond", Q("things__f_char", "in", ["banana", "zebra"])),
                        ("not in beyond", ~Q("things__f_char", "in", ["banana", "zebra"]))):
        ask("box " + name, "Box", where, differs=EVERYWHERE if name == "one and not other" else None)
    for name, where in (("tags and parts", Q("tags__id", "gt", 5) & Q("parts__size", "gt", 1)),
                        ("tags or parts", Q("tags__id", "gt", 15) | Q("parts__size", "gt", 5)),
                        ("tags not parts", Q("tags", "isnull", False) & ~Q("parts__size", "gt", 1)),
                        ("not tags not parts", ~Q("tags__id", "gt", 5) & ~Q("parts", "isnull", False)),
                        ("crates and box", Q("crates__id", "lt", 5) & Q("box__name", "startswith", "box")),
                        ("no crate", Q("crates", "isnull", True)), ("other side of box", Q("box__things__f_int", "exact", 4))):
        ask("thing " + name, "Thing", where)
    for name, where in (("reports and boss", Q("reports__wage", "gt", "1500", "short") & Q("boss", "isnull", False)),
                        ("no reports", Q("reports", "isnull", True)), ("of a boss of bosses", Q("boss__boss__boss", "isnull", False)),
                        ("with reports of reports", Q("reports__reports", "isnull", False)),
                        ("earns more than the boss", Q("wage", "gt", F("boss__wage"))),
                        ("not more than the boss", ~Q("wage", "gt", F("boss__wage"))),
                        ("same team", Q("team", "exact", F("boss__team"))), ("not same team", ~Q("team", "exact", F("boss__team")))):
        ask("staff " + name, "Staff", where, differs=EVERYWHERE if name == "not more than the boss" else None)


def through():
    """A many-to-many whose links are rows of a model, from both sides and over the rows between."""
    for name, where in (("member", Q("members", "exact", 3)), ("members", Q("members", "in", [1, 3, 7])),
                        ("member's name", Q("members__name", "endswith", "7")), ("nobody", Q("members", "isnull", True)),
                        ("somebody", Q("members", "isnull", False)), ("not a member", ~Q("members", "exact", 3)),
                        ("not of a name", ~Q("members__name", "endswith", "7")), ("role", Q("posts__role", "exact", "cook")),
                        ("not the role", ~Q("posts__role", "exact", "cook")), ("no weight", Q("posts__weight", "isnull", True)),
                        ("chief", Q("posts__chief__name", "exact", "name 07")), ("boss of a member", Q("members__boss", "exact", 1)),
                        ("members of the same", Q("members__teams__name", "exact", "team 2")),
                        ("member or role", Q("members", "exact", 3) | Q("posts__role", "exact", "captain")),
                        ("member and weight", Q("members__wage", "gt", "1500", "short") & Q("posts__weight", "gt", 1))):
        ask("team with " + name, "Team", where)
    for name, where in (("team", Q("teams", "exact", 2)), ("no team", Q("teams", "isnull", True)), ("some team", Q("teams", "isnull", False)),
                        ("not the team", ~Q("teams__name", "exact", "team 2")), ("led", Q("leads__team", "isnull", False)),
                        ("boss in a team", Q("boss__teams__name", "in", ["team 1", "team 2", "team 3"])),
                        ("not boss in a team", ~Q("boss__teams", "exact", 2)), ("captain of", Q("posts__role", "exact", "captain") & Q("teams__id", "gt", 5))):
        ask("staff with " + name, "Staff", where)
    group("members counted", "Team", [("int", "id")], [("int", call("Count", "CZ_COUNT_OF", F("members")))])
    group("members counted once", "Team", [("int", "id")], [
        ("int", X('Count("members", distinct=True)', "CZ_COUNT_OF(CZ_F(@, members), .distinct = true)")),
        ("int", X('Sum("posts__weight")', "CZ_SUM(CZ_F(@, posts->weight))"))])
    group("wages of members", "Team", [("int", "id")], [("dec", call("Sum", "CZ_SUM", F("members__wage")))])
    total("teams of staff", "Staff", [("int", call("Count", "CZ_COUNT_OF", F("teams")))])
    role, name_of = Q("posts__role", "exact", "cook"), "tags__name"
    for name, model, path, target, ways in (
            ("members", "Team", "members", "Staff", (("by the row between", role),)), ("teams", "Staff", "teams", "Team", (("by the row between", role),)),
            ("things", "Tag", "things", "Thing", (
                ("by the tag", Q(name_of, "endswith", "3")), ("by its key", Q("tags", "in", [2, 5])), ("by the tag twice", Q(name_of, "endswith", "3") & Q("tags", "gt", 4)),
                ("by the tag or", Q(name_of, "endswith", "3") | Q("f_int", "gt", 4)), ("not by the tag", ~Q(name_of, "endswith", "3"), "0010"),
                ("by a crate", Q("crates__name", "in", ["crate 3", "crate 5"])), ("by the tag's things", Q("tags__things__f_int", "gt", 7)))),
            ("crates", "Thing", "crates", "Crate", (("by the thing", Q("things__f_int", "gt", 4)), ("by its tags", Q("things__tags", "exact", 2)))),
            ("tags", "Thing", "tags", "Tag", (("by the thing", Q("things__f_bool", "exact", True)),))):
        for way, where, *differs in (("all", None), ("some", Q("id", "gt", 2))) + ways:
            narrowed = ".filter(%s)" % where.django if where else ""
            Question("linked %s %s" % (name, way), ["int", "int"],
                     "[(r.id, o.id) for r in %s.objects.order_by('id') for o in r.%s%s.order_by('id')]" % (model, path, narrowed or ".all()"),
                     "{ cz_rows(%s) rows = cz_select(ctx, %s, .order_by = CZ_ORDER_BY(CZ_ASC(%s, id))); for (size_t i = 0; i < rows.count; i++) { "
                     "cz_rows(%s) o = cz_related(ctx, %s, &rows.items[i], %s%s, .order_by = CZ_ORDER_BY(CZ_ASC(%s, id))); "
                     "for (size_t n = 0; n < o.count; n++) { cz_json_list(&out); cz_json_i64(&out, rows.items[i].id); "
                     "cz_json_i64(&out, o.items[n].id); cz_json_list_end(&out); } } }" % (
                         model, model, model, target, target, path, ", .where = %s" % where.of(target) if where else "", target),
                     differs={database: record for record in differs for database in ("sqlite", "postgresql")})
    Question("linked things counted", ["int", "int"],
             "[(r.id, o.id) for r in Tag.objects.order_by('id') for o in r.things.annotate(n=Count('tags')).filter(n=1).order_by('id')]",
             "{ cz_rows(Tag) rows = cz_select(ctx, Tag, .order_by = CZ_ORDER_BY(CZ_ASC(Tag, id))); for (size_t i = 0; i < rows.count; i++) { "
             "cz_rows(Thing) o = cz_related(ctx, Thing, &rows.items[i], things, .where = CZ_QE(CZ_COUNT_OF(CZ_F(Thing, tags)), EXACT, 1), "
             ".order_by = CZ_ORDER_BY(CZ_ASC(Thing, id))); for (size_t n = 0; n < o.count; n++) { cz_json_list(&out); "
             "cz_json_i64(&out, rows.items[i].id); cz_json_i64(&out, o.items[n].id); cz_json_list_end(&out); } } }")


def proxies():
    """The rows of a table by another name: its manager, its order, keys to it."""
    for name, django, c in (
            ("all", "Senior.objects.all()", ""), ("one", "Senior.objects.filter(wage__gt=1500)", ".where = CZ_Q(Senior, wage, GT, decimal(\"1500\"))"),
            ("none of the manager's", "Senior.objects.filter(boss=1)", ".where = CZ_Q(Senior, boss, EXACT, 1)"),
            ("by the base's fields", "Senior.objects.filter(teams__name='team 2')", ".where = CZ_Q(Staff, teams->name, EXACT, \"team 2\")"),
            ("not", "Senior.objects.exclude(reports__name='name 07')", ".where = CZ_NOT(CZ_Q(Senior, reports->name, EXACT, \"name 07\"))")):
        Question("proxy " + name, ["int"], "%s.values_list('id')" % django, "IDS(Senior%s)" % (", " + c if c else ""))
    for name, where in (("head", Q("head", "exact", 1)), ("head's name", Q("head__name", "endswith", "7")), ("no head", Q("head", "isnull", True)),
                        ("head with a boss", Q("head__boss", "isnull", False)), ("not a head", ~Q("head__name", "endswith", "7"))):
        ask("team with " + name, "Team", where)
    change("heads followed", "sum(t.head.id for t in Team.objects.filter(head__isnull=False))",
           "({ cz_rows(Team) t = cz_select(ctx, Team, .where = CZ_Q(Team, head, ISNULL, false)); int64_t n = 0; "
           "for (size_t i = 0; i < t.count; i++) { Senior *head = CZ_REL(ctx, &t.items[i], head); n += head->id; } n; })", ["Team"])
    change("proxy updated", "Senior.objects.update(team='old')", "cz_update(ctx, Senior, CZ_EVERY_ROW, (team, \"old\"))", ["Staff"])
    change("proxy deleted", "Senior.objects.filter(id__lte=2).delete()[0]", "cz_delete(ctx, Senior, CZ_Q(Staff, id, LTE, 2))", ["Staff", "Team", "Post"])
    change("base of a proxy deleted", "Staff.objects.filter(id=9).delete()[0]", "cz_delete(ctx, Staff, CZ_Q(Senior, id, EXACT, 9))", ["Staff", "Team", "Post"])
    change("proxy made", "len(Senior.objects.create(name='new', wage=decimal('1.5'), since=day('2026-01-01')).name)",
           "(int64_t)cz_create(ctx, Senior, (name, \"new\"), (wage, decimal(\"1.5\")), (since, day(\"2026-01-01\")))->name.len", ["Staff"])


def through_changes():
    team = "(Team *)cz_get(ctx, Team, .where = CZ_Q(Team, id, EXACT, %d))"
    staff = "(Staff *)cz_get(ctx, Staff, .where = CZ_Q(Staff, id, EXACT, %d))"
    given = 'CZ_PAIRS(Post, (role, "new"), (weight, 9))'
    extra = "through_defaults={'role': 'new', 'weight': 9}"
    for name, django, c in (
            ("add", "add(1, 2, 23)", "cz_related_add(ctx, t, %s, CZ_INTS(1, 2, 23))"),
            ("add with", "add(1, 2, 23, %s)" % extra, "cz_related_add_through(ctx, t, %%s, %s, CZ_INTS(1, 2, 23))" % given),
            ("remove", "remove(1, 2, 3, 4, 5)", "cz_related_remove(ctx, t, %s, CZ_INTS(1, 2, 3, 4, 5))"),
            ("set", "set([4, 5])", "cz_related_set(ctx, t, %s, CZ_INTS(4, 5))"),
            ("set with", "set([4, 5, 6], %s)" % extra, "cz_related_set_through(ctx, t, %%s, %s, CZ_INTS(4, 5, 6))" % given),
            ("replace with", "set([4, 5, 6], clear=True, %s)" % extra, "cz_related_replace_through(ctx, t, %%s, %s, CZ_INTS(4, 5, 6))" % given),
            ("clear", "clear()", "cz_related_clear(ctx, t, %s)")):
        for key in (1, 4, 12):
            change("members %s %d" % (name, key), "Team.objects.get(id=%d).members.%s or 0" % (key, django),
                   "({ Team *t = %s; %s; 0; })" % (team % key, c % "members"), ["Post"])
        if "23" not in django:
            change("teams %s" % name, "Staff.objects.get(id=3).teams.%s or 0" % django, "({ Staff *t = %s; %s; 0; })" % (staff % 3, c % "teams"), ["Post"])
    change("member made", "len(Team.objects.get(id=2).members.create(name='new', wage=decimal('1.5'), since=day('2026-01-01'), %s).name)" % extra,
           "(int64_t)cz_related_create_through(ctx, Staff, %s, members, %s, (name, \"new\"), (wage, decimal(\"1.5\")), "
           "(since, day(\"2026-01-01\")))->name.len" % (team % 2, given), ["Post", "Staff"])
    change("team found or made", "sum(Staff.objects.get(id=k).teams.get_or_create(name='team 3', %s)[1] for k in (1, 1, 2))" % extra,
           "({ int64_t n = 0; int64_t keys[] = { 1, 1, 2 }; for (int i = 0; i < 3; i++) { bool made; cz_related_get_or_create_through(ctx, Team, "
           "(Staff *)cz_get(ctx, Staff, .where = CZ_Q(Staff, id, EXACT, keys[i])), teams, %s, CZ_PAIRS(Team, (name, \"team 3\")), CZ_PAIRS(Team), "
           "&made); n += made; } n; })" % given, ["Post", "Team"])
    for name, django, c in (("teams", "Team.objects.filter(id__lte=4)", "cz_delete(ctx, Team, CZ_Q(Team, id, LTE, 4))"),
                            ("chiefs", "Staff.objects.filter(id__in=[2, 3])", "cz_delete(ctx, Staff, CZ_Q(Staff, id, IN, CZ_INTS(2, 3)))"),
                            ("members", "Staff.objects.filter(teams=2)", "cz_delete(ctx, Staff, CZ_Q(Staff, teams, EXACT, 2))"),
                            ("posts", "Post.objects.filter(team__members__name='name 07')", "cz_delete(ctx, Post, CZ_Q(Post, team->members->name, EXACT, \"name 07\"))")):
        change("delete %s through" % name, "%s.delete()[0]" % django, c, ["Post", "Staff", "Team"])


def complements():
    """What NOT means beside a condition on the same relation, and where the other side may be NULL: the rows that the
    condition itself would not give, whatever stands beside it and in whichever order."""
    a, b = Q("things__f_int", "gt", 4), Q("things__f_bool", "exact", True)
    for name, way, where in (("and not", "filter(%s).exclude(%s)" % (a.django, b.django), a & ~b),
                             ("not and", "filter(%s & %s)" % ((~b).django, a.django), ~b & a),
                             ("by keys", "filter(%s).exclude(id__in=Box.objects.filter(%s).values('id'))" % (a.django, b.django), a & ~b)):
        Question("complement " + name, ["int"], "Box.objects.%s.order_by('id').values_list('id')" % way,
                 "IDS(Box, .where = %s, .order_by = CZ_ORDER_BY(CZ_ASC(Box, id)))" % where.of("Box"), model="Box", some=True)
    for name, where in (("wage", Q("wage", "gt", F("boss__wage"))), ("team", Q("team", "exact", F("boss__team"))),
                        ("two up", Q("wage", "lt", F("boss__boss__wage"))), ("since", Q("boss__since", "lte", F("since")))):
        Question("complement of the boss's " + name, ["int"],
                 "Staff.objects.exclude(id__in=Staff.objects.filter(%s).values('id')).order_by('id').values_list('id')" % where.django,
                 "IDS(Staff, .where = %s, .order_by = CZ_ORDER_BY(CZ_ASC(Staff, id)))" % (~where).of("Staff"), model="Staff", some=True)


def prefetched():
    """Rows read along, narrowed and over several steps: (key of this side, key of the other)."""
    for name, model, path, target, where, order in (
            ("reverse", "Box", "things", "Thing", Q("f_int", "gt", 4), "id"), ("reverse down", "Thing", "parts", "Part", Q("size", "gt", 1), "-id"),
            ("links", "Thing", "tags", "Tag", Q("id", "lt", 9), "-name"), ("links back", "Tag", "things", "Thing", Q("box__name", "gt", "box 1"), "id"),
            ("links of crates", "Crate", "things", "Thing", ~Q("tags", "isnull", True), "-id"),
            ("forward", "Part", "thing", "Thing", Q("f_bool", "exact", True), "id"), ("self", "Staff", "reports", "Staff", Q("wage", "gt", "1500", "short"), "-name")):
        django = ("Prefetch('%s', queryset=%s.objects.filter(%s).order_by('%s').distinct(), to_attr='x')" % (path, target, where.django, order))
        each = "(r.x if isinstance(r.x, list) else [r.x] if r.x else [])" if path != "thing" else "([r.x] if r.x else [])"
        c_order = "CZ_%s(%s, %s)" % ("DESC" if order[0] == "-" else "ASC", target, order.lstrip("-"))
        Question("prefetched " + name, ["int", "int"],
                 "[(r.id, o.id) for r in %s.objects.prefetch_related(%s).order_by('id') for o in %s]" % (model, django, each),
                 "{ cz_rows(%s) rows = cz_select(ctx, %s, .order_by = CZ_ORDER_BY(CZ_ASC(%s, id)), .prefetch = CZ_PREFETCH(%s, (%s, %s, .where = %s, "
                 ".order_by = CZ_ORDER_BY(%s), .distinct = true, .as = \"x\"))); for (size_t i = 0; i < rows.count; i++) { "
                 "cz_rows(%s) x = cz_prefetched(ctx, %s, &rows.items[i], %s, \"x\"); for (size_t n = 0; n < x.count; n++) { cz_json_list(&out); "
                 "cz_json_i64(&out, rows.items[i].id); cz_json_i64(&out, x.items[n].id); cz_json_list_end(&out); } } }"
                 % (model, model, model, model, path, target, where.of(target), c_order, target, target, path))
    Question("prefetched steps", ["int", "int"],
             "[(b.id, o.id) for b in Box.objects.prefetch_related('things__parts__bolts').order_by('id') for t in b.things.all().order_by('id') "
             "for p in t.parts.all().order_by('id') for o in p.bolts.all().order_by('id')]",
             "{ cz_rows(Box) rows = cz_select(ctx, Box, .order_by = CZ_ORDER_BY(CZ_ASC(Box, id)), .prefetch = CZ_PREFETCH(Box, (things, Thing, "
             ".order_by = CZ_ORDER_BY(CZ_ASC(Thing, id)), .prefetch = CZ_PREFETCH(Thing, (parts, Part, .order_by = CZ_ORDER_BY(CZ_ASC(Part, id)), "
             ".prefetch = CZ_PREFETCH(Part, (bolts, Bolt, .order_by = CZ_ORDER_BY(CZ_ASC(Bolt, id))))))))); for (size_t i = 0; i < rows.count; i++) { "
             "cz_rows(Thing) t = cz_related(ctx, Thing, &rows.items[i], things); for (size_t j = 0; j < t.count; j++) { "
             "cz_rows(Part) p = cz_related(ctx, Part, &t.items[j], parts); for (size_t k = 0; k < p.count; k++) { "
             "cz_rows(Bolt) o = cz_related(ctx, Bolt, &p.items[k], bolts); for (size_t n = 0; n < o.count; n++) { cz_json_list(&out); "
             "cz_json_i64(&out, rows.items[i].id); cz_json_i64(&out, o.items[n].id); cz_json_list_end(&out); } } } } }")
    for lo, hi in ((0, 2), (1, 3), (2, 3)):  # of each row apart, which Django asks row by row
        Question("sliced %d to %d" % (lo, hi), ["int", "int"],
                 "[(b.id, t.id) for b in Box.objects.order_by('id') for t in b.things.order_by('-f_slug', 'id')[%d:%d]]" % (lo, hi),
                 "{ cz_rows(Box) rows = cz_select(ctx, Box, .order_by = CZ_ORDER_BY(CZ_ASC(Box, id))); for (size_t i = 0; i < rows.count; i++) { "
                 "cz_rows(Thing) t = cz_related(ctx, Thing, &rows.items[i], things, .order_by = CZ_ORDER_BY(CZ_DESC(Thing, f_slug), CZ_ASC(Thing, id)), "
                 ".limit = %d, .offset = %d); for (size_t n = 0; n < t.count; n++) { cz_json_list(&out); cz_json_i64(&out, rows.items[i].id); "
                 "cz_json_i64(&out, t.items[n].id); cz_json_list_end(&out); } } }" % (hi - lo, lo))


def mixed():
    count = call("Count", "CZ_COUNT_OF", F("things"))
    for lookup, v in (("exact", 2), ("gt", 2), ("lt", 2), ("in", [1, 3]), ("range", (1, 2))):
        group("groups having %s" % lookup, "Box", [("int", "id")], [("int", count)], having=(0, lookup, v, None))
    for unit in ("Year", "Month", "Quarter"):
        Question("by " + unit, ["int", "int"], "Staff.objects.annotate(u=Extract%s('since')).values('u').annotate(n=Count('id'))"
                 ".order_by('u').values_list('u', 'n')" % unit,
                 "ROWS(R_int_int, Staff, .values = CZ_AS(R_int_int, (c0, CZ_%s(CZ_F(Staff, since))), (c1, CZ_COUNT_OF(CZ_F(Staff, id)))), "
                 ".order_by = CZ_ORDER_BY(CZ_ASC_OF(CZ_%s(CZ_F(Staff, since)))))" % (unit.upper(), unit.upper()))
    Question("ordered by aggregate", ["text", "int"], "Staff.objects.filter(team__isnull=False).values('team').annotate(n=Count('id'))"
             ".order_by('-n', 'team').values_list('team', 'n')",
             "ROWS(R_text_int, Staff, .values = CZ_AS(R_text_int, (c0, CZ_F(Staff, team)), (c1, CZ_COUNT_OF(CZ_F(Staff, id)))), "
             ".where = CZ_Q(Staff, team, ISNULL, false), .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_COUNT_OF(CZ_F(Staff, id))), CZ_ASC(Staff, team)))")
    Question("groups sliced", ["text", "int"], "Thing.objects.values('f_slug').annotate(n=Count('id')).order_by('f_slug').values_list('f_slug', 'n')[1:3]",
             "ROWS(R_text_int, Thing, .values = CZ_AS(R_text_int, (c0, CZ_F(Thing, f_slug)), (c1, CZ_COUNT_OF(CZ_F(Thing, id)))), "
             ".order_by = CZ_ORDER_BY(CZ_ASC(Thing, f_slug)), .limit = 2, .offset = 1)")
    Question("distinct over relation", ["text"], "Part.objects.filter(thing__isnull=False).values_list('thing__f_slug').distinct().order_by('thing__f_slug')",
             "ROWS(R_text, Part, .values = CZ_AS(R_text, (c0, CZ_F(Part, thing->f_slug))), .where = CZ_Q(Part, thing, ISNULL, false), "
             ".distinct = true, .order_by = CZ_ORDER_BY(CZ_ASC(Part, thing->f_slug)))")
    plain("distinct on", "Thing", "order_by('f_slug', 'id').distinct('f_slug')",
          ".distinct_on = CZ_FIELDS(Thing, f_slug), .order_by = CZ_ORDER_BY(CZ_ASC(Thing, f_slug), CZ_ASC(Thing, id))",
          only=("postgresql",), some=True)
    for lookup in ("first", "last"):
        Question("the " + lookup, ["int"], "[(Thing.objects.filter(f_bool=True).order_by('%sid').first().id,)]" % ("-" if lookup == "last" else ""),
                 "NUMBER(cz_first(ctx, Thing, .where = CZ_Q(Thing, f_bool, EXACT, true), .order_by = CZ_ORDER_BY(CZ_%s(Thing, id)))->id)"
                 % ("DESC" if lookup == "last" else "ASC"))
    Question("the only one", ["int"], "[(Thing.objects.get(id=7).id,)]", "NUMBER(cz_get(ctx, Thing, .where = CZ_Q(Thing, id, EXACT, 7))->id)")
    Question("related read along", ["text", "text"],
             "[(b.name, b.part.thing.f_slug) for b in Bolt.objects.filter(part__thing__isnull=False).select_related('part__thing').order_by('id')]",
             "{ cz_rows(Bolt) rows = cz_select(ctx, Bolt, .where = CZ_Q(Bolt, part->thing, ISNULL, false), .related = CZ_RELATED(Bolt, part, part->thing), "
             ".order_by = CZ_ORDER_BY(CZ_ASC(Bolt, id))); for (size_t i = 0; i < rows.count; i++) { cz_json_list(&out); put_text(rows.items[i].name); "
             "put_text(CZ_REL(ctx, CZ_REL(ctx, &rows.items[i], part), thing)->f_slug); cz_json_list_end(&out); } }")
    Question("related touched", ["text", "text"],
             "[(p.name, p.thing.f_slug if p.thing else None) for p in Part.objects.order_by('id')]",
             "{ cz_rows(Part) rows = cz_select(ctx, Part, .order_by = CZ_ORDER_BY(CZ_ASC(Part, id))); for (size_t i = 0; i < rows.count; i++) { "
             "Thing *thing = CZ_REL(ctx, &rows.items[i], thing); cz_json_list(&out); put_text(rows.items[i].name); "
             "if (thing) put_text(thing->f_slug); else cz_json_null(&out); cz_json_list_end(&out); } }")
    for fields, name in (("name", "one column"), ("name, team", "two columns")):
        Question("only " + name, ["text"], "[(s.name,) for s in Staff.objects.only(%s).order_by('id')]" % ", ".join(repr(f) for f in fields.split(", ")),
                 "{ cz_rows(Staff) rows = cz_select(ctx, Staff, .only = CZ_FIELDS(Staff, %s), .order_by = CZ_ORDER_BY(CZ_ASC(Staff, id))); "
                 "for (size_t i = 0; i < rows.count; i++) { cz_json_list(&out); put_text(rows.items[i].name); cz_json_list_end(&out); } }" % fields)
    compute("long decimals", "Thing", [("dec", F("f_long")), ("dec", F("n_long"))])
    for function, c in AGGREGATES[:5]:
        if function not in ("Sum", "Avg"):
            group("long %s by bool" % function, "Thing", [("bool", "f_bool")], [(kind_of(function, "dec"), call(function, c, F("f_long")))])
    for function, c in AGGREGATES[:5]:
        group("wage %s by team" % function, "Staff", [("text", "team")], [(kind_of(function, "dec"), call(function, c, F("wage")))],
              by=[("team", "last")])
        group("parts %s of box" % function, "Box", [("int", "id")], [(kind_of(function, "int"), call(function, c, F("things__parts__size")))])
    for name, django, c in (("sum of case", "Sum(Case(When(f_bool=True, then=Value(1)), default=Value(0)))",
                             "CZ_SUM(CZ_CASE(0, CZ_WHEN(CZ_Q(@, f_bool, EXACT, true), 1)))"),
                            ("max of length", "Max(Length('f_char'))", "CZ_MAX(CZ_LENGTH(CZ_F(@, f_char)))"),
                            ("count of coalesce", "Count(Coalesce('n_int', 'f_int'))", "CZ_COUNT_OF(CZ_COALESCE(CZ_F(@, n_int), CZ_F(@, f_int)))"),
                            ("min of year", "Min(ExtractYear('f_date'))", "CZ_MIN(CZ_YEAR(CZ_F(@, f_date)))")):
        total(name, "Thing", [("int", X(django, c))])
        group(name + " by slug", "Thing", [("text", "f_slug")], [("int", X(django, c))])


def changes():
    from models import MODELS
    for model in MODELS:
        change("rows of " + model, "0", "0", [model])
    states = ["Root"] + ["On" + r.title().replace("_", "") for r in DELETES] + ["Leaf", "Grand", "Guard"]
    for i in range(1, 9):
        change("delete root %d" % i, "Root.objects.filter(id=%d).delete()[0]" % i, "cz_delete(ctx, Root, CZ_Q(Root, id, EXACT, %d))" % i, states,
               refused_at_commit=i == 5)  # a reference is left to nothing
    for name, django, c in (
            ("many roots", "id__in=[1, 2, 3, 7, 8]", "CZ_Q(Root, id, IN, CZ_INTS(1, 2, 3, 7, 8))"),
            ("roots with one protected", "id__in=[1, 4]", "CZ_Q(Root, id, IN, CZ_INTS(1, 4))"),
            ("over a relation", "cascades__name='c2'", "CZ_Q(Root, cascades->name, EXACT, \"c2\")"),
            ("no roots", "id=99", "CZ_Q(Root, id, EXACT, 99)")):
        change("delete " + name, "Root.objects.filter(%s).delete()[0]" % django, "cz_delete(ctx, Root, %s)" % c, states)
    for rule in DELETES:
        model = "On" + rule.title().replace("_", "")
        change("delete referring " + rule, "%s.objects.all().delete()[0]" % model, "cz_delete(ctx, %s, CZ_EVERY_ROW)" % model, states)
    change("delete guarded", "Grand.objects.all().delete()[0]", "cz_delete(ctx, Grand, CZ_EVERY_ROW)", states)
    change("delete linked", "Tag.objects.filter(id__lte=3).delete()[0]", "cz_delete(ctx, Tag, CZ_Q(Tag, id, LTE, 3))", ["Tag"])
    change("delete things", "Thing.objects.filter(f_int__gt=4).delete()[0]", "cz_delete(ctx, Thing, CZ_Q(Thing, f_int, GT, 4))", ["Part", "Bolt"])
    change("delete boxes", "Box.objects.filter(id__lte=4).delete()[0]", "cz_delete(ctx, Box, CZ_Q(Box, id, LTE, 4))", ["Box", "Thing"])
    change("delete bosses", "Staff.objects.filter(id__lte=3).delete()[0]", "cz_delete(ctx, Staff, CZ_Q(Staff, id, LTE, 3))", ["Staff"])
    small = ("f_int__range=(-1000, 1000)", "CZ_Q(Thing, f_int, RANGE, CZ_INTS(-1000, 1000))")
    for name, (django_where, c_where), django, c in (
            ("value", small, 'f_char="new"', '(f_char, "new")'), ("null", small, "n_char=None", "(n_char, NULL)"),
            ("several", small, 'f_int=7, f_short=decimal("1.25"), n_date=day("2026-01-02")',
             '(f_int, 7), (f_short, decimal("1.25")), (n_date, day("2026-01-02"))'),
            ("sum", small, "f_int=F('f_int') + 1", "(f_int, CZ_ADD(CZ_F(Thing, f_int), 1))"),
            ("product", small, "f_int=F('f_int') * 2 - 3", "(f_int, CZ_SUB(CZ_MUL(CZ_F(Thing, f_int), 2), 3))"),
            ("swap", small, "f_int=F('f_small'), f_big=F('f_int')", "(f_int, CZ_F(Thing, f_small)), (f_big, CZ_F(Thing, f_int))"),
            ("text", small, "f_text=Concat(Upper('f_slug'), Value('!'))", '(f_text, CZ_CONCAT(CZ_UPPER(CZ_F(Thing, f_slug)), "!"))'),
            ("case", small, "f_int=Case(When(f_bool=True, then=Value(1)), default=Value(2))",
             "(f_int, CZ_CASE(2, CZ_WHEN(CZ_Q(Thing, f_bool, EXACT, true), 1)))"),
            ("coalesce", small, "n_int=Coalesce('n_int', 'f_int')", "(n_int, CZ_COALESCE(CZ_F(Thing, n_int), CZ_F(Thing, f_int)))"),
            ("fk", small, "box=2", "(box, 2)"), ("fk null", small, "box=None", "(box, NULL)"),
            ("json", small, 'f_json={"k": [1]}', '(f_json, "{\\"k\\":[1]}")'),
            ("time", small, 'f_datetime=F("f_datetime") + span("1 00:00:00")', '(f_datetime, CZ_ADD(CZ_F(Thing, f_datetime), span("1 00:00:00")))'),
            ("over relation", ('box__name="box 3"', 'CZ_Q(Thing, box->name, EXACT, "box 3")'), "f_int=33", "(f_int, 33)"),
            ("over links", ("tags=3", "CZ_Q(Thing, tags, EXACT, 3)"), "f_int=33", "(f_int, 33)"),
            ("none", ("f_int=12345", "CZ_Q(Thing, f_int, EXACT, 12345)"), "f_int=33", "(f_int, 33)")):
        change("update " + name, "Thing.objects.filter(%s).update(%s)" % (django_where, django),
               "cz_update(ctx, Thing, %s, %s)" % (c_where, c), ["Thing"])
    change("update by subquery", "Staff.objects.filter(boss__isnull=False).update(wage=Subquery(Staff.objects.filter(id=OuterRef('boss')).values('wage')[:1]))",
           "cz_update(ctx, Staff, CZ_Q(Staff, boss, ISNULL, false), (wage, CZ_SUBQUERY(CZ_F(Staff, wage), Staff, "
           ".where = CZ_Q(Staff, id, EXACT, CZ_OUTER(Staff, boss)))))", ["Staff"])
    change("update decimals", "Staff.objects.update(wage=F('wage') + decimal('10.50'))",
           "cz_update(ctx, Staff, CZ_EVERY_ROW, (wage, CZ_ADD(CZ_F(Staff, wage), decimal(\"10.50\"))))", ["Staff"])
    change("create", "Staff.objects.create(name='new', wage=decimal('1.5'), since=day('2026-01-01')).id - 24",
           "cz_create(ctx, Staff, (name, \"new\"), (wage, decimal(\"1.5\")), (since, day(\"2026-01-01\")))->id - 24", ["Staff"])


def bulk():
    """Many rows at once, rows that may be there, links and children changed."""
    Staff = ["Staff"]
    change("bulk create", "len(Staff.objects.bulk_create([Staff(name=n, wage=decimal('9.5'), since=day('2026-01-01')) for n in 'abc']))",
           "({ const char *const names[] = { \"a\", \"b\", \"c\" }; Staff *rows[3]; for (int i = 0; i < 3; i++) { "
           "rows[i] = cz_row_new(ctx, Staff); cz_set(ctx, rows[i], name, names[i]); cz_set(ctx, rows[i], wage, decimal(\"9.5\")); "
           "cz_set(ctx, rows[i], since, day(\"2026-01-01\")); } cz_bulk_create(ctx, Staff, rows, 3); })", Staff)
    change("bulk update", "5 if not Staff.objects.bulk_update([setattr(s, 'team', 'moved') or s for s in Staff.objects.filter(id__lte=5)], ['team']) else 0",
           "({ cz_rows(Staff) s = cz_select(ctx, Staff, .where = CZ_Q(Staff, id, LTE, 5)); Staff *rows[5]; for (size_t i = 0; i < 5; i++) { "
           "rows[i] = &s.items[i]; cz_set(ctx, rows[i], team, \"moved\"); } cz_bulk_update(ctx, Staff, rows, 5, team); })", Staff)
    change("get or create, there", "int(Box.objects.get_or_create(name='box 3')[1])",
           "({ bool made; cz_get_or_create(ctx, Box, CZ_PAIRS(Box, (name, \"box 3\")), CZ_PAIRS(Box), &made); made; })", ["Box"])
    change("get or create, new", "int(Box.objects.get_or_create(name='none')[1])",
           "({ bool made; cz_get_or_create(ctx, Box, CZ_PAIRS(Box, (name, \"none\")), CZ_PAIRS(Box), &made); made; })", ["Box"])
    change("update or create, there", "int(Staff.objects.update_or_create(name='name 07', defaults={'team': 'new'})[1])",
           "({ bool made; cz_update_or_create(ctx, Staff, CZ_PAIRS(Staff, (name, \"name 07\")), CZ_PAIRS(Staff, (team, \"new\")), &made); made; })", Staff)
    change("chunks", "sum(1 for t in Thing.objects.filter(f_bool=True).iterator(chunk_size=7))",
           "({ int64_t n = 0; cz_chunks *chunks = cz_chunks_begin(ctx, Thing, 7, .where = CZ_Q(Thing, f_bool, EXACT, true)); "
           "for (cz_rows(Thing) t; (t = cz_chunks_next(chunks, Thing)).count;) n += (int64_t)t.count; n; })", ["Tag"])
    for name, django, c in (("add", "add(1, 2, 19)", "add(ctx, t, tags, CZ_INTS(1, 2, 19))"), ("remove", "remove(1, 2, 3)", "remove(ctx, t, tags, CZ_INTS(1, 2, 3))"),
                            ("set", "set([4, 5])", "set(ctx, t, tags, CZ_INTS(4, 5))"), ("clear", "clear()", "clear(ctx, t, tags)")):
        for key in (1, 7, 20, 33):
            change("links %s %d" % (name, key), "Thing.objects.get(id=%d).tags.%s or 0" % (key, django),
                   "({ Thing *t = cz_get(ctx, Thing, .where = CZ_Q(Thing, id, EXACT, %d)); cz_related_%s; 0; })" % (key, c), ["Links"])
    for name, django, c in (("add", "add(*Thing.objects.filter(id__in=[1, 2]))", "add(ctx, b, things, CZ_INTS(1, 2))"),
                            ("set", "set(Thing.objects.filter(id__in=[4, 5]))", "set(ctx, b, things, CZ_INTS(4, 5))"),
                            ("clear", "clear()", "clear(ctx, b, things)")):
        change("children " + name, "Box.objects.get(id=3).things.%s or 0" % django,
               "({ Box *b = cz_get(ctx, Box, .where = CZ_Q(Box, id, EXACT, 3)); cz_related_%s; 0; })" % c, ["Thing"])


    for name, django, c, tables in (
            ("create reverse", "Tag.objects.count() and Part.objects.get(id=7).bolts.create(name='new', size=3).size",
             "cz_related_create(ctx, Bolt, (Part *)cz_get(ctx, Part, .where = CZ_Q(Part, id, EXACT, 7)), bolts, (name, \"new\"), (size, 3))->size", ["Bolt"]),
            ("create linked", "len(Thing.objects.get(id=7).tags.create(name='new').name)",
             "(int64_t)cz_related_create(ctx, Tag, (Thing *)cz_get(ctx, Thing, .where = CZ_Q(Thing, id, EXACT, 7)), tags, (name, \"new\"))->name.len", ["Tag", "Links"]),
            ("get or create linked", "sum(Thing.objects.get(id=k).tags.get_or_create(name='tag 3')[1] for k in (1, 1, 2))",
             "({ int64_t n = 0; int64_t keys[] = { 1, 1, 2 }; for (int i = 0; i < 3; i++) { bool made; cz_related_get_or_create(ctx, Tag, "
             "(Thing *)cz_get(ctx, Thing, .where = CZ_Q(Thing, id, EXACT, keys[i])), tags, CZ_PAIRS(Tag, (name, \"tag 3\")), CZ_PAIRS(Tag), &made); n += made; } n; })",
             ["Tag", "Links"]),
            ("update or create reverse", "sum(Part.objects.get(id=k).bolts.update_or_create(name='new', defaults={'size': k})[1] for k in (7, 7, 8))",
             "({ int64_t n = 0; int64_t keys[] = { 7, 7, 8 }; for (int i = 0; i < 3; i++) { bool made; cz_related_update_or_create(ctx, Bolt, "
             "(Part *)cz_get(ctx, Part, .where = CZ_Q(Part, id, EXACT, keys[i])), bolts, CZ_PAIRS(Bolt, (name, \"new\")), "
             "CZ_PAIRS(Bolt, (size, keys[i])), &made); n += made; } n; })", ["Bolt"]),
            ("replace links", "Thing.objects.get(id=7).tags.set([4, 5], clear=True) or 0",
             "({ cz_related_replace(ctx, (Thing *)cz_get(ctx, Thing, .where = CZ_Q(Thing, id, EXACT, 7)), tags, CZ_INTS(4, 5)); 0; })", ["Links"]),
            ("replace children", "Box.objects.get(id=3).things.set(Thing.objects.filter(id__in=[4, 5]), clear=True) or 0",
             "({ cz_related_replace(ctx, (Box *)cz_get(ctx, Box, .where = CZ_Q(Box, id, EXACT, 3)), things, CZ_INTS(4, 5)); 0; })", ["Thing"])):
        change("related " + name, django, c, tables)


def questions():
    for part in (matrix, negations, relations, logic, arithmetic, texts, choices, times, documents, aggregates, groups, chosen_groups, subqueries,
                 windows, sets, orders, compared_texts, to_many, through, complements, prefetched, mixed, changes, bulk,
                 through_changes, proxies):
        part()
    return Question.all
