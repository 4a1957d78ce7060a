/* Counting and listing the statements that code under test runs: a driver in front of the database's own. */
#include "testing/testing_internal.h"
#include "db/database.h"

enum { KEPT_MIN = 64 };

static struct {
    struct counted {
        cz__db_driver driver; /* the database's, with counting in front */
        const cz__db_driver *own;
    } counted[CZ__DATABASES_MAX];
    cz_str *items;
    uint32_t count, cap;
} self;

/* Earlier lists stay where they are, in the test's arena. What there is no memory for, as where a test takes it
 * away, is counted all the same. */
static void make_room(void)
{
    uint32_t cap = self.cap ? self.cap * 2 : KEPT_MIN;
    cz_str *grown = cz_arena_alloc(cz_test_arena(), cap * sizeof *grown);
    if (!grown)
        return;
    memset(grown, 0, cap * sizeof *grown);
    if (self.items)
        memcpy(grown, self.items, self.cap * sizeof *grown);
    self.items = grown;
    self.cap = cap;
}

static void keep(const cz__db_statement *statement)
{
    if (self.count >= self.cap)
        make_room();
    if (self.count < self.cap &&
        cz_str_dup(cz_test_arena(), statement->sql, &self.items[self.count]))
        self.items[self.count] = CZ_STR("(no memory to keep it)");
    self.count++;
}

static cz_status count_select(cz_ctx *ctx, cz__db_session *session,
                              const cz__db_statement *statement, const cz__db_param *params,
                              size_t count, cz__db_cursor *out, cz_error *err)
{
    keep(statement);
    const struct counted *counted = (const struct counted *)session->db->driver;
    return counted->own->select(ctx, session, statement, params, count, out, err);
}

static cz_status count_change(cz_ctx *ctx, cz__db_session *session,
                              const cz__db_statement *statement, const cz__db_param *params,
                              size_t count, int64_t *out_rows, int64_t *out_last_id, cz_error *err)
{
    keep(statement);
    const struct counted *counted = (const struct counted *)session->db->driver;
    return counted->own->change(ctx, session, statement, params, count, out_rows, out_last_id, err);
}

void cz__test_count_queries(void)
{
    CZ_REQUIRE(cz__database_count && cz__databases[0].primary);
    for (size_t i = 0; i < cz__database_count; i++) {
        struct counted *counted = &self.counted[i];
        cz__db *db = cz__databases[i].primary;
        if (!db || db->driver == &counted->driver)
            continue;
        counted->own = db->driver;
        counted->driver = *db->driver;
        counted->driver.select = count_select;
        counted->driver.change = count_change;
        db->driver = &counted->driver;
    }
}

struct cz__test_queries cz__test_queries(void)
{
    cz__test_count_queries();
    return (struct cz__test_queries){ self.count <= self.cap ? self.items : NULL, self.count };
}

void cz__expect_queries(const char *file, int line, const cz_str *queries, uint32_t count,
                        uint32_t expected)
{
    if (count == expected)
        return;
    cz__test_fail(file, line, "%u queries, expected %u", count, expected);
    for (uint32_t i = 0; i < count && queries; i++)
        cz__test_fail(file, line, "query %u: %.*s", i + 1, CZ_STR_ARG(queries[i]));
}

struct cz__query_block cz__query_block_begin(const char *file, int line, uint32_t expected)
{
    return (struct cz__query_block){ file, line, cz__test_queries().count, expected, true };
}

void cz__query_block_end(const struct cz__query_block *block)
{
    struct cz__test_queries now = cz__test_queries();
    cz__expect_queries(block->file, block->line, now.items ? now.items + block->before : NULL,
                       now.count - block->before, block->expected);
}
