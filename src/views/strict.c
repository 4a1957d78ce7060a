/* With .strict_query a parameter that nobody reads is refused, and a value that would be passed over: DRF answers
 * ?statsu=done with every row. */
#include "views/views_internal.h"
#include <calzone/errors.h>
#include <calzone/versioning.h>

struct strict {
    const cz_request *req;
    const cz_viewset *view;
    cz_action action;
};

static bool is_one_of(cz_str name, const char *const *names)
{
    while (names && *names && !cz_str_eq(name, cz_str_from(*names)))
        names++;
    return names && *names;
}

static bool is_filter(cz_ctx *ctx, const cz_filters *filters, cz_str name)
{
    cz_buf *known = cz_scratch(ctx);
    for (size_t i = 0; i < filters->count; i++) {
        size_t lookups = filters->items[i].lookups.count;
        for (size_t n = 0; n < (lookups ? lookups : 1); n++) {
            cz_buf_clear(known);
            cz__filter_name(&filters->items[i], n, known);
            cz_check(ctx, cz_buf_status(known));
            if (cz_str_eq(cz_buf_str(known), name))
                return true;
        }
    }
    return false;
}

/* Which rows of the page, and how many. */
static bool is_of_page(const cz_viewset *view, cz_str name)
{
    static const char *const numbered[] = { "page", NULL }, *const cursor[] = { "cursor", NULL },
                             *const counted[] = { "limit", "offset", NULL };
    const char *const *names = view->pagination == CZ_PAGE_NUMBER ? numbered
                               : view->pagination == CZ_CURSOR    ? cursor
                                                                  : counted;
    return is_one_of(name, names) ||
           (view->page_size_query && cz_str_eq(name, cz_str_from(view->page_size_query)));
}

/* The one that a version is asked for by. */
static bool is_version(const cz_request *req, cz_str name)
{
    for (size_t i = 0; req->versions && i < req->versions->schemes.count; i++) {
        const cz_version_scheme *scheme = &req->versions->schemes.items[i];
        if (scheme->by == CZ_VERSION_BY_QUERY &&
            cz_str_eq(name, cz_str_from(scheme->name ? scheme->name : "version")))
            return true;
    }
    return false;
}

static bool is_known(cz_ctx *ctx, const struct strict *strict, cz_str name)
{
    static const char *const sparse[] = { "fields", "expand", NULL };
    const cz_viewset *view = strict->view;
    bool lists = strict->action == CZ_ACTION_list;
    return cz_str_eq(name, CZ_STR("format")) || is_version(strict->req, name) ||
           is_one_of(name, view->other_query) || (view->sparse && is_one_of(name, sparse)) ||
           (strict->action == CZ_ACTION_bulk_destroy && cz_str_eq(name, CZ_STR("id"))) ||
           (lists &&
            (is_of_page(view, name) || (view->search.count && cz_str_eq(name, CZ_STR("search"))) ||
             (view->orderings.count && cz_str_eq(name, CZ_STR("ordering"))) ||
             is_filter(ctx, &view->filters, name)));
}

static bool is_whole_number(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len <= 18;
}

/* What is read, but would be passed over. */
static void check_value(cz_ctx *ctx, const struct strict *strict, cz_str name, cz_str value,
                        cz_field_errors *errors)
{
    const cz_viewset *view = strict->view;
    if (strict->action != CZ_ACTION_list)
        return;
    bool number = is_of_page(view, name) && !cz_str_eq(name, CZ_STR("page")) &&
                  !cz_str_eq(name, CZ_STR("cursor"));
    if (number && !is_whole_number(value))
        cz_field_errors_add(ctx, errors, name, "invalid", "A valid integer is required.");
    while (cz_str_eq(name, CZ_STR("ordering")) && value.len) {
        cz_str asked = cz_str_trim(cz_str_cut(&value, ','));
        asked = cz_str_tail(asked, cz_str_starts_with(asked, CZ_STR("-")));
        if (asked.len && !cz__order_has(view->orderings, asked))
            cz_field_errors_add(ctx, errors, name, "invalid", "There is no order by “%.*s”.",
                                CZ_STR_ARG(cz_str_head(asked, asked.len < 60 ? asked.len : 60)));
    }
}

void cz__view_check_query(cz_ctx *ctx, const cz_request *req)
{
    struct strict strict = { req, cz_view_of(req), (cz_action)req->view_action };
    cz_field_errors errors;
    cz_str name, value;
    cz_field_errors_init(&errors);
    for (size_t cursor = 0; cz_query_next(ctx, req, &cursor, &name, &value);)
        if (is_known(ctx, &strict, name))
            check_value(ctx, &strict, name, value, &errors);
        else
            cz_field_errors_add(ctx, &errors, cz_str_head(name, name.len < 60 ? name.len : 60),
                                "unknown", "There is no such parameter.");
    if (errors.count)
        cz_field_errors_raise(ctx, &errors);
}
