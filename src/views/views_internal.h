/* Private to src/views. */
#ifndef CZ_VIEWS_INTERNAL_H
#define CZ_VIEWS_INTERNAL_H

#include <calzone/json.h>
#include <calzone/pagination.h>
#include <calzone/views.h>
#include "orm/orm.h"
#include "views/views.h"

/* actions.c: what this request may see and asks for; NULL: every row. As in DRF it is asked of single rows, too.
 * `*out_distinct` is set where a row might come more than once. Raises. */
cz_cond cz__view_narrowing(cz_ctx *ctx, const cz_request *req, const cz_viewset *view,
                           bool *out_distinct);
/* actions.c: the viewset's serializer, with what the request asks for of it where that is offered. Raises: CZ_EVALIDATION. */
cz_serializer *cz__view_serializer(cz_ctx *ctx, const cz_request *req);
/* etags.c: name the state of what a GET answers with, which is JSON yet, and answer 304 where the client has it. Raises:
 * CZ_ENOMEM. */
void cz__view_name_state(cz_ctx *ctx, cz_request *req);
/* Run an action that changes one row, if the row is as the request's If-Match has it; then in a transaction that holds it.
 * `action` finds the row for itself. Raises: CZ_EPRECONDITION; CZ_EUNCONDITIONAL; as the action. */
void cz__view_guard(cz_ctx *ctx, cz_request *req, cz_handler action);
/* etags.c: call `fn` in a transaction on the model's database. Raises: as cz_atomic(). */
void cz__view_atomic(cz_ctx *ctx, const cz_request *req, void (*fn)(cz_ctx *ctx, void *arg),
                     void *arg);
/* bulk.c: the action create of a body that is a list. Raises: as cz_view_create(). */
void cz__view_bulk_create(cz_ctx *ctx, cz_request *req, cz_str json);
/* actions.c: the row the path names, locked to the end of the transaction, allowed; NULL: there is none. */
cz_row *cz__view_locked_object(cz_ctx *ctx, const cz_request *req);
/* viewset.c: settle the format, then ask permission and throttles, in DRF's order. Raises. */
void cz__view_admit(cz_ctx *ctx, cz_request *req);
/* The extra action a request was routed to; NULL: a stock one. */
const cz_extra_action *cz__view_extra(const cz_request *req);
/* strict.c: that a stock action knows all of the request's query. Raises: CZ_EVALIDATION. */
void cz__view_check_query(cz_ctx *ctx, const cz_request *req);
/* viewset.c: the permission of the action a request was routed to. */
const cz_permission *cz__view_permission(const cz_request *req);
/* parents.c: that a row is one of the parent's the path names; NULL: the viewset has no parent. Raises: CZ_ENOTFOUND: there
 * is no such parent. */
cz_cond cz__view_of_parent(cz_ctx *ctx, const cz_request *req, const cz_viewset *view);
/* Make a new row the parent's. Raises likewise. */
void cz__view_set_parent(cz_ctx *ctx, const cz_request *req, const cz_viewset *view, cz_row *row);
/* Whether `.parent` can be, at this path. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz__view_check_parent(const cz_viewset *view, const char *path,
                                             cz_error *err);
/* lists.c: how many rows of a page a client may ask for. */
int64_t cz__view_page_size_max(const cz_viewset *view);

#endif
