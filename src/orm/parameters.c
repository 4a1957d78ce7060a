/* The parameters of a plan, in the order of its SQL. */
#include "db/search.h"
#include "orm/orm_internal.h"
#include <calzone/errors.h>
#include <calzone/json.h>

/* ---- patterns ---- */

/* Text for LIKE with its own wildcards taken literally, by a backslash. */
static cz_str like_pattern(cz_ctx *ctx, cz_str text, bool any_before, bool any_after)
{
    char *out = cz_alloc(ctx, text.len * 2 + 2);
    size_t len = 0;
    if (any_before)
        out[len++] = '%';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '\\')
            out[len++] = '\\';
        out[len++] = text.ptr[i];
    }
    if (any_after)
        out[len++] = '%';
    return cz_str_of(out, len);
}

/* The same for GLOB, whose wildcards are taken literally inside brackets. */
static cz_str glob_pattern(cz_ctx *ctx, cz_str text, bool any_before, bool any_after)
{
    char *out = cz_alloc(ctx, text.len * 3 + 2);
    size_t len = 0;
    if (any_before)
        out[len++] = '*';
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '*' || c == '?' || c == '[') {
            out[len++] = '[';
            out[len++] = c;
            out[len++] = ']';
        } else {
            out[len++] = c;
        }
    }
    if (any_after)
        out[len++] = '*';
    return cz_str_of(out, len);
}

static cz_str search_query(cz_ctx *ctx, cz_str text)
{
    if (text.len > CZ__SEARCH_BYTES_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "A search has at most %d bytes.", CZ__SEARCH_BYTES_MAX);
    if (cz_str_find_char(text, '\0') != SIZE_MAX)
        cz_raise(ctx, CZ_EVALIDATION, "Null characters are not allowed.");
    return text;
}

/* As the index's own syntax has it. */
static cz_str index_query(cz_ctx *ctx, enum cz__pattern pattern, cz_str text)
{
    struct cz__search_query *query = cz_new(ctx, struct cz__search_query);
    cz_buf *out = cz__scratch(ctx);
    bool english = pattern == CZ__PATTERN_FTS5_ENGLISH || pattern == CZ__PATTERN_TSQUERY_ENGLISH ||
                   pattern == CZ__PATTERN_TSQUERY_RANK_ENGLISH;
    cz__search_read(query, text);
    if (pattern >= CZ__PATTERN_TSQUERY_RANK)
        cz__search_leave_negated(query);
    if (pattern <= CZ__PATTERN_FTS5_ENGLISH)
        cz__search_write_fts5(query, english, out);
    else
        cz__search_write_tsquery(query, english, out);
    cz_check(ctx, cz_buf_status(out));
    return cz_buf_str(out);
}

static cz_str pattern_of(cz_ctx *ctx, enum cz__pattern pattern, cz_str text)
{
    switch (pattern) {
    case CZ__PATTERN_NONE:
        return text;
    case CZ__PATTERN_LIKE_EXACT:
        return like_pattern(ctx, text, false, false);
    case CZ__PATTERN_LIKE_CONTAINS:
        return like_pattern(ctx, text, true, true);
    case CZ__PATTERN_LIKE_PREFIX:
        return like_pattern(ctx, text, false, true);
    case CZ__PATTERN_LIKE_SUFFIX:
        return like_pattern(ctx, text, true, false);
    case CZ__PATTERN_GLOB_PREFIX:
        return glob_pattern(ctx, text, false, true);
    case CZ__PATTERN_GLOB_SUFFIX:
        return glob_pattern(ctx, text, true, false);
    case CZ__PATTERN_SEARCH:
        return search_query(ctx, text);
    case CZ__PATTERN_FTS5:
    case CZ__PATTERN_FTS5_ENGLISH:
    case CZ__PATTERN_TSQUERY:
    case CZ__PATTERN_TSQUERY_ENGLISH:
    case CZ__PATTERN_TSQUERY_RANK:
    case CZ__PATTERN_TSQUERY_RANK_ENGLISH:
        return index_query(ctx, pattern, search_query(ctx, text));
    }
    return text;
}

/* ---- what is stored ---- */

static CZ_NORETURN void refuse_null(cz_ctx *ctx, const char *name)
{
    cz_raise_field(ctx, cz_str_from(name), "null_characters_not_allowed",
                   "Null characters are not allowed.");
}

static void check_text(cz_ctx *ctx, const char *name, cz_str text)
{
    if (cz_str_find_char(text, '\0') != SIZE_MAX)
        refuse_null(ctx, name);
    if (!cz_str_is_utf8(text))
        cz_raise_field(ctx, cz_str_from(name), "invalid", "Not a valid string: it is not UTF-8.");
}

/* An address, or one with the length of its network's prefix, which PostgreSQL keeps as well. */
static bool is_address(cz_str text)
{
    char canonical[CZ__IP_TEXT];
    int64_t bits = 0;
    cz_str prefix = text, address = cz_str_cut(&prefix, '/');
    bool has_prefix = address.len < text.len, v6 = cz_str_find_char(address, ':') != SIZE_MAX;
    return cz__ip_write(canonical, address) &&
           (!has_prefix ||
            (cz_str_to_i64(prefix, &bits) == CZ_OK && bits >= 0 && bits <= (v6 ? 128 : 32)));
}

/* Columns of SQLite would take anything, and rows read it back cut off or not at all. */
void cz__check_stored(cz_ctx *ctx, cz__db_type type, const char *name, const cz__db_param *param)
{
    cz__db_kind kind = CZ__DB_KIND(type);
    if (param->kind == CZ__PARAM_TEXT)
        check_text(ctx, name, param->text);
    if (param->kind == CZ__PARAM_TEXT && kind == CZ__DB_JSON &&
        cz__json_has_null_character(param->text)) /* functions of SQLite would cut there */
        refuse_null(ctx, name);
    if (param->kind == CZ__PARAM_TEXT && kind == CZ__DB_IP && !is_address(param->text))
        cz_raise_field(ctx, cz_str_from(name), "invalid", "Enter a valid IPv4 or IPv6 address.");
    if (param->kind == CZ__PARAM_TEXT_LIST)
        for (size_t i = 0; i < param->item_count; i++)
            check_text(ctx, name, ((const cz_str *)param->items)[i]);
    if (param->kind == CZ__PARAM_INT &&
        ((kind == CZ__DB_INT16 && param->integer != (int16_t)param->integer) ||
         (kind == CZ__DB_INT32 && param->integer != (int32_t)param->integer)))
        cz_raise(ctx, CZ_EINVAL, "%lld is out of range for \"%s\"", (long long)param->integer,
                 name);
}

void cz__raise_from(cz_ctx *ctx, const cz_query *query, const cz_error *err)
{
    cz__raise_error(ctx, err, query->file ? query->file : __FILE__,
                    query->file ? query->line : __LINE__);
}

void cz__raise_refused(cz_ctx *ctx, const cz_query *query, const struct cz__plan *plan,
                       const cz__db_param *params, const cz_error *err)
{
    bool invalid = err->status == CZ_EVALIDATION;
    for (uint32_t i = 0; (invalid || err->status == CZ_EINTEGRITY) && i < plan->slot_count; i++) {
        const struct cz__slot *slot = &plan->slots[i];
        cz_str text = params[i].text;
        if (!slot->exact || params[i].kind != CZ__PARAM_TEXT)
            continue;
        if (CZ__DB_KIND(slot->type) == CZ__DB_JSON && !cz_json_is_valid(text))
            cz_raise_field(ctx, cz_str_from(slot->name), "invalid", "Value must be valid JSON.");
        if (invalid && slot->max_length && cz_str_utf8_length(text) > slot->max_length)
            cz_raise_field(ctx, cz_str_from(slot->name), "max_length",
                           "Ensure this field has no more than %u characters.", slot->max_length);
    }
    cz__raise_from(ctx, query, err);
}

/* ---- the parameters of a plan ---- */

static cz__db_param item_param(cz_ctx *ctx, const struct cz__slot *slot, const struct cz__ref *ref)
{
    size_t count = cz__value_count(ref->value_kind, ref->value);
    cz_assert(count &&
              cz__value_item_kind(ref->value_kind)); /* of none the compiler writes no slot */
    size_t at = slot->item < count ? slot->item : count - 1;
    return cz__param_of_value(ctx, slot->type, slot->name, cz__value_item_kind(ref->value_kind),
                              cz__value_item(ref->value_kind, ref->value, at));
}

cz__db_param *cz__plan_params(cz_ctx *ctx, const struct cz__plan *plan,
                              const struct cz__shape *shape, const cz_query *query)
{
    cz__db_param *params = cz_alloc(ctx, (plan->slot_count + 1) * sizeof *params);
    for (uint32_t i = 0; i < plan->slot_count; i++) {
        const struct cz__slot *slot = &plan->slots[i];
        const struct cz__ref *ref = &shape->refs[slot->ref];
        switch (slot->kind) {
        case CZ__SLOT_VALUE:
        case CZ__SLOT_LIST:
            params[i] =
                cz__param_of_value(ctx, slot->type, slot->name, ref->value_kind, ref->value);
            break;
        case CZ__SLOT_ITEM:
            params[i] = item_param(ctx, slot, ref);
            break;
        case CZ__SLOT_LIMIT:
        case CZ__SLOT_OFFSET:
            params[i] = (cz__db_param){ .kind = CZ__PARAM_INT,
                                        .type = slot->type,
                                        .integer = slot->kind == CZ__SLOT_LIMIT ? query->limit
                                                                                : query->offset };
            break;
        }
        if (slot->pattern && params[i].kind == CZ__PARAM_TEXT)
            params[i].text = pattern_of(ctx, slot->pattern, params[i].text);
        if (slot->exact)
            cz__check_stored(ctx, slot->type, slot->name, &params[i]);
        if (slot->type & CZ__DB_SEALED)
            cz__seal_param(ctx, &params[i]);
    }
    return params;
}
