/* Viewsets: routes from a declaration. */
#include "permissions/permissions.h"
#include "serializers/serializers.h"
#include "views/views_internal.h"
#include <stdio.h>

/* ---- routes ---- */

static const struct {
    cz_method method;
    cz_action action;
    bool detail;
    const char *label;
} actions[] = {
    { CZ_METHOD_GET, CZ_ACTION_list, false, "list" },
    { CZ_METHOD_POST, CZ_ACTION_create, false, "create" },
    { CZ_METHOD_PUT, CZ_ACTION_bulk_update, false, "bulk_update" },
    { CZ_METHOD_PATCH, CZ_ACTION_bulk_partial_update, false, "bulk_partial_update" },
    { CZ_METHOD_DELETE, CZ_ACTION_bulk_destroy, false, "bulk_destroy" },
    { CZ_METHOD_GET, CZ_ACTION_retrieve, true, "retrieve" },
    { CZ_METHOD_PUT, CZ_ACTION_update, true, "update" },
    { CZ_METHOD_PATCH, CZ_ACTION_partial_update, true, "partial_update" },
    { CZ_METHOD_DELETE, CZ_ACTION_destroy, true, "destroy" },
};

const cz_extra_action *cz__view_extra(const cz_request *req)
{
    const cz_viewset *view = cz_view_of(req);
    return req->view_action < CZ_ACTION_COUNT
               ? NULL
               : &view->actions.items[req->view_action - CZ_ACTION_COUNT];
}

const cz_permission *cz__view_permission(const cz_request *req)
{
    const cz_extra_action *extra = cz__view_extra(req);
    return extra && extra->permissions ? extra->permissions : cz_view_of(req)->permissions;
}

cz_handler cz__view_replaced(const cz_viewset *view, cz_action action)
{
    const cz_handler own[CZ_ACTION_COUNT] = {
#define X(name) [CZ_ACTION_##name] = view->name,
        CZ_ACTION_MAP(X)
#undef X
    };
    return own[action];
}

static cz_handler handler_of(const cz_request *req)
{
    static const cz_handler stock[CZ_ACTION_COUNT] = {
#define X(name) [CZ_ACTION_##name] = cz_view_##name,
        CZ_ACTION_MAP(X)
#undef X
    };
    const cz_extra_action *extra = cz__view_extra(req);
    if (extra)
        return extra->handler;
    cz_handler own = cz__view_replaced(cz_view_of(req), (cz_action)req->view_action);
    return own ? own : stock[req->view_action];
}

/* The format first, so that errors have it, too. */
void cz__view_admit(cz_ctx *ctx, cz_request *req)
{
    const cz_viewset *view = cz_view_of(req);
    cz_render_as(req, cz_renderer_for(ctx, req, view->renderers));
    if (view->renderers && view->renderers->count > 1)
        cz_respond_header_add(ctx, req, CZ_STR("Vary"), CZ_STR("Accept"));
    req->parsers = view->parsers;
    cz_permission_require(ctx, req, cz__view_permission(req), NULL);
    cz_throttle_require(ctx, req, view->throttles);
}

/* A handler of the project's own may read what it likes. */
static bool is_stock(const cz_request *req)
{
    return !cz__view_extra(req) && !cz__view_replaced(cz_view_of(req), (cz_action)req->view_action);
}

/* Whether a change of one row is by a handler of the project's own, which need not look at If-Match; the stock actions
 * do so themselves. */
static bool is_guarded(const cz_request *req)
{
    const cz_extra_action *extra = cz__view_extra(req);
    if (extra)
        return cz__view_changes_one(extra);
    cz_action action = (cz_action)req->view_action;
    return cz__view_replaced(cz_view_of(req), action) &&
           (action == CZ_ACTION_update || action == CZ_ACTION_partial_update ||
            action == CZ_ACTION_destroy);
}

static void run_action(cz_ctx *ctx, cz_request *req)
{
    cz__view_admit(ctx, req);
    if (cz_view_of(req)->strict_query && req->query.len && is_stock(req))
        cz__view_check_query(ctx, req);
    if (is_guarded(req))
        cz__view_guard(ctx, req, handler_of(req));
    else
        handler_of(req)(ctx, req);
    if (cz_view_of(req)->etags)
        cz__view_name_state(ctx, req);
    if (req->render)
        req->render(ctx, req);
}

bool cz__view_offers(const cz_viewset *view, cz_action action)
{
    bool writes = action != CZ_ACTION_list && action != CZ_ACTION_retrieve;
    const bool only[CZ_ACTION_COUNT] = {
#define X(name) [CZ_ACTION_##name] = view->only.name,
        CZ_ACTION_MAP(X)
#undef X
    };
    bool any = false;
    for (int i = 0; i < CZ_ACTION_COUNT; i++)
        any |= only[i];
    if (cz__view_is_bulk(action) && !view->bulk)
        return false;
    return any ? only[action] : !(view->read_only && writes);
}

/* Whether a new row has a fit value in the column though nobody gives one: a text is "" where it may be blank. */
static bool may_be_left_out(const cz__column *column)
{
    return !column->stored || column->null || cz__column_fills_itself(column) ||
           (column->type == CZ__DB_TEXT && column->field->options.blank);
}

/* A column that has no default and no NULL must come from the client or from before_save(), or every POST
 * fails, or stores a text that was required as "". Where nobody may write none does. */
static cz_status check_complete(const cz_viewset *view, cz_error *err)
{
    const struct cz__model_state *state = view->model->state;
    if (!cz__view_offers(view, CZ_ACTION_create) || view->before_save || view->create || !state ||
        cz__permission_openness(view->permissions, false) == CZ__OPEN_TO_NOBODY)
        return CZ_OK;
    for (uint16_t i = 1; i < state->column_count; i++) {
        const cz__column *column = &state->columns[i];
        bool given = may_be_left_out(column);
        given |= cz_str_eq(view->parent, cz_str_from(column->field->name));
        for (size_t f = 0; !given && f < view->serializer->fields.count; f++)
            given = cz__column_find(view->model, view->serializer->fields.items[f]) == column;
        for (size_t m = 0; !given && m < view->serializer->members.count; m++)
            given =
                cz__column_find(view->model, view->serializer->members.items[m].source) == column;
        if (!given)
            return cz_error_set(
                err, CZ_EVALIDATION,
                "viewset %s: no row can be created, because \"%s\" is required and not in the "
                "serializer's .fields; list it, give it a default%s, set it in .before_save or "
                "make the viewset .read_only",
                view->name, column->field->name, column->type == CZ__DB_TEXT ? " or .blank" : "");
    }
    return CZ_OK;
}

static cz_status check_pages(const cz_viewset *view, cz_error *err)
{
    if (view->page_size > CZ_PAGE_SIZE_MAX || view->page_size_max > CZ_PAGE_SIZE_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "viewset %s: a page has at most %d rows",
                            view->name, CZ_PAGE_SIZE_MAX);
    if (view->page_size > (uint32_t)cz__view_page_size_max(view))
        return cz_error_set(err, CZ_EVALIDATION,
                            "viewset %s: .page_size is over %d rows, which need a .page_size_max",
                            view->name, (int)cz__view_page_size_max(view));
    return CZ_OK;
}

/* Of pages by cursor: columns of the model's own that are not NULL. */
static cz_status check_cursor_path(const cz_viewset *view, cz_str path, cz_error *err)
{
    const cz__column *column = cz__column_find(view->model, path);
    if (column && column->stored && !column->null)
        return CZ_OK;
    return cz_error_set(err, CZ_EVALIDATION,
                        "viewset %s: pages by cursor need an order by columns of %s that are not "
                        "NULL, and \"%.*s\" is none",
                        view->name, view->model->name, CZ_STR_ARG(path));
}

static cz_status check_lists(const cz_viewset *view, cz_error *err)
{
    cz_error why;
    cz_status status =
        cz__filters_check(view->model, &view->filters, &view->search, &view->orderings, &why);
    if (status)
        return cz_error_set(err, status, "viewset %s: %s", view->name, cz_error_message(&why));
    if (view->pagination != CZ_CURSOR)
        return CZ_OK;
    const cz_order_list *order =
        view->ordering.count ? &view->ordering : &view->model->meta.ordering;
    for (size_t i = 0; i < order->count && !status; i++)
        status = check_cursor_path(view, order->items[i].path, err);
    for (size_t i = 0; i < view->orderings.count && !status; i++)
        status = check_cursor_path(view, view->orderings.items[i], err);
    return status;
}

/* The action for one row that is the project's own where the one for many rows is not; NULL: none. */
static const char *own_action(const cz_viewset *view)
{
    const struct {
        cz_action many;
        bool own, own_many;
        const char *name;
    } pairs[] = {
        { CZ_ACTION_bulk_update, view->update, view->bulk_update, "update" },
        { CZ_ACTION_bulk_partial_update, view->partial_update, view->bulk_partial_update,
          "partial_update" },
        { CZ_ACTION_bulk_destroy, view->destroy, view->bulk_destroy, "destroy" },
    };
    for (size_t i = 0; i < CZ_COUNT(pairs); i++)
        if (cz__view_offers(view, pairs[i].many) && pairs[i].own && !pairs[i].own_many)
            return pairs[i].name;
    return NULL;
}

static cz_status check_bulk(const cz_viewset *view, cz_error *err)
{
    const char *own = own_action(view);
    if (own)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "viewset %s has a .%s of its own, and .bulk would go round it; give it a .bulk_%s as "
            "well, or leave that out by .only",
            view->name, own, own);
    bool changes = cz__view_offers(view, CZ_ACTION_bulk_update) ||
                   cz__view_offers(view, CZ_ACTION_bulk_partial_update);
    if (view->bulk && view->require_match)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "viewset %s: .require_match is for changes of one row, and .bulk would go "
            "round it",
            view->name);
    if (changes && !view->serializer->state->key)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "viewset %s: with .bulk its serializer lists the key, \"%s\", or nobody can "
            "say which row to change; or leave them out by .only",
            view->name, view->model->state->key->field->name);
    return CZ_OK;
}

static cz_status check(const cz_viewset *view, cz_error *err)
{
    if (!view->permissions)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "viewset %s names no .permissions; &cz_allow_any would let everyone do everything, "
            "&cz_read_only everyone read",
            view->name);
    if (!view->serializer)
        return cz_error_set(err, CZ_EVALIDATION, "viewset %s names no .serializer", view->name);
    if (!cz__same_table(view->serializer->model, view->model))
        return cz_error_set(err, CZ_EVALIDATION, "viewset %s is of %s, its serializer of %s",
                            view->name, view->model->name, view->serializer->model->name);
    cz_status status = check_complete(view, err);
    if (status)
        return status;
    status = check_pages(view, err);
    if (!status)
        status = check_lists(view, err);
    if (!status && view->throttles)
        status = cz__throttles_prepare(view->throttles, view->name, err);
    if (!status)
        status = cz__serializer_prepare(view->serializer, err);
    return status ? status : check_bulk(view, err);
}

static cz_status check_actions(const cz_viewset *view, cz_error *err)
{
    for (size_t i = 0; i < view->actions.count; i++) {
        const cz_extra_action *action = &view->actions.items[i];
        if (!action->name || !*action->name || !action->handler)
            return cz_error_set(err, CZ_EVALIDATION,
                                "viewset %s: an action of .actions has a .name and a .handler",
                                view->name);
    }
    return CZ_OK;
}

const cz_viewset *cz_view_of_route(const cz_route_info *info)
{
    const cz_resource *resource = info->route->resource;
    return resource && resource->add_routes == cz__viewset_add_routes ? info->data : NULL;
}

const cz_permission *cz__route_permission(const cz_route_info *route)
{
    const cz_viewset *view = cz_view_of_route(route);
    if (!view)
        return NULL;
    const cz_permission *own =
        route->action < CZ_ACTION_COUNT
            ? NULL
            : view->actions.items[route->action - CZ_ACTION_COUNT].permissions;
    return own ? own : view->permissions;
}

/* What the routes of a viewset are made below. */
struct adding {
    cz_router *router;
    const cz_route *route;
    cz_viewset *view;
    const char *prefix, *base; /* of paths, of names */
    const char *key;           /* "int" or "uuid" */
    cz_error *err;
};

/* `segment`: behind the list or the object; NULL: the one itself. */
static cz_status add(const struct adding *adding, cz_method method, bool detail,
                     const char *segment, const char *called, int action, const char *what)
{
    char pattern[512], name[128], label[192], object[64] = "";
    const char *prefix = adding->prefix;
    size_t len = strlen(prefix);
    bool slash = len && prefix[len - 1] == '/';
    if (detail)
        snprintf(object, sizeof object, "/<%s:id>", adding->key);
    int pattern_len =
        snprintf(pattern, sizeof pattern, "%.*s%s%s%s%s", (int)(len - slash), prefix, object,
                 segment ? "/" : "", segment ? segment : "", slash ? "/" : "");
    int name_len = snprintf(name, sizeof name, "%s-%s", adding->base, called);
    int label_len = snprintf(label, sizeof label, "%s.%s", adding->view->name, what);
    if (pattern_len < 0 || (size_t)pattern_len >= sizeof pattern || name_len < 0 ||
        (size_t)name_len >= sizeof name || label_len < 0 || (size_t)label_len >= sizeof label)
        return cz_error_set(adding->err, CZ_ETOOBIG, "viewset %s: its path or name is too long",
                            adding->view->name);
    return cz__router_add(adding->router, adding->route, method, pattern, run_action, name,
                          adding->view, action, label, adding->err);
}

/* Extra actions of the list come first: /books/recent is not the book "recent". */
cz_status cz__viewset_add_routes(const cz_resource *resource, cz_router *router,
                                 const cz_route *route, const char *prefix, cz_error *err)
{
    cz_viewset *view = (cz_viewset *)(uintptr_t)resource; /* its first member */
    cz_status status = check(view, err);
    if (!status)
        status = check_actions(view, err);
    if (!status)
        status = cz__view_check_parent(view, prefix, err);
    if (status)
        return status;
    const struct cz__model_state *state = view->model->state;
    struct adding adding = { router,
                             route,
                             view,
                             prefix,
                             route->name ? route->name : state->lower_name,
                             CZ__DB_KIND(state->key->type) == CZ__DB_UUID ? "uuid" : "int",
                             err };
    for (size_t i = 0; !status && i < view->actions.count; i++) {
        const cz_extra_action *action = &view->actions.items[i];
        status =
            add(&adding, action->method, action->detail, action->path ? action->path : action->name,
                action->name, CZ_ACTION_COUNT + (int)i, action->name);
    }
    for (size_t i = 0; !status && i < CZ_COUNT(actions); i++)
        if (cz__view_offers(view, actions[i].action))
            status = add(&adding, actions[i].method, actions[i].detail, NULL,
                         actions[i].detail ? "detail" : "list", (int)actions[i].action,
                         actions[i].label);
    return status;
}
