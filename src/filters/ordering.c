/* ?ordering=: names that were allowed, as DRF's OrderingFilter. */
#include <calzone/filters.h>
#include "orm/orm.h"

enum { NAMES_MAX = 16 }; /* that count; the rest is passed over */

/* Whether `name` is the path, with "__" for "->". */
static bool is_named(cz_str path, cz_str name)
{
    for (;;) {
        size_t arrow = cz_str_find(path, CZ_STR("->")), lines = cz_str_find(name, CZ_STR("__"));
        bool last = arrow == SIZE_MAX;
        if (last)
            return cz_str_eq(cz_str_trim(path), name);
        if (lines == SIZE_MAX ||
            !cz_str_eq(cz_str_trim(cz_str_head(path, arrow)), cz_str_head(name, lines)))
            return false;
        path = cz_str_tail(path, arrow + 2);
        name = cz_str_tail(name, lines + 2);
    }
}

/* NULL: it is not allowed. */
static const cz_str *find(cz_fields allowed, cz_str name)
{
    for (size_t i = 0; i < allowed.count; i++)
        if (is_named(allowed.items[i], name))
            return &allowed.items[i];
    return NULL;
}

bool cz__order_has(cz_fields allowed, cz_str name)
{
    return find(allowed, name);
}

cz_order_list cz_order_rows(cz_ctx *ctx, const cz_request *req, cz_fields allowed)
{
    cz_str text;
    if (!req->query.len || !allowed.count || !cz_query_get(ctx, req, CZ_STR("ordering"), &text))
        return (cz_order_list){ 0 };
    cz_order *items = cz_array(ctx, cz_order, NAMES_MAX);
    size_t count = 0;
    while (text.len && count < NAMES_MAX) {
        cz_str name = cz_str_trim(cz_str_cut(&text, ','));
        bool descending = cz_str_starts_with(name, CZ_STR("-"));
        name = cz_str_tail(name, descending);
        const cz_str *path = find(allowed, name);
        if (path)
            items[count++] = (cz_order){ .path = *path, .descending = descending };
    }
    return (cz_order_list){ items, count };
}
