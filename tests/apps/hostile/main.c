/* What hostile clients are let loose on: every name and value of a query comes from the query string, by the
 * calls meant for that. Not an example: a real filter has an allow list. With PLANTED=1 it has one more
 * endpoint, which is injectable, so that who looks for injections can show that he finds one. */
#include <calzone/calzone.h>
#include "db/database.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define BOX(F) F(char_field, name, .max_length = 80) F(int_field, weight, .null = true)
CZ_MODEL(Box, BOX);

#define TAG(F) F(slug_field, label)
CZ_MODEL(Tag, TAG);

/* A field of every kind. */
#define THING(F)                                                                                   \
    F(char_field, title, .max_length = 4000)                                                       \
    F(text_field, body, .null = true)                                                              \
    F(slug_field, slug, .null = true)                                                              \
    F(email_field, email, .null = true)                                                            \
    F(url_field, site, .null = true)                                                               \
    F(small_int_field, small, .null = true)                                                        \
    F(int_field, number, .null = true)                                                             \
    F(big_int_field, big, .null = true)                                                            \
    F(bool_field, flag, .null = true)                                                              \
    F(float_field, ratio, .null = true)                                                            \
    F(decimal_field, price, .digits = 8, .places = 2, .null = true)                                \
    F(decimal_field, precise, .digits = 30, .places = 8, .null = true)                             \
    F(date_field, day, .null = true)                                                               \
    F(time_field, clock, .null = true)                                                             \
    F(datetime_field, seen, .null = true)                                                          \
    F(duration_field, span, .null = true)                                                          \
    F(uuid_field, code, .null = true)                                                              \
    F(ip_field, address, .null = true)                                                             \
    F(json_field, document, .null = true)                                                          \
    F(binary_field, bytes, .null = true)                                                           \
    F(int_array_field, numbers, .null = true)                                                      \
    F(text_array_field, words, .null = true)                                                       \
    F(foreign_key, box, Box, .null = true, .on_delete = CZ_SET_NULL)                               \
    F(many_to_many, tags, Tag)
CZ_MODEL(Thing, THING,
         .indexes = CZ_INDEXES(
             { .search = "english", .fields = CZ_FIELDS(Thing, title, body), .weights = "AB" }));

#define EXCERPT(F)                                                                                 \
    F(big_int_field, thing)                                                                        \
    F(text_field, text, .null = true)
CZ_RECORD(Excerpt, EXCERPT);

static CZ_SERIALIZER(ThingSerializer, Thing,
                     .fields = CZ_FIELDS(Thing, id, title, body, slug, email, site, small, number,
                                         big, flag, ratio, price, precise, day, clock, seen, span,
                                         code, address, document, bytes, numbers, words, box));

/* Other names than those are nothing to order by. */
static const cz_fields ORDERS =
    CZ_FIELDS(Thing, id, title, body, slug, number, price, day, seen, code, box->name, box->weight);
static const cz_fields PARTS = CZ_FIELDS(Thing, id, title, number, document);

static void answer_ids(cz_ctx *ctx, cz_request *req, const Thing *items, size_t count)
{
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_list(&json);
    for (size_t i = 0; i < count; i++)
        cz_json_i64(&json, items[i].id);
    cz_json_list_end(&json);
}

static cz_lookup lookup_of(cz_ctx *ctx, const cz_request *req)
{
    cz_lookup lookup;
    cz_str name = cz_query_str(ctx, req, "lookup");
    if (!cz_lookup_find(name, &lookup))
        cz_raise(ctx, CZ_EVALIDATION, "There is no such lookup.");
    return lookup;
}

/* A number of the query string, 0 without. */
static int64_t number_of(cz_ctx *ctx, const cz_request *req, const char *name)
{
    cz_str text = cz_query_str(ctx, req, name);
    int64_t number = 0;
    if (text.len && (cz_str_to_i64(text, &number) || number < 0))
        cz_raise(ctx, CZ_EVALIDATION, "\"%s\" is a number from 0.", name);
    return number;
}

/* ?path=&lookup=&value=&not=&order=&only=&limit=&offset=: the keys of the things that match. */
static void find(cz_ctx *ctx, cz_request *req)
{
    cz_cond where = cz_cond_text(ctx, &Thing__model, cz_query_str(ctx, req, "path"),
                                 lookup_of(ctx, req), cz_query_str(ctx, req, "value"));
    if (cz_query_str(ctx, req, "not").len)
        where = cz_cond_copy(ctx, CZ_NOT(where));
    cz_order_list order = cz_order_text(ctx, ORDERS, cz_query_str(ctx, req, "order"));
    cz_fields only = cz_fields_text(ctx, PARTS, cz_query_str(ctx, req, "only"));
    cz_rows(Thing) things =
        cz_select(ctx, Thing, .where = where, .order_by = order, .only = only,
                  .limit = number_of(ctx, req, "limit"), .offset = number_of(ctx, req, "offset"));
    answer_ids(ctx, req, things.items, things.count);
}

/* ?key=&inner=&lookup=&value=: by the text a document holds at a path. */
static void find_in_document(cz_ctx *ctx, cz_request *req)
{
    cz_str key = cz_query_str(ctx, req, "key"), inner = cz_query_str(ctx, req, "inner");
    cz_str value = cz_query_str(ctx, req, "value");
    cz_rows(Thing) things;
    if (inner.len)
        things = cz_select(
            ctx, Thing,
            .where = CZ_QE(CZ_JSON_TEXT(CZ_F(Thing, document), key, inner), EXACT, value));
    else
        things = cz_select(ctx, Thing,
                           .where = CZ_QE(CZ_JSON_TEXT(CZ_F(Thing, document), key), EXACT, value));
    answer_ids(ctx, req, things.items, things.count);
}

/* ?query=: the keys of the things that full text finds, the best first; each with an excerpt, which must be no HTML but
 * its marks. */
static void search(cz_ctx *ctx, cz_request *req)
{
    cz_str query = cz_query_str(ctx, req, "query");
    cz_rows(Excerpt) found = cz_values(
        ctx, Excerpt, Thing, .where = CZ_SEARCH(Thing, query),
        .values = CZ_AS(Excerpt, (thing, CZ_F(Thing, id)),
                        (text, CZ_SEARCH_HEADLINE(Thing, title, query))),
        .order_by = CZ_ORDER_BY(CZ_DESC_OF(CZ_SEARCH_RANK(Thing, query)), CZ_ASC(Thing, id)));
    cz_json_writer json;
    cz_json_writer_init(&json, cz_respond_json_begin(ctx, req, 200));
    cz_json_list(&json);
    for (size_t i = 0; i < found.count; i++) {
        for (cz_str rest = found.items[i].text; rest.len; rest = cz_str_tail(rest, 1))
            if (rest.ptr[0] == '<' && !cz_str_starts_with(rest, CZ_STR("<mark>")) &&
                !cz_str_starts_with(rest, CZ_STR("</mark>")))
                cz_raise(ctx, CZ_EDATABASE, "an excerpt has a \"<\"");
        cz_json_i64(&json, found.items[i].thing);
    }
    cz_json_list_end(&json);
}

/* ?value=: changes every title that is the value to itself, by an expression; how many were. */
static void touch(cz_ctx *ctx, cz_request *req)
{
    cz_str value = cz_query_str(ctx, req, "value");
    int64_t changed =
        cz_update(ctx, Thing, CZ_Q(Thing, title, EXACT, value), (title, value), (body, value));
    cz_respond_json(ctx, req, 200, cz_format(ctx, "%lld", (long long)changed));
}

static void make(cz_ctx *ctx, cz_request *req)
{
    Thing *thing = cz_read_row(ctx, req, &ThingSerializer, Thing);
    cz_save(ctx, thing);
    cz_respond_row(ctx, req, 201, &ThingSerializer, thing);
}

static void all(cz_ctx *ctx, cz_request *req)
{
    cz_respond_rows(ctx, req, &ThingSerializer,
                    cz_select(ctx, Thing, .order_by = CZ_ORDER_BY(CZ_ASC(Thing, id))));
}

/* ---- planted ---- */

static void say_planted(cz_ctx *ctx, cz_request *req)
{
    cz__db_session *session = NULL;
    cz_error err;
    cz_str sql = cz_format(ctx, "SELECT count(*) FROM shop_box WHERE name = '%.*s'",
                           CZ_STR_ARG(cz_query_str(ctx, req, "value")));
    const cz__db_statement statement = { .sql = sql, .number = CZ__STATEMENT_UNCACHED };
    cz__db_cursor cursor;
    bool row = false;
    int64_t count = 0;
    if (!getenv("PLANTED"))
        cz_raise(ctx, CZ_ENOTFOUND, "It is not planted.");
    if (cz__db_session_of(ctx, &session, &err) ||
        session->db->driver->select(ctx, session, &statement, NULL, 0, &cursor, &err))
        cz_raise_error(ctx, &err);
    cz_status status = session->db->driver->step(&cursor, &row, &err);
    if (!status && row && !session->db->driver->read(&cursor, 0, CZ__DB_INT64, &count))
        count = 0;
    session->db->driver->finish(&cursor);
    if (status)
        cz_raise_error(ctx, &err);
    cz_respond_json(ctx, req, 200, cz_format(ctx, "%lld", (long long)count));
}

/* ---- what SQLite is told, for who reads it ---- */

static FILE *trace;

static int write_statement(unsigned event, void *unused, void *statement, void *text)
{
    (void)event, (void)unused, (void)statement;
    fprintf(trace, "%s\n", (const char *)text); /* as it was prepared, without values */
    fflush(trace);
    return 0;
}

static int trace_connection(sqlite3 *db, char **message, const sqlite3_api_routines *api)
{
    (void)message, (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, write_statement, NULL);
}

__attribute__((constructor)) static void begin_trace(void)
{
    const char *path = getenv("SQLITE_TRACE");
    trace = path ? fopen(path, "ae") : NULL;
    if (trace)
        sqlite3_auto_extension((void (*)(void))(uintptr_t)trace_connection);
}

static const cz_app shop = { .name = "shop", .models = CZ_MODELS(Box, Tag, Thing) };
static const cz_route urls[] = {
    CZ_GET("/find", find),
    CZ_GET("/search", search),
    CZ_GET("/document", find_in_document),
    CZ_GET("/touch", touch),
    CZ_GET("/planted", say_planted),
    CZ_POST("/things", make),
    CZ_GET("/things", all),
    CZ_ROUTES_END,
};
CZ_PROJECT_MAIN("hostile", .apps = CZ_APPS(&shop), .urls = urls)
