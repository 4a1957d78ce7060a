/* views/views.h: what documents about the API ask of viewsets. */
#ifndef CZ_VIEWS_VIEWS_H
#define CZ_VIEWS_VIEWS_H

#include <calzone/routing.h>
#include <calzone/views.h>

/* Whether an action is about a list of rows. */
static inline bool cz__view_is_bulk(cz_action action)
{
    return action == CZ_ACTION_bulk_update || action == CZ_ACTION_bulk_partial_update ||
           action == CZ_ACTION_bulk_destroy;
}

/* Whether an extra action changes one row, so that If-Match is obeyed. */
static inline bool cz__view_changes_one(const cz_extra_action *extra)
{
    return extra->detail && extra->method != CZ_METHOD_GET && extra->method != CZ_METHOD_HEAD &&
           extra->method != CZ_METHOD_OPTIONS && extra->method;
}

/* The handler that replaces a stock action; NULL: none does. */
cz_handler cz__view_replaced(const cz_viewset *view, cz_action action);

/* The permission that a route's viewset asks for its action; NULL: it is of none. */
const cz_permission *cz__route_permission(const cz_route_info *route);

/* Whether a viewset has this stock action. */
bool cz__view_offers(const cz_viewset *view, cz_action action);

/* Tell, a sentence each, of members that show rows which the viewsets of their own serializers let fewer people read.
 * Returns how many there are. Context: start-up. */
size_t cz__views_check_exposure(const cz_router *router,
                                void (*tell)(const char *sentence, void *arg), void *arg);

#endif
