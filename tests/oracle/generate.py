"""Writes both sides of the oracle test from the models and the questions."""
import json
import os

import language
import models
import questions

PARTS = 4
STATE_KINDS = {"char": "text", "text": "text", "slug": "text", "email": "text", "url": "text", "ip": "text", "small": "int",
               "int": "int", "big": "int", "float": "real", "short": "dec", "long": "dec", "duration": "span"}


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


LINKS = """static inline void state_Links(cz_ctx *ctx)
{
    cz_rows(R_int_int) rows = cz_values(ctx, R_int_int, Thing, .where = CZ_Q(Thing, tags, ISNULL, false),
        .values = CZ_AS(R_int_int, (c0, CZ_F(Thing, id)), (c1, CZ_F(Thing, tags->id))),
        .order_by = CZ_ORDER_BY(CZ_ASC(Thing, id), CZ_ASC(Thing, tags->id)));
    for (size_t i = 0; i < rows.count; i++) {
        cz_json_list(&out);
        put_text(CZ_STR("Links"));
        put_int(rows.items[i].c0);
        put_int(rows.items[i].c1);
        cz_json_list_end(&out);
    }
}
#define STATE_Links state_Links(ctx);
"""


def state_columns(model):
    """(name, kind of column) of a model's rows, the key first; "Links" are those of things and tags."""
    if model == "Links":
        return [("thing", "int"), ("tag", "int")]
    out = [("id", "int")]
    for name, kind, *_ in models.MODELS[model]:
        if kind == "fk":
            out.append((name + "_id", "int"))
        elif kind in models.KINDS:
            out.append((name, STATE_KINDS.get(kind, kind)))
    return out


def put(kind):
    return "flag" if kind == "bool" else kind  # "bool" is a macro


def states_h():
    out = []
    for model in models.MODELS:
        puts = ["PUT(row, %s, %s);" % (put(kind), name) for name, kind in state_columns(model)]
        out.append('static inline void state_%s(cz_ctx *ctx)\n{\n    cz_rows(%s) rows = cz_select(ctx, %s, .order_by = CZ_ORDER_BY('
                   'CZ_ASC(%s, id)));\n    for (size_t i = 0; i < rows.count; i++) {\n        %s *row = &rows.items[i];\n'
                   '        cz_json_list(&out);\n        put_text(CZ_STR("%s"));\n        %s\n        cz_json_list_end(&out);\n    }\n}\n'
                   "#define STATE_%s state_%s(ctx);" % (model, model, model, model, model, model, "\n        ".join(puts), model, model))
    return out


def records_h(asked):
    out = []
    for kinds in sorted({tuple(q.kinds) for q in asked if q.kinds}):
        name = language.record(kinds)
        fields = " ".join("F(%s, c%d, %s.null = true)" % (language.COLUMNS[k], i, ".digits = 38, .places = 10, " if k == "dec" else "")
                          for i, k in enumerate(kinds))
        puts = " ".join("PUT(row, %s, c%d);" % (put(k), i) for i, k in enumerate(kinds))
        out.append("#define %s_FIELDS(F) %s\nCZ_RECORD(%s, %s_FIELDS);\nstatic inline void put_%s(const %s *row)\n{\n"
                   "    cz_json_list(&out);\n    %s\n    cz_json_list_end(&out);\n}" % (name, fields, name, name, name, name, puts))
    return out


def generate(folder):
    """Write all into the folder; returns the questions and the C sources."""
    asked = questions.questions()
    os.makedirs(os.path.join(folder, "shop"))
    write(os.path.join(folder, "shop", "__init__.py"), "")
    write(os.path.join(folder, "shop", "models.py"), models.django())
    write(os.path.join(folder, "questions.json"), json.dumps([{"name": q.name, "django": q.django} for q in asked]))
    write(os.path.join(folder, "rows.json"), models.rows())
    write(os.path.join(folder, "models.h"), models.c())
    write(os.path.join(folder, "asked.h"), "\n".join(['#include "oracle.h"'] + records_h(asked) + states_h() + [LINKS]) + "\n")
    sources = []
    for part in range(PARTS):
        functions, table = [], []
        for i, q in enumerate(asked):
            if i % PARTS != part:
                continue
            body = q.c
            if q.planted:
                body = "if (getenv(\"ORACLE_PLANTED\")) { %s; } else { %s; }" % (q.planted, body)
            inner = "q%d" % i
            if q.kinds is None:  # changes are taken back
                functions.append("static void q%d_in(cz_ctx *ctx, void *unused)\n{\n    (void)unused;\n    %s;\n}" % (i, body))
                body = "cz_atomic(ctx, q%d_in, NULL)" % i
            functions.append("static void %s(cz_ctx *ctx, void *unused)\n{\n    (void)unused;\n    %s;\n}" % (inner, body))
            table.append("    { %s, %s }," % (language.c_text(q.name), inner))
        path = os.path.join(folder, "questions_%d.c" % part)
        write(path, '#include "asked.h"\n\n%s\n\nconst struct question questions_%d[] = {\n%s\n    { NULL, NULL }\n};\n' % (
            "\n".join(functions), part, "\n".join(table)))
        sources.append(path)
    return asked, sources
