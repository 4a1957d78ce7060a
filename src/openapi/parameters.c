/* The parameters of an operation: those of its path, and those a viewset's list may be asked by. */
#include "openapi/openapi_internal.h"
#include <calzone/idempotency.h>

/* ---- paths ---- */

cz_str cz__path_template(cz_ctx *ctx, const char *pattern)
{
    size_t len = 0;
    char *out = cz_alloc(ctx, strlen(pattern) + 1);
    for (const char *at = pattern; *at; at++) {
        if (*at != '<') {
            out[len++] = *at;
            continue;
        }
        const char *end = strchr(at, '>'), *colon = strchr(at, ':');
        const char *name = colon && colon < end ? colon + 1 : at + 1;
        out[len++] = '{';
        memcpy(out + len, name, (size_t)(end - name));
        len += (size_t)(end - name);
        out[len++] = '}';
        at = end;
    }
    return cz_str_of(out, len);
}

static void begin(struct cz__document *doc, cz_str name, const char *in, bool required,
                  const char *description)
{
    cz_json_object(&doc->json);
    cz_json_key(&doc->json, CZ_STR("name"));
    cz_json_str(&doc->json, name);
    cz__doc_str(doc, "in", in);
    if (description)
        cz__doc_str(doc, "description", description);
    cz__doc_bool(doc, "required", required);
    cz__doc_object(doc, "schema");
}

static void end(struct cz__document *doc)
{
    cz_json_object_end(&doc->json);
    cz_json_object_end(&doc->json);
}

static void write_converter(struct cz__document *doc, cz_str converter)
{
    bool whole = cz_str_eq(converter, CZ_STR("int"));
    cz__doc_str(doc, "type", whole ? "integer" : "string");
    if (whole)
        cz__doc_str(doc, "format", "int64");
    else if (cz_str_eq(converter, CZ_STR("uuid")))
        cz__doc_str(doc, "format", "uuid");
}

static void write_path(struct cz__document *doc, const char *pattern)
{
    for (const char *at = strchr(pattern, '<'); at; at = strchr(at + 1, '<')) {
        cz_str rest = cz_str_of(at + 1, (size_t)(strchr(at, '>') - at - 1));
        size_t colon = cz_str_find_char(rest, ':');
        cz_str name = colon == SIZE_MAX ? rest : cz_str_tail(rest, colon + 1);
        begin(doc, name, "path", true, NULL);
        write_converter(doc, colon == SIZE_MAX ? CZ_STR("str") : cz_str_head(rest, colon));
        end(doc);
    }
}

/* ---- lists ---- */

static void write_number(struct cz__document *doc, const char *name, int64_t least, int64_t most,
                         const char *description)
{
    begin(doc, cz_str_from(name), "query", false, description);
    cz__doc_str(doc, "type", "integer");
    cz__doc_int(doc, "minimum", least);
    if (most)
        cz__doc_int(doc, "maximum", most);
    end(doc);
}

static void write_text(struct cz__document *doc, const char *name, const char *description)
{
    begin(doc, cz_str_from(name), "query", false, description);
    cz__doc_str(doc, "type", "string");
    end(doc);
}

static void write_header(struct cz__document *doc, const char *name, bool required,
                         const char *description)
{
    begin(doc, cz_str_from(name), "header", required, description);
    cz__doc_str(doc, "type", "string");
    end(doc);
}

static void write_pagination(struct cz__document *doc, const cz_viewset *view)
{
    int64_t most = view->page_size_max ? (int64_t)view->page_size_max : CZ_PAGE_SIZE_LIMIT;
    switch (view->pagination) {
    case CZ_PAGE_NUMBER:
        write_text(doc, "page", "The number of the page, from 1, or `last`.");
        break;
    case CZ_LIMIT_OFFSET:
        write_number(doc, "limit", 1, most, "Rows on the page.");
        write_number(doc, "offset", 0, 0, "Rows before the page.");
        break;
    case CZ_CURSOR:
        write_text(doc, "cursor", "The place of the page, from a link of another.");
        break;
    case CZ_NO_PAGES:
        write_number(doc, "offset", 0, 0, "Rows before the list.");
        break;
    }
    if (view->page_size_query && view->pagination != CZ_LIMIT_OFFSET &&
        view->pagination != CZ_NO_PAGES)
        write_number(doc, view->page_size_query, 1, most, "Rows on the page.");
}

/* A value of the field a path leads to; of several and of ranges, text with commas. */
static void write_filter_type(struct cz__document *doc, const cz_model *model,
                              const cz_filter *filter, cz_lookup lookup)
{
    const cz__column *column = NULL;
    cz_error err;
    if (lookup == CZ_LOOKUP_ISNULL) {
        cz__doc_str(doc, "type", "boolean");
        return;
    }
    bool one = !filter->condition && lookup != CZ_LOOKUP_IN && lookup != CZ_LOOKUP_RANGE &&
               cz__path_resolve(model, filter->path, &column, &err) == CZ_OK;
    if (!one) {
        cz__doc_str(doc, "type", "string");
        return;
    }
    if (column->many || column->relation)
        column = column->field->target->state->key;
    bool exact = lookup == CZ_LOOKUP_EXACT;
    cz__db_kind kind = CZ__DB_KIND(column->type);
    if (kind == CZ__DB_TEXT && !exact)
        cz__doc_str(doc, "type", "string");
    else if (kind == CZ__DB_INT_LIST || kind == CZ__DB_TEXT_LIST || kind == CZ__DB_BINARY ||
             kind == CZ__DB_JSON ||
             (kind == CZ__DB_TEXT && !column->field->options.choices.count &&
              !(column->type & CZ__DB_CHOSEN)))
        cz__doc_str(doc, "type", "string"); /* as text, without the bounds of what is stored */
    else
        cz__schema_column(doc, column, false, kind == CZ__DB_TEXT);
}

static void write_filters(struct cz__document *doc, const cz_viewset *view)
{
    cz_buf *name = cz_scratch(doc->ctx);
    for (size_t i = 0; i < view->filters.count; i++) {
        const cz_filter *filter = &view->filters.items[i];
        size_t count = filter->lookups.count ? filter->lookups.count : 1;
        for (size_t n = 0; n < count; n++) {
            cz_buf_clear(name);
            cz__filter_name(filter, n, name);
            cz_check(doc->ctx, cz_buf_status(name));
            begin(doc, cz_buf_str(name), "query", false, NULL);
            write_filter_type(doc, view->model, filter,
                              filter->lookups.count ? filter->lookups.items[n] : CZ_LOOKUP_EXACT);
            end(doc);
        }
    }
}

/* "author__name" of "author->name". */
static cz_str named(cz_ctx *ctx, cz_str path)
{
    cz_str name = CZ_STR("");
    for (;;) {
        size_t arrow = cz_str_find(path, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? path : cz_str_head(path, arrow));
        name =
            cz_format(ctx, "%.*s%s%.*s", CZ_STR_ARG(name), name.len ? "__" : "", CZ_STR_ARG(part));
        if (arrow == SIZE_MAX)
            return name;
        path = cz_str_tail(path, arrow + 2);
    }
}

static void write_ordering(struct cz__document *doc, const cz_viewset *view)
{
    cz_str names = CZ_STR("");
    for (size_t i = 0; i < view->orderings.count; i++) {
        cz_str name = named(doc->ctx, view->orderings.items[i]);
        names =
            cz_format(doc->ctx, "%.*s%s`%.*s`", CZ_STR_ARG(names), i ? ", " : "", CZ_STR_ARG(name));
    }
    write_text(doc, "ordering",
               cz_format(doc->ctx,
                         "Names to order by, with commas, `-` before one for descending: %.*s.",
                         CZ_STR_ARG(names))
                   .ptr);
}

static void write_format(struct cz__document *doc, const cz_renderers *renderers)
{
    begin(doc, CZ_STR("format"), "query", false, "The format of the answer, instead of Accept.");
    cz__doc_str(doc, "type", "string");
    cz__doc_list(doc, "enum");
    for (size_t i = 0; i < renderers->count; i++)
        cz_json_str(&doc->json, cz_str_from(renderers->items[i]->format));
    cz_json_list_end(&doc->json);
    end(doc);
}

static bool expands(const cz_serializer *serializer)
{
    bool any = false;
    for (size_t i = 0; i < serializer->members.count && !any; i++)
        any = serializer->members.items[i].expand != NULL;
    return any;
}

static void write_choice_of_members(struct cz__document *doc, const cz_viewset *view)
{
    write_text(doc, "fields", "The members to show, with commas; `author.name` a part of one.");
    if (expands(view->serializer))
        write_text(doc, "expand", "The members to show rows of instead of keys, with commas.");
}

static void write_if_match(struct cz__document *doc, const struct cz__operation *op, bool changes)
{
    write_header(doc, "If-Match", changes && op->view->require_match,
                 "An ETag: 412 when it is not as it was then.");
}

/* What an answer or a change may be made to depend on (RFC 9110, 13). */
static void write_conditions(struct cz__document *doc, const struct cz__operation *op)
{
    cz_action action = (cz_action)op->route->action;
    bool reads = action == CZ_ACTION_list || action == CZ_ACTION_retrieve;
    if (reads && op->view->etags)
        write_header(doc, "If-None-Match", false, "An ETag: 304 when it is as it was then.");
    bool changes = !reads && action != CZ_ACTION_create && !cz__operation_is_bulk(op);
    if (changes || (reads && op->view->etags))
        write_if_match(doc, op, changes);
}

static void write_idempotency(struct cz__document *doc, const struct cz__operation *op)
{
    bool required = cz__operation_has(op, &cz_idempotency_required);
    if (!cz__operation_is_once(op))
        return;
    begin(doc, CZ_STR("Idempotency-Key"), "header", required,
          "A key of your choice, for this request alone: sent again with it, the request is "
          "answered as the first time and "
          "not done again.");
    cz__doc_str(doc, "type", "string");
    cz__doc_int(doc, "minLength", 1);
    cz__doc_int(doc, "maxLength", CZ_IDEMPOTENCY_KEY_MAX);
    end(doc);
}

static void write_said(struct cz__document *doc, const cz_parameter_doc *said)
{
    const char *type = cz__computed_type(said->type);
    begin(doc, cz_str_from(said->name), "query", said->required, said->description);
    cz__doc_str(doc, "type", type ? type : "string");
    if (said->one_of) {
        cz__doc_list(doc, "enum");
        for (const char *const *one = said->one_of; *one; one++)
            cz_json_str(&doc->json, cz_str_from(*one));
        cz_json_list_end(&doc->json);
    }
    end(doc);
}

void cz__parameters_write(struct cz__document *doc, const struct cz__operation *op)
{
    const cz_viewset *view = op->stock ? op->view : NULL;
    int action = op->route->action;
    cz__doc_list(doc, "parameters");
    write_path(doc, op->route->pattern);
    if (view && action == CZ_ACTION_list) {
        write_pagination(doc, view);
        if (view->search.count)
            write_text(doc, "search", "Words that must be in the rows.");
        if (view->orderings.count)
            write_ordering(doc, view);
        write_filters(doc, view);
    }
    bool deletes = action == CZ_ACTION_destroy || action == CZ_ACTION_bulk_destroy;
    if (view && view->sparse && !deletes)
        write_choice_of_members(doc, view);
    if (view && action == CZ_ACTION_bulk_destroy) {
        begin(doc, CZ_STR("id"), "query", true, "The keys of the rows, with commas.");
        cz__doc_str(doc, "type", "string");
        end(doc);
    }
    for (size_t i = 0; op->doc && i < op->doc->parameters.count; i++)
        write_said(doc, &op->doc->parameters.items[i]);
    if (op->view && op->view->renderers && op->view->renderers->count > 1)
        write_format(doc, op->view->renderers);
    if (view)
        write_conditions(doc, op);
    else if (cz__operation_changes_one(op))
        write_if_match(doc, op, true);
    write_idempotency(doc, op);
    cz_json_list_end(&doc->json);
}
