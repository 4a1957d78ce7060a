/* Two documents: their paths, and what each operation takes, answers and asks for. */
#include "openapi/diff.h"
#include "openapi/schema_check.h"

enum { REFERENCES_MAX = 32 }; /* that lead to each other */

void cz__diff_add(struct cz__diff *diff, bool breaking, cz_str where, cz_str what)
{
    if (diff->count == diff->cap) {
        size_t cap = diff->cap * 2 + 16;
        struct cz__change *grown =
            cz__arena_grown(diff->ctx->arena, diff->changes, diff->count, cap, sizeof *grown);
        if (!grown)
            cz_raise(diff->ctx, CZ_ENOMEM, "no memory for the changes");
        diff->changes = grown;
        diff->cap = cap;
    }
    diff->changes[diff->count++] = (struct cz__change){ breaking, where, what };
    diff->breaking += breaking;
}

const cz_json_value *cz__diff_resolve(struct cz__diff *diff, const cz_json_value *document,
                                      const cz_json_value *value)
{
    for (int i = 0; value && i < REFERENCES_MAX; i++) {
        const cz_json_value *reference = cz_json_get(value, CZ_STR("$ref"));
        if (!reference || reference->kind != CZ_JSON_STR)
            return value;
        value = cz__json_pointer(diff->ctx, document, reference->as.text);
    }
    return NULL;
}

cz_str cz__diff_string(const cz_json_value *value)
{
    return value && value->kind == CZ_JSON_STR ? value->as.text : CZ_STR("");
}

bool cz__diff_is_true(const cz_json_value *value)
{
    return value && value->kind == CZ_JSON_BOOL && value->as.boolean;
}

uint32_t cz__diff_count(const cz_json_value *value, cz_json_kind kind)
{
    return value && value->kind == kind ? value->count : 0;
}

/* ---- bodies ---- */

static void compare_content(struct cz__diff *diff, enum cz__sent sent, cz_str where,
                            const cz_json_value *old, const cz_json_value *new_)
{
    cz_ctx *ctx = diff->ctx;
    for (uint32_t i = 0; i < cz__diff_count(old, CZ_JSON_OBJECT); i++) {
        const cz_json_value *other = cz_json_get(new_, old->keys[i]);
        if (other)
            cz__diff_schemas(diff, sent, where, cz_json_get(&old->as.items[i], CZ_STR("schema")),
                             cz_json_get(other, CZ_STR("schema")));
        else
            cz__diff_add(diff, true, where,
                         cz_format(ctx, "is no longer %.*s", CZ_STR_ARG(old->keys[i])));
    }
    for (uint32_t i = 0; i < cz__diff_count(new_, CZ_JSON_OBJECT); i++)
        if (!cz_json_get(old, new_->keys[i]))
            cz__diff_add(diff, false, where,
                         cz_format(ctx, "may be %.*s", CZ_STR_ARG(new_->keys[i])));
}

static void compare_request(const struct cz__diff_pair *pair)
{
    struct cz__diff *diff = pair->diff;
    const cz_json_value *old =
        cz__diff_resolve(diff, diff->old, cz_json_get(pair->old, CZ_STR("requestBody")));
    const cz_json_value *new_ =
        cz__diff_resolve(diff, diff->new_, cz_json_get(pair->new_, CZ_STR("requestBody")));
    cz_str where = cz_format(diff->ctx, "%.*s, body", CZ_STR_ARG(pair->where));
    bool is_required = cz__diff_is_true(cz_json_get(new_, CZ_STR("required")));
    bool was_required = cz__diff_is_true(cz_json_get(old, CZ_STR("required")));
    if (old && !new_) {
        cz__diff_add(diff, true, where, CZ_STR("is gone"));
    } else if (new_ && !old) {
        cz__diff_add(diff, is_required, where,
                     is_required ? CZ_STR("is new and required") : CZ_STR("is new"));
    } else if (old) {
        if (is_required != was_required)
            cz__diff_add(diff, is_required, where,
                         is_required ? CZ_STR("is required now") : CZ_STR("is no longer required"));
        compare_content(diff, CZ__SENT_BY_CLIENTS, where, cz_json_get(old, CZ_STR("content")),
                        cz_json_get(new_, CZ_STR("content")));
    }
}

static void compare_headers(struct cz__diff *diff, cz_str where, const cz_json_value *old,
                            const cz_json_value *new_)
{
    for (uint32_t i = 0; i < cz__diff_count(old, CZ_JSON_OBJECT); i++) {
        cz_str header =
            cz_format(diff->ctx, "%.*s, header %.*s", CZ_STR_ARG(where), CZ_STR_ARG(old->keys[i]));
        const cz_json_value *other =
            cz__diff_resolve(diff, diff->new_, cz_json_get(new_, old->keys[i]));
        const cz_json_value *one = cz__diff_resolve(diff, diff->old, &old->as.items[i]);
        if (other)
            cz__diff_schemas(diff, CZ__SENT_BY_THE_SERVER, header,
                             cz_json_get(one, CZ_STR("schema")),
                             cz_json_get(other, CZ_STR("schema")));
        else
            cz__diff_add(diff, true, header, CZ_STR("is gone"));
    }
    for (uint32_t i = 0; i < cz__diff_count(new_, CZ_JSON_OBJECT); i++)
        if (!cz_json_get(old, new_->keys[i]))
            cz__diff_add(diff, false, where,
                         cz_format(diff->ctx, "has the header %.*s", CZ_STR_ARG(new_->keys[i])));
}

/* Whether the new document still tells of a status that it does not name: by "4XX", or of an error by "default". */
static bool is_still_told(const cz_json_value *responses, cz_str status)
{
    char range[] = "?XX";
    bool error = status.len == 3 && (status.ptr[0] == '4' || status.ptr[0] == '5');
    range[0] = status.len ? status.ptr[0] : '?';
    return cz_json_get(responses, cz_str_from(range)) ||
           (error && cz_json_get(responses, CZ_STR("default")));
}

static void compare_response(const struct cz__diff_pair *pair, cz_str status,
                             const cz_json_value *old, const cz_json_value *new_)
{
    struct cz__diff *diff = pair->diff;
    const cz_json_value *one = cz__diff_resolve(diff, diff->old, old);
    const cz_json_value *other = cz__diff_resolve(diff, diff->new_, new_);
    cz_str where =
        cz_format(diff->ctx, "%.*s, answer %.*s", CZ_STR_ARG(pair->where), CZ_STR_ARG(status));
    compare_headers(diff, where, cz_json_get(one, CZ_STR("headers")),
                    cz_json_get(other, CZ_STR("headers")));
    compare_content(diff, CZ__SENT_BY_THE_SERVER, where, cz_json_get(one, CZ_STR("content")),
                    cz_json_get(other, CZ_STR("content")));
}

static void compare_responses(const struct cz__diff_pair *pair)
{
    struct cz__diff *diff = pair->diff;
    const cz_json_value *old = cz_json_get(pair->old, CZ_STR("responses"));
    const cz_json_value *new_ = cz_json_get(pair->new_, CZ_STR("responses"));
    for (uint32_t i = 0; i < cz__diff_count(old, CZ_JSON_OBJECT); i++) {
        const cz_json_value *other = cz_json_get(new_, old->keys[i]);
        if (other)
            compare_response(pair, old->keys[i], &old->as.items[i], other);
        else
            cz__diff_add(diff, !is_still_told(new_, old->keys[i]), pair->where,
                         cz_format(diff->ctx, "no longer answers %.*s", CZ_STR_ARG(old->keys[i])));
    }
    for (uint32_t i = 0; i < cz__diff_count(new_, CZ_JSON_OBJECT); i++)
        if (!cz_json_get(old, new_->keys[i]))
            cz__diff_add(diff, false, pair->where,
                         cz_format(diff->ctx, "may answer %.*s", CZ_STR_ARG(new_->keys[i])));
}

/* ---- operations ---- */

static void compare_operation(const struct cz__diff_pair *pair)
{
    struct cz__diff *diff = pair->diff;
    cz_str old_id = cz__diff_string(cz_json_get(pair->old, CZ_STR("operationId")));
    cz_str new_id = cz__diff_string(cz_json_get(pair->new_, CZ_STR("operationId")));
    if (!cz_str_eq(old_id, new_id))
        cz__diff_add(diff, false, pair->where,
                     cz_format(diff->ctx, "has another operationId, %.*s", CZ_STR_ARG(new_id)));
    if (cz__diff_is_true(cz_json_get(pair->new_, CZ_STR("deprecated"))) &&
        !cz__diff_is_true(cz_json_get(pair->old, CZ_STR("deprecated"))))
        cz__diff_add(diff, false, pair->where, CZ_STR("is deprecated"));
    cz__diff_parameters(pair);
    compare_request(pair);
    compare_responses(pair);
    cz__diff_security(diff, pair->where, pair->old, pair->new_);
}

/* ---- paths ---- */

/* Whether two templates are one when their parameters have no names. */
static bool same_path(cz_str a, cz_str b)
{
    for (;;) {
        size_t open = cz_str_find_char(a, '{'), other = cz_str_find_char(b, '{');
        if (open != other || !cz_str_eq(cz_str_head(a, open), cz_str_head(b, other)))
            return false;
        if (open == SIZE_MAX)
            return true;
        a = cz_str_tail(a, open);
        b = cz_str_tail(b, other);
        cz_ignore(cz_str_cut(&a, '}').len + cz_str_cut(&b, '}').len);
    }
}

static const cz_json_value *find_path(const cz_json_value *paths, cz_str template, cz_str *out)
{
    for (uint32_t i = 0; i < cz__diff_count(paths, CZ_JSON_OBJECT); i++)
        if (same_path(paths->keys[i], template)) {
            *out = paths->keys[i];
            return &paths->as.items[i];
        }
    return NULL;
}

static const char *const methods[] = { "get",     "put",  "post",  "delete",
                                       "options", "head", "patch", "trace" };

static cz_str operation_name(cz_ctx *ctx, const char *method, cz_str path)
{
    char name[16];
    size_t len = 0;
    for (; method[len] && len < sizeof name; len++)
        name[len] = (char)(method[len] - 'a' + 'A');
    return cz_format(ctx, "%.*s %.*s", (int)len, name, CZ_STR_ARG(path));
}

static void compare_path(struct cz__diff *diff, cz_str template, const cz_json_value *old,
                         cz_str new_template, const cz_json_value *new_)
{
    for (size_t i = 0; i < CZ_COUNT(methods); i++) {
        struct cz__diff_pair pair = { .diff = diff,
                                      .where = operation_name(diff->ctx, methods[i], template),
                                      .old = cz_json_get(old, cz_str_from(methods[i])),
                                      .new_ = cz_json_get(new_, cz_str_from(methods[i])),
                                      .old_path = old,
                                      .new_path = new_,
                                      .old_template = template,
                                      .new_template = new_template };
        if (pair.old && pair.new_)
            compare_operation(&pair);
        else if (pair.old)
            cz__diff_add(diff, true, pair.where, CZ_STR("is gone"));
        else if (pair.new_)
            cz__diff_add(diff, false, pair.where, CZ_STR("is new"));
    }
}

static void compare_paths(struct cz__diff *diff)
{
    const cz_json_value *old = cz_json_get(diff->old, CZ_STR("paths"));
    const cz_json_value *new_ = cz_json_get(diff->new_, CZ_STR("paths"));
    for (uint32_t i = 0; i < cz__diff_count(old, CZ_JSON_OBJECT); i++) {
        cz_str template = CZ_STR("");
        const cz_json_value *other = find_path(new_, old->keys[i], &template);
        compare_path(diff, old->keys[i], cz__diff_resolve(diff, diff->old, &old->as.items[i]),
                     template, cz__diff_resolve(diff, diff->new_, other));
    }
    for (uint32_t i = 0; i < cz__diff_count(new_, CZ_JSON_OBJECT); i++) {
        cz_str template;
        if (!find_path(old, new_->keys[i], &template))
            compare_path(diff, new_->keys[i], NULL, new_->keys[i],
                         cz__diff_resolve(diff, diff->new_, &new_->as.items[i]));
    }
}

/* ---- the whole ---- */

static cz_status check_document(const cz_json_value *document, const char *which, cz_error *err)
{
    const cz_json_value *version = cz_json_get(document, CZ_STR("openapi"));
    const cz_json_value *paths = cz_json_get(document, CZ_STR("paths"));
    if (!cz_str_starts_with(cz__diff_string(version), CZ_STR("3.")))
        return cz_error_set(err, CZ_EVALIDATION, "the %s document is none of OpenAPI 3", which);
    if (paths && paths->kind != CZ_JSON_OBJECT)
        return cz_error_set(err, CZ_EVALIDATION, "the %s document's paths are no object", which);
    return CZ_OK;
}

cz_status cz__openapi_diff(cz_ctx *ctx, const cz_json_value *old, const cz_json_value *new_,
                           struct cz__diff *out, cz_error *err)
{
    cz_status status = check_document(old, "old", err);
    if (!status)
        status = check_document(new_, "new", err);
    if (status)
        return status;
    *out = (struct cz__diff){ .ctx = ctx, .old = old, .new_ = new_ };
    cz_map_init(&out->compared, ctx->arena);
    compare_paths(out);
    cz__diff_security_schemes(out);
    return CZ_OK;
}
