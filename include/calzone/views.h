/* calzone/views.h: viewsets, the REST interface of a model.
 *
 *     CZ_VIEWSET(book_views, Book,
 *         .serializer  = &BookSerializer,
 *         .permissions = &cz_read_only,
 *         .ordering    = CZ_ORDER_BY(CZ_ASC(Book, title)));
 *
 * and `CZ_RESOURCE("/v2/books", &book_views)` give
 *
 *     GET    /v2/books        list            GET    /v2/books/<id>   retrieve
 *     POST   /v2/books        create (201)    PUT    /v2/books/<id>   update
 *     PATCH  /v2/books/<id>   partial_update  DELETE /v2/books/<id>   destroy (204)
 *
 * and with .bulk
 *
 *     PUT    /v2/books        bulk_update     PATCH  /v2/books        bulk_partial_update
 *     DELETE /v2/books?id=1,2 bulk_destroy
 *
 * named "book-list" and "book-detail"; OPTIONS of either says what they take. Each action can be replaced by a handler of
 * one's own. A viewset
 * without an explicit `.permissions` does not start.
 */
#ifndef CALZONE_VIEWS_H
#define CALZONE_VIEWS_H

#include <calzone/filters.h>
#include <calzone/pagination.h>
#include <calzone/parsers.h>
#include <calzone/permissions.h>
#include <calzone/queries.h>
#include <calzone/renderers.h>
#include <calzone/routing.h>
#include <calzone/serializers.h>
#include <calzone/throttling.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CZ_ACTION_MAP(X)                                                                           \
    X(list)                                                                                        \
    X(create)                                                                                      \
    X(retrieve)                                                                                    \
    X(update)                                                                                      \
    X(partial_update)                                                                              \
    X(destroy)                                                                                     \
    X(bulk_update)                                                                                 \
    X(bulk_partial_update)                                                                         \
    X(bulk_destroy)

typedef enum cz_action {
#define X(name) CZ_ACTION_##name,
    CZ_ACTION_MAP(X)
#undef X
        CZ_ACTION_COUNT
} cz_action;

/* An action beside the stock ones, DRF's @action: { .name = "publish", .method = CZ_METHOD_POST, .detail = true, .handler =
 * publish } is POST /books/<id>/publish, named "book-publish". */
typedef struct cz_extra_action {
    const char *name;
    const char *path; /* of its segment; NULL: the name */
    cz_method method; /* 0: GET */
    bool detail;      /* of one object, which cz_view_object() gives */
    cz_handler handler;
    const cz_permission *permissions; /* NULL: the viewset's */
    cz_serializer *
        serializer; /* what its body is, for OPTIONS and documents about the API; NULL: nothing is said */
    const struct cz_operation_doc *doc; /* what documents about the API say of it (openapi.h) */
} cz_extra_action;
typedef struct cz_extra_actions {
    const cz_extra_action *items;
    size_t count;
} cz_extra_actions;
#define CZ_ACTIONS(...)                                                                            \
    {                                                                                              \
        (const cz_extra_action[]){ __VA_ARGS__ },                                                  \
            sizeof((const cz_extra_action[]){ __VA_ARGS__ }) / sizeof(cz_extra_action)             \
    }

/* Names of query parameters. */
#define CZ_QUERY_NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

typedef struct cz_viewset {
    cz_resource resource;    /* private; begins it, so a route can hold it */
    const char *name;        /* set by CZ_VIEWSET */
    const char *description; /* what OPTIONS says of it; NULL: nothing */
    cz_model *model;
    cz_serializer *serializer;        /* required */
    const cz_permission *permissions; /* required */
    cz_order_list ordering;           /* of lists; empty: the model's, and at last the key */
    cz_filters filters;               /* by parameters of lists (filters.h) */
    cz_search_fields search;          /* where ?search= looks */
    cz_fields orderings;              /* what ?ordering= may name */
    cz_pagination pagination;         /* of lists (pagination.h) */
    uint32_t page_size;               /* rows of a page; 0: the setting PAGE_SIZE */
    uint32_t page_size_max;           /* what a client may ask for; 0: CZ_PAGE_SIZE_LIMIT */
    bool sparse; /* ?fields= and ?expand= choose what is shown (cz_serializer_asked_for()) */
    /* A query parameter that nothing here reads is 400 with its name, as is an ?ordering= by another name and a ?limit= that is
     * no number; else they are passed over, as in DRF. Of the stock actions; .other_query are those that a middleware or
     * .rows reads, CZ_QUERY_NAMES("api_key"). */
    bool strict_query;
    const char *const *other_query;
    const char *
        page_size_query; /* the parameter it asks by, "page_size"; NULL: it can't, but by ?limit= */
    const cz_parsers *parsers;     /* CZ_PARSERS(...); NULL: JSON and forms (parsers.h) */
    const cz_renderers *renderers; /* CZ_RENDERERS(...); NULL: JSON (renderers.h) */
    cz_throttles *throttles;       /* CZ_THROTTLES(...); NULL: the project's alone (throttling.h) */
    /* What the OpenAPI document says it asks for, CZ_SECURITY(...) (openapi.h), where .permissions is not open to all; NULL:
     * any scheme of the document. */
    const char *const *security;
    bool read_only; /* list and retrieve only */
    struct {
#define X(name) bool name;
        CZ_ACTION_MAP(X)
#undef X
    } only; /* .only = { .list = true, .create = true }: these alone */
    cz_extra_actions actions;
    /* Rows of another, by a parameter of the viewset's path with the name of this foreign key: .parent = CZ_FIELD(Book,
     * author) with CZ_RESOURCE("/authors/<int:author>/books", &author_books). Only its rows are seen, new ones are
     * its, and where it is not there everything is 404. */
    cz_str parent;
    /* Answers to GET have an ETag, and If-None-Match that names it gets 304 (RFC 9110, 13). If-Match is obeyed with or
     * without it: PUT, PATCH and DELETE of a row that is no longer as it says are 412, as are .detail actions that change
     * something. With .require_match they need one: 428 (RFC 6585). */
    bool etags, require_match;
    /* Many rows in one request, all or none: POST of a list makes its rows (201), PUT and PATCH of the list's path take a list of
     * objects that name theirs by the key (200), DELETE has ?id=1,2,3 (204). At most CZ_INPUT_LIST_MAX. Those with If-Match or
     * If-None-Match are 412: a list names no state. With an .update, .partial_update or .destroy of its own the viewset
     * needs the same of .bulk_*, or it stops the start. */
    bool bulk;
    bool put_creates; /* PUT to a key that no row has makes the row: 201 */
    /* What this request may see, for every action; NULL here: every row. The condition must live as long as
     * the context (cz_cond_copy); one that is NULL is refused with a 500, CZ_EVERY_ROW means every row. */
    cz_cond (*rows)(cz_ctx *ctx, const cz_request *req);
    /* Before a new or changed row is stored: set what the client does not, raise what must not be. */
    void (*before_save)(cz_ctx *ctx, const cz_request *req, void *row, cz_action action);
    /* Replaced actions; NULL: the stock one. */
    cz_handler list, create, retrieve, update, partial_update, destroy;
    cz_handler bulk_update, bulk_partial_update, bulk_destroy; /* of a list; create is the same */
} cz_viewset;

/* The viewset that a route of a router is of; NULL: of none. */
const cz_viewset *cz_view_of_route(const cz_route_info *info);
cz_status cz__viewset_add_routes(const cz_resource *resource, cz_router *router,
                                 const cz_route *route, const char *prefix, cz_error *err);

#define CZ_VIEWSET(variable, M, ...)                                                               \
    cz_viewset variable = { .resource = { .add_routes = cz__viewset_add_routes,                    \
                                          .options = cz__view_describe },                          \
                            .name = #variable,                                                     \
                            .model = &M##__model,                                                  \
                            __VA_ARGS__ }

/* The row the request's path names, among those it may see, allowed by the permission: DRF's get_object(). For actions
 * of one object. Raises: CZ_ENOTFOUND; CZ_EDENIED; as a query. */
#define cz_view_object(ctx, req, M) ((M *)cz__view_object((ctx), (req), &M##__model))
cz_row *cz__view_object(cz_ctx *ctx, const cz_request *req, const cz_model *model);
/* The viewset a request was routed to, for replaced actions that call the stock one. */
cz_viewset *cz_view_of(const cz_request *req);
/* The stock actions. Raise as queries and serializers do. */
void cz_view_list(cz_ctx *ctx, cz_request *req);
void cz_view_create(cz_ctx *ctx, cz_request *req);
void cz_view_retrieve(cz_ctx *ctx, cz_request *req);
void cz_view_update(cz_ctx *ctx, cz_request *req);
void cz_view_partial_update(cz_ctx *ctx, cz_request *req);
void cz_view_destroy(cz_ctx *ctx, cz_request *req);
void cz_view_bulk_update(cz_ctx *ctx, cz_request *req);
void cz_view_bulk_partial_update(cz_ctx *ctx, cz_request *req);
void cz_view_bulk_destroy(cz_ctx *ctx, cz_request *req);

/* Answer OPTIONS as DRF's SimpleMetadata: name, description, formats, and, of the actions this caller may do, what they take.
 * Raises as an action. */
void cz__view_describe(cz_ctx *ctx, cz_request *req);

/* Rows on a page of lists that name no page_size (setting PAGE_SIZE). Context: start-up. */
void cz__views_configure(int64_t page_size);

#ifdef __cplusplus
}
#endif
#endif
