"""The models and rows both sides ask about: Django's models.py, Calzone's models.h and one fixture for both.

Thing has a field of every kind, once required and once nullable. The others lead to it in every way a path
can: Part by a foreign key, Bolt by two, Box and Tag from the other side, Crate by a many-to-many of its own.
Staff refers to itself, and is linked with Team by the rows of Post, which has two keys to it; Senior is a proxy of
Staff. The rest are for deletes, one for each on_delete.
"""
import json
import random

# kind: (C kind, C options, Django field, Django options)
KINDS = {
    "char": ("char_field", ".max_length = 80", "CharField", "max_length=80"),
    "text": ("text_field", "", "TextField", ""),
    "slug": ("slug_field", "", "SlugField", ""),
    "email": ("email_field", "", "EmailField", ""),
    "url": ("url_field", "", "URLField", ""),
    "small": ("small_int_field", "", "SmallIntegerField", ""),
    "int": ("int_field", "", "IntegerField", ""),
    "big": ("big_int_field", "", "BigIntegerField", ""),
    "bool": ("bool_field", "", "BooleanField", ""),
    "float": ("float_field", "", "FloatField", ""),
    "short": ("decimal_field", ".digits = 8, .places = 2", "DecimalField", "max_digits=8, decimal_places=2"),
    "long": ("decimal_field", ".digits = 30, .places = 8", "DecimalField", "max_digits=30, decimal_places=8"),
    "date": ("date_field", "", "DateField", ""),
    "time": ("time_field", "", "TimeField", ""),
    "datetime": ("datetime_field", "", "DateTimeField", ""),
    "duration": ("duration_field", "", "DurationField", ""),
    "uuid": ("uuid_field", "", "UUIDField", ""),
    "ip": ("ip_field", "", "GenericIPAddressField", ""),
    "json": ("json_field", "", "JSONField", ""),
}

# What the rows hold. Long decimals have no more than the 15 digits that Django keeps on SQLite.
POOLS = {
    "char": ["apple", "Apple pie", "banana", "100% juice", "under_score", "a*b[c]?", "Ünïcode über", "",
             "it's \"so\"", "back\\slash", "zebra"],
    "text": ["a long line", "A Longer Line", "two\nlines", "tab\there", "", "naïve", "plain", "zero"],
    "slug": ["red-apple", "Red-Apple", "blue_sky", "x-1", "green"],
    "email": ["ann@example.com", "Ann@example.com", "bob@test.org", "cy.d@mail.example.net", "zoe@x.io"],
    "url": ["http://example.com/a", "http://example.com/A", "https://test.org/?q=1&r=%20", "ftp://x.io/file"],
    "small": [-32768, -7, 0, 3, 12, 32767],
    "int": [-2147483648, -10, 0, 4, 5, 99, 2147483647],
    "big": [-9223372036854775808, -11, 0, 6, 1 << 40, 9223372036854775807],
    "bool": [True, False],
    "float": [-2.5, 0.0, 0.1, 1.5, 1e10, 3.25],
    "short": ["-99.99", "0.00", "0.10", "3.50", "12.25", "999999.99"],
    "long": ["-12345.0625", "0.00000000", "0.00000001", "2.5", "123456789012.5", "7.125"],
    "date": ["1969-12-31", "2000-02-29", "2024-12-30", "2025-01-01", "2026-06-15", "2026-11-21"],
    "time": ["00:00:00", "08:30:00", "12:00:00.500000", "18:45:10", "23:59:59.999999"],
    "datetime": ["1969-12-31T23:59:59Z", "2000-02-29T12:00:00Z", "2024-12-30T00:00:00Z", "2025-01-01T00:00:00.250000Z",
                 "2026-06-15T18:45:10Z", "2026-11-21T23:59:59.999999Z"],
    "duration": ["-1 23:00:00", "00:00:00", "00:00:01.500000", "01:30:00", "2 03:04:05", "400 00:00:00"],
    "uuid": ["00000000-0000-0000-0000-000000000001", "11111111-2222-4333-8444-555555555555",
             "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-4fff-bfff-ffffffffffff"],
    "ip": ["10.0.0.1", "10.0.0.22", "192.168.1.1", "2001:db8::1", "::1"],
    "json": [{"a": 1, "b": "x"}, {"a": 2, "tags": ["red", "blue"]}, {"b": None}, [1, 2, 3], "text", 7,
             {"deep": {"c": [1, {"d": True}]}, "a": 1}, {"n": 1.5, "s": "seven"}, {}],
}

DELETES = ["cascade", "protect", "set_null", "do_nothing"]


def field(kind, null):
    return ("n_" if null else "f_") + kind


# model: [(name, kind, options)]; relations are (name, "fk" | "m2m" | "reverse" | "m2m_reverse", target, rest); of a
# many-to-many through a model its name and its two keys as well.
MODELS = {
    "Box": [("name", "char", False), ("things", "reverse", "Thing", "box")],
    "Tag": [("name", "char", False), ("things", "m2m_reverse", "Thing", "tags")],
    "Thing": [(field(kind, null), kind, null) for null in (False, True) for kind in KINDS]
    + [("box", "fk", "Box", "set_null"), ("tags", "m2m", "Tag", "things"),
       ("parts", "reverse", "Part", "thing"), ("crates", "m2m_reverse", "Crate", "things")],
    "Part": [("name", "char", False), ("size", "int", True), ("thing", "fk", "Thing", "cascade"),
             ("bolts", "reverse", "Bolt", "part")],
    "Bolt": [("name", "char", False), ("size", "int", False), ("part", "fk", "Part", "cascade")],
    "Crate": [("name", "char", False), ("things", "m2m", "Thing", "crates")],
    "Staff": [("name", "char", False), ("wage", "short", False), ("team", "char", True), ("since", "date", False),
              ("boss", "fk", "Staff", "set_null"), ("reports", "reverse", "Staff", "boss"),
              ("teams", "m2m_reverse", "Team", "members"), ("posts", "reverse", "Post", "staff"), ("leads", "reverse", "Post", "chief")],
    "Post": [("role", "char", False), ("weight", "int", True), ("team", "fk", "Team", "cascade"), ("staff", "fk", "Staff", "cascade"),
             ("chief", "fk", "Staff", "set_null")],
    "Team": [("name", "char", False), ("posts", "reverse", "Post", "team"), ("head", "fk", "Senior", "set_null"),
             ("members", "m2m", "Staff", "teams", "Post", "team", "staff")],
    "Root": [("name", "char", False)] + [(rule + "s", "reverse", "On" + rule.title().replace("_", ""), "root")
                                         for rule in DELETES] + [("grand", "reverse", "Grand", "root")],
    **{"On" + rule.title().replace("_", ""): [("name", "char", False), ("root", "fk", "Root", rule)]
       + ([("leaves", "reverse", "Leaf", "parent")] if rule == "cascade" else []) for rule in DELETES},
    "Leaf": [("name", "char", False), ("parent", "fk", "OnCascade", "cascade")],
    "Grand": [("name", "char", False), ("root", "fk", "Root", "cascade"), ("guards", "reverse", "Guard", "grand")],
    "Guard": [("name", "char", False), ("grand", "fk", "Grand", "protect")],
}

# proxy: (base, the rows of its manager in Django and in C, its order)
PROXIES = {"Senior": ("Staff", "boss__isnull=True", "CZ_Q(Senior, boss, ISNULL, true)", "-name")}


def base(model):
    return PROXIES[model][0] if model in PROXIES else model


def django():
    """The text of models.py."""
    out = ["from django.db import models", ""]
    for model, fields in MODELS.items():
        out += ["", "class %s(models.Model):" % model]
        for name, kind, *rest in fields:
            if kind == "fk":
                target, rule = rest
                related = next((f[0] for f in MODELS[base(target)] if f[1] == "reverse" and f[2:] == (model, name)), "+")
                out.append('    %s = models.ForeignKey("%s", models.%s, null=True, related_name="%s")'
                           % (name, target, rule.upper(), related))
            elif kind == "m2m":
                through = ', through="%s", through_fields=("%s", "%s")' % tuple(rest[2:]) if rest[2:] else ""
                out.append('    %s = models.ManyToManyField("%s", related_name="%s"%s)' % (name, *rest[:2], through))
            elif kind in KINDS:
                options = [KINDS[kind][3]] * bool(KINDS[kind][3]) + ["null=True"] * rest[0]
                out.append("    %s = models.%s(%s)" % (name, KINDS[kind][2], ", ".join(options)))
    for proxy, (of, where, _, order) in PROXIES.items():
        out += ["", "class %sManager(models.Manager):" % proxy, "    def get_queryset(self):",
                "        return super().get_queryset().filter(%s)" % where, "", "class %s(%s):" % (proxy, of),
                "    objects = %sManager()" % proxy, "    class Meta:", "        proxy = True", "        ordering = ['%s']" % order]
    return "\n".join(out) + "\n"


def c():
    """The text of models.h."""
    out = ["#include <calzone/calzone.h>"] + ["CZ_MODEL_FORWARD(%s)" % model for model in MODELS]
    out += ["CZ_PROXY_FORWARD(%s, %s)" % (proxy, of) for proxy, (of, *_) in PROXIES.items()]
    for model, fields in MODELS.items():
        lines = []
        for name, kind, *rest in fields:
            if kind == "fk":
                lines.append("F(foreign_key, %s, %s, .null = true, .on_delete = CZ_%s)" % (name, rest[0], rest[1].upper()))
            elif kind == "m2m":
                through = ", .through = CZ_THROUGH(%s), .through_fields = CZ_FIELDS(%s, %s, %s)" % (rest[2], *rest[2:]) if rest[2:] else ""
                lines.append("F(many_to_many, %s, %s%s)" % (name, rest[0], through))
            elif kind in ("reverse", "m2m_reverse"):
                lines.append("F(%s, %s, %s, %s)" % ("reverse" if kind == "reverse" else "many_to_many_reverse", name, *rest))
            else:
                options = [KINDS[kind][1]] * bool(KINDS[kind][1]) + [".null = true"] * rest[0]
                lines.append("F(%s)" % ", ".join([KINDS[kind][0], name] + options))
        out.append("#define %s_FIELDS(F) \\\n    %s" % (model.upper(), " \\\n    ".join(lines)))
        out.append("CZ_MODEL(%s, %s_FIELDS);" % (model, model.upper()))
    for proxy, (of, _, where, order) in PROXIES.items():
        out.append("CZ_PROXY(%s, %s, .manager = CZ_MANAGER(.where = %s), .ordering = CZ_ORDER_BY(CZ_DESC(%s, %s)));" % (
            proxy, of, where, proxy, order.lstrip("-")))
    return "\n".join(out) + "\n"


def rows():
    """The fixture, the same at every run."""
    chance = random.Random(20261121)
    out = []

    def add(model, pk, **fields):
        out.append({"model": "shop." + model.lower(), "pk": pk, "fields": fields})

    for i in range(1, 21):
        add("Box", i, name="box %d" % i)
    for i in range(1, 21):
        add("Tag", i, name="tag %d" % i)
    things = 44
    columns = {}
    for null in (False, True):
        for kind, pool in POOLS.items():
            values = ((pool + [None, None]) if null else pool) * things
            values = values[:things]
            chance.shuffle(values)
            columns[field(kind, null)] = values
    for i in range(things):
        # the last two boxes, the last tag and the last crate stay empty
        add("Thing", i + 1, **{name: values[i] for name, values in columns.items()},
            box=chance.choice([None] + list(range(1, 19))), tags=sorted(chance.sample(range(1, 20), chance.randrange(3))))
    for i in range(1, 71):
        add("Part", i, name="part %d" % (i % 17), size=chance.choice([None, 1, 2, 3, 5, 8]),
            thing=chance.choice([None] + list(range(1, things + 1))) if i > 4 else None)
    for i in range(1, 101):
        add("Bolt", i, name="bolt %d" % (i % 9), size=chance.randrange(10), part=chance.randrange(1, 71) if i > 4 else None)
    for i in range(1, 16):
        add("Crate", i, name="crate %d" % i, things=sorted(chance.sample(range(1, things + 1), 3)) if i < 15 else [])
    for i in range(1, 25):
        add("Staff", i, name="name %02d" % (i * 7 % 24), wage="%d.%02d" % (1000 + chance.randrange(12) * 250, chance.choice([0, 50])),
            team=chance.choice(["red", "green", "blue", None]), since="20%02d-%02d-%02d" % (i % 20 + 5, i % 12 + 1, i),
            boss=None if i < 4 else chance.randrange(1, i))
    for i in range(1, 13):
        add("Team", i, name="team %d" % i, head=[None, 1, 2, 9][i % 4])
    for i in range(1, 41):  # some twice, some of nobody or nowhere; the last team and the last staff stay empty
        add("Post", i, role=chance.choice(["hand", "cook", "captain"]), weight=chance.choice([None, 1, 2, 5]),
            team=chance.choice([None] + list(range(1, 12)) * 2), staff=chance.choice([None] + list(range(1, 24))),
            chief=chance.choice([None, 1, 2, 3]))
    for i in range(1, 9):
        add("Root", i, name="root %d" % i)
    for i in range(1, 4):
        add("OnCascade", i, name="c%d" % i, root=i)
        add("Leaf", i, name="l%d" % i, parent=i)
    add("Leaf", 4, name="l4", parent=None)
    for i in range(1, 3):
        add("OnSetNull", i, name="n%d" % i, root=i)
    add("OnProtect", 1, name="p", root=4)
    add("OnDoNothing", 1, name="d", root=5)
    add("Grand", 1, name="g", root=6)
    add("Guard", 1, name="w", grand=1)
    add("Grand", 2, name="free", root=7)
    return json.dumps(out)
