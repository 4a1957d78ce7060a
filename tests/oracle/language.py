"""Pieces of queries, each as Django's text and as Calzone's. In the C text "@" stands for the query's model."""
import json


class X:
    """An expression, a condition or a value."""

    def __init__(self, django, c):
        self.django, self.c = django, c

    def __and__(self, other):
        return X("(%s & %s)" % (self.django, other.django), "CZ_AND(%s, %s)" % (self.c, other.c))

    def __or__(self, other):
        return X("(%s | %s)" % (self.django, other.django), "CZ_OR(%s, %s)" % (self.c, other.c))

    def __invert__(self):
        return X("~%s" % self.django, "CZ_NOT(%s)" % self.c)

    def of(self, model):
        """The C text for a query of this model."""
        return self.c.replace("@", model)


def c_text(text):
    out = "".join("\\%03o" % b if b < 32 or b in b'"\\?@' else chr(b) if b < 127 else "\\%03o" % b
                  for b in text.encode())
    return '"%s"' % out


# Kinds whose values are written as a call of the same name on both sides: day("2026-11-21").
CALLS = {"short": "decimal", "long": "decimal", "date": "day", "time": "clock", "datetime": "instant",
         "duration": "span", "uuid": "uid"}
LISTS = {"decimal": "CZ_DECIMALS", "day": "CZ_DATES", "clock": "CZ_TIMES", "instant": "CZ_DATETIMES", "span": "CZ_DURATIONS",
         "uid": "CZ_UUIDS"}


def value(v, kind=None):
    """A value of a field kind; of lists each item."""
    if isinstance(v, X):
        return v
    if isinstance(v, (list, tuple)) and kind != "json":
        items = [value(i, kind) for i in v]
        macro = LISTS.get(CALLS.get(kind), "CZ_STRS" if isinstance(v[0], str) else
                          "CZ_REALS" if kind == "float" or isinstance(v[0], float) else "CZ_INTS")
        return X("[%s]" % ", ".join(i.django for i in items), "%s(%s)" % (macro, ", ".join(i.c for i in items)))
    if kind == "json":
        return X(repr(v), c_text(json.dumps(v)))
    if kind in CALLS:
        text = '%s("%s")' % (CALLS[kind], v)
        return X(text, text)
    if v is None:
        return X("None", "NULL")
    if isinstance(v, bool):
        return X(repr(v), "true" if v else "false")
    if isinstance(v, str):
        return X(repr(v), c_text(v))
    return X(repr(v), repr(v))


def c_path(path):
    return path.replace("__", "->")


def F(path):
    return X('F("%s")' % path, "CZ_F(@, %s)" % c_path(path))


def Q(path, lookup, v, kind=None):
    v = value(v, kind)
    return X('Q(%s__%s=%s)' % (path, lookup, v.django), "CZ_Q(@, %s, %s, %s)" % (c_path(path), lookup.upper(), v.c))


def OUTER(model, path):
    return X('OuterRef("%s")' % path, "CZ_OUTER(%s, %s)" % (model, c_path(path)))


def call(django, c, *arguments):
    """A call; arguments that are no expressions are wrapped in Value() for Django."""
    both = [a if isinstance(a, X) else X("Value(%s)" % value(a).django, value(a).c) for a in arguments]
    return X(django % tuple(a.django for a in both) if "%s" in django else "%s(%s)" % (django, ", ".join(a.django for a in both)),
             c % tuple(a.c for a in both) if "%s" in c else "%s(%s)" % (c, ", ".join(a.c for a in both)))


class Question:
    """One question, as an expression of Django's and a statement of C that answers it.

    kinds:   of the columns of its rows; None: rows of models, which a change left
    some:    the answer must have rows, and fewer than the model has
    refused: databases on which Django refuses it; there its answer on PostgreSQL holds
    only:    the databases it can be asked; None: all
    differs: {database: decision record} where the answers differ on purpose
    planted: C that answers wrongly, to see that it is noticed
    """

    all, names = [], set()

    def __init__(self, name, kinds, django, c, model=None, some=False, refused=(), only=None, differs=None,
                 planted=None):
        self.name, self.kinds, self.django, self.c = name, kinds, django, c
        self.model, self.some, self.refused, self.only = model, some, refused, only
        self.differs, self.planted = differs or {}, planted
        assert name not in Question.names, "two questions are called " + name
        Question.names.add(name)
        Question.all.append(self)


def ask(name, model, where, some=True, **more):
    """The keys of the rows that match, as often as each comes."""
    Question(name, ["int"], '%s.objects.filter(%s).order_by("id").values_list("id")' % (model, where.django),
             "IDS(%s, .where = %s, .order_by = CZ_ORDER_BY(CZ_ASC(%s, id)))" % (model, where.of(model), model),
             model=model, some=some, **more)


def probe(name, model, expression, lookup, v, kind=None, **more):
    """The keys of the rows for which a computed value compares so."""
    v = value(v, kind)
    Question(name, ["int"], '%s.objects.annotate(x=%s).filter(x__%s=%s).order_by("id").values_list("id")' % (
        model, expression.django, lookup, v.django),
        "IDS(%s, .where = CZ_QE(%s, %s, %s), .order_by = CZ_ORDER_BY(CZ_ASC(%s, id)))" % (
            model, expression.of(model), lookup.upper(), v.of(model), model), model=model, **more)


def order(model, *orders):
    """Orders as "name", "-name" or ("-name", "first" | "last")."""
    django, c = [], []
    for o in orders:
        name, nulls = o if isinstance(o, tuple) else (o, None)
        down = name.startswith("-")
        name = name.lstrip("-")
        django.append('F("%s").%s(%s)' % (name, "desc" if down else "asc", "nulls_%s=True" % nulls if nulls else ""))
        c.append("CZ_%s(%s, %s%s)" % ("DESC" if down else "ASC", model, c_path(name),
                                      ", .nulls = CZ_NULLS_%s" % nulls.upper() if nulls else ""))
    return ", ".join(django), "CZ_ORDER_BY(%s)" % ", ".join(c)


def compute(name, model, outputs, where=None, by=("id",), key=True, having=None, extra="", slice_="", **more):
    """Rows of computed values: outputs are (kind, expression), after the key when `key`."""
    django_by, c_by = order(model, *by)
    columns = [("int", F("id"))] * key + outputs
    parts = ["%s.objects" % model]
    if where:
        parts.append("filter(%s)" % where.django)
    parts.append("annotate(%s)" % ", ".join("c%d=%s" % (i, e.django) for i, (_, e) in enumerate(columns)))
    conditions = [where.of(model)] if where else []
    if having:
        i, lookup, v, kind = having
        v = value(v, kind)
        parts.append("filter(c%d__%s=%s)" % (i, lookup, v.django))
        conditions.append("CZ_QE(%s, %s, %s)" % (columns[i][1].of(model), lookup.upper(), v.c))
    parts.append("order_by(%s)" % django_by)
    parts.append("values_list(%s)" % ", ".join('"c%d"' % i for i in range(len(columns))))
    kinds = [k for k, _ in columns]
    Question(name, kinds, ".".join(parts) + slice_,
             "ROWS(%s, %s, .values = CZ_AS(%s, %s), %s.order_by = %s%s)" % (
                 record(kinds), model, record(kinds), ", ".join("(c%d, %s)" % (i, e.of(model)) for i, (_, e) in enumerate(columns)),
                 ".where = CZ_WHERE(%s), " % ", ".join(conditions) if conditions else "", c_by, extra), **more)


def group(name, model, keys, outputs, where=None, having=None, by=None, **more):
    """Rows grouped by paths: keys are (kind, path)."""
    columns = [(k, F(p)) for k, p in keys] + outputs
    kinds = [k for k, _ in columns]
    django_by, c_by = order(model, *(by or [p for _, p in keys]))
    parts = ["%s.objects" % model] + (["filter(%s)" % where.django] if where else [])
    parts.append("values(%s)" % ", ".join("k%d=%s" % (i, F(p).django) for i, (_, p) in enumerate(keys)))
    parts.append("annotate(%s)" % ", ".join("a%d=%s" % (i, e.django) for i, (_, e) in enumerate(outputs)))
    conditions = [where.of(model)] if where else []
    if having:
        i, lookup, v, kind = having
        v = value(v, kind)
        parts.append("filter(a%d__%s=%s)" % (i, lookup, v.django))
        conditions.append("CZ_QE(%s, %s, %s)" % (outputs[i][1].of(model), lookup.upper(), v.c))
    parts.append("order_by(%s)" % django_by)
    parts.append("values_list(%s)" % ", ".join(['"k%d"' % i for i in range(len(keys))] + ['"a%d"' % i for i in range(len(outputs))]))
    Question(name, kinds, ".".join(parts), "ROWS(%s, %s, .values = CZ_AS(%s, %s), %s.order_by = %s)" % (
        record(kinds), model, record(kinds), ", ".join("(c%d, %s)" % (i, e.of(model)) for i, (_, e) in enumerate(columns)),
        ".where = CZ_WHERE(%s), " % ", ".join(conditions) if conditions else "", c_by), **more)


def total(name, model, outputs, where=None, **more):
    """One row of aggregates."""
    kinds = [k for k, _ in outputs]
    filtered = ".filter(%s)" % where.django if where else ""
    Question(name, kinds, "[tuple(%s.objects%s.aggregate(%s).values())]" % (
        model, filtered, ", ".join("c%d=%s" % (i, e.django) for i, (_, e) in enumerate(outputs))),
        "TOTAL(%s, %s, .values = CZ_AS(%s, %s)%s)" % (
            record(kinds), model, record(kinds), ", ".join("(c%d, %s)" % (i, e.of(model)) for i, (_, e) in enumerate(outputs)),
            ", .where = %s" % where.of(model) if where else ""), **more)


# Kinds of columns, the fields of records that hold them.
COLUMNS = {"int": "big_int_field", "real": "float_field", "dec": "decimal_field", "text": "text_field",
           "bool": "bool_field", "date": "date_field", "datetime": "datetime_field", "time": "time_field",
           "span": "duration_field", "uuid": "uuid_field", "json": "json_field"}


def record(kinds):
    return "R_" + "_".join(kinds)


def change(name, django, c, states, refused_at_commit=False):
    """A change, how many rows it says to have changed, and then the tables named by `states`; undone after, unless
    the database refuses it at the commit."""
    Question(name, None, "change(lambda: %s, %r)" % (django, states), "NUMBER(%s)" % c if refused_at_commit else "CHANGE(%s, %s)" % (
        c, " ".join("STATE_%s" % s for s in states)))
