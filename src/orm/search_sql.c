/* Full text as SQL: what asks a model's index of it. Each database writes its own; here is what it is about. */
#include "orm/compiler.h"

/* The model whose key a path ends in. Where the path is wrong, locating it has raised. */
static const cz_model *model_of_key(const cz_model *model, cz_str path)
{
    for (cz_str rest = path;;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        if (arrow == SIZE_MAX)
            return model;
        model = cz__column_find(model, cz_str_trim(cz_str_head(rest, arrow)))->field->target;
        rest = cz_str_tail(rest, arrow + 2);
    }
}

static cz_buf *append_query(struct cz__compiler *c, const enum cz__pattern patterns[2],
                            const char *language, const struct cz__arg *asked)
{
    const uint8_t value_kind = asked->value_kind;
    const void *value = asked->value;
    cz_buf *query = cz__scratch(c->ctx);
    if (cz__expr_of(value_kind, value))
        cz_raise(c->ctx, CZ_EINVAL, "a search takes a text, and no expression");
    bool english = strcmp(language, "english") == 0;
    cz__append_slot(c, query,
                    (struct cz__slot){ .kind = CZ__SLOT_VALUE,
                                       .ref = cz__take_ref(c),
                                       .type = CZ__DB_TEXT,
                                       .pattern = patterns[english],
                                       .name = "a search" });
    return query;
}

/* What is asked of the model's index; `own`: the rows are the scope's. */
static cz__db_search describe(struct cz__compiler *c, const cz_model *model, bool own, cz_str key,
                              const enum cz__pattern patterns[2], const struct cz__arg *asked)
{
    cz__db_index *index = cz_new(c->ctx, cz__db_index);
    cz_buf *row = cz__scratch(c->ctx);
    if (!cz__search_index(c->ctx, model, index))
        cz_raise(c->ctx, CZ_EINVAL, "%s has no index with .search", model->name);
    if (own)
        cz__append_alias(row, c->scope->base);
    const cz__column *key_column = model->state->key;
    cz_buf *query = append_query(c, patterns, index->search, asked);
    return (cz__db_search){ .index = index,
                            .table = model->state->table,
                            .key = key_column->name,
                            .number_key = CZ__DB_KIND(key_column->type) == CZ__DB_INT64,
                            .row = cz_buf_str(row),
                            .row_key = key,
                            .query = cz_buf_str(query) };
}

void cz__compile_search(struct cz__compiler *c, cz_buf *sql, cz_cond leaf, cz_str key)
{
    bool own = cz_str_find(leaf->path, CZ_STR("->")) == SIZE_MAX;
    const struct cz__arg asked = { leaf->value_kind, leaf->value };
    cz__db_search search = describe(c, model_of_key(c->scope->model, leaf->path), own, key,
                                    c->features->search_patterns, &asked);
    c->features->search_match(sql, &search);
}

static void compile_rank(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    cz_buf *key = cz__scratch(c->ctx);
    cz__append_column(key, c->scope->base, expr->model->state->key->name);
    cz__db_search search = describe(c, expr->model, true, cz_buf_str(key),
                                    c->features->rank_patterns, &expr->args.items[0]);
    c->features->search_rank(sql, &search);
}

/* In the language of the index of the model the text is of, and of its words as they are where it has none. */
static void compile_headline(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    cz_buf *text = cz__scratch(c->ctx);
    struct cz__place at = cz__locate(c, c->scope, expr->path);
    cz__append_column(text, at.alias, at.name);
    cz__db_index index;
    bool indexed = cz__search_index(c->ctx, model_of_key(c->scope->model, expr->path), &index);
    const char *language = indexed ? index.search : "simple";
    cz_buf *query = append_query(c, c->features->headline_patterns, language, &expr->args.items[0]);
    c->features->search_headline(sql, language, cz_buf_str(text), cz_buf_str(query));
}

void cz__compile_search_call(struct cz__compiler *c, cz_buf *sql, const struct cz__expr *expr)
{
    cz__check_about(c, c->scope, expr);
    if (expr->function == CZ__FN_SEARCH_RANK)
        compile_rank(c, sql, expr);
    else
        compile_headline(c, sql, expr);
}
