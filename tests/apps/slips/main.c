/* Slips: SQL written by hand with a mistake in each literal but the first ones, for `check` to find. Not an example. */
#include <calzone/calzone.h>
#include <stdio.h>

#define SLIP(F)                                                                                    \
    F(char_field, text, .max_length = 200)                                                         \
    F(int_field, weight, .default_ = cz_int(1))
CZ_MODEL(Slip, SLIP);

#define HEAVY(F) F(int_field, slips)
CZ_RECORD(Heavy, HEAVY);

static int right(cz_ctx *ctx, const cz_project *project, int argc, char **argv)
{
    (void)project, (void)argc, (void)argv;
    cz_execute(ctx, "INSERT INTO slips_slip (text, weight) VALUES (?, ?)", CZ_ARGS("a", 3));
    printf("%zu\n",
           cz_raw(ctx, Slip, "SELECT * FROM slips_slip WHERE weight IN (?)", CZ_ARGS(CZ_INTS(1, 3)))
               .count);
    cz_rows(Heavy) heavy = cz_raw_values(
        ctx, Heavy,
        CZ_SQL(
            (sqlite, "SELECT COUNT(*) AS slips FROM slips_slip WHERE text IS NOT ?"),
            (postgresql, "SELECT COUNT(*) AS slips FROM slips_slip WHERE text IS DISTINCT FROM ?")),
        CZ_ARGS("b"));
    printf("%d\n", heavy.items[0].slips);
    return 0;
}

#ifdef SLIPS
static int wrong(cz_ctx *ctx, const cz_project *project, int argc, char **argv)
{
    (void)project, (void)argc, (void)argv;
#line 100 "slips.c"
    cz_execute(ctx, "UPDATE slips_slip SET wieght = 1");
    cz_execute(ctx, "DELETE FROM slips_slip WHERE text = ?");
    cz_raw(ctx, Slip, "SELECT id FORM slips_slip");
    cz_raw(ctx, Slip, "SELECT id, COUNT(*) AS total FROM slips_slip GROUP BY id");
    cz_raw(ctx, Slip, "SELECT text FROM slips_slip");
    cz_raw_values(ctx, Heavy, "SELECT 1 AS slips FROM slips_slop");
    cz_raw_values(ctx, Heavy, CZ_SQL((sqlite, "SELECT oops"), (postgresql, "SELECT oops")));
    cz_execute(ctx, "DELETE FROM slips_slip; VACUUM");
    return 0;
}
#endif

static const cz_command commands[] = {
    { "right", "Run what is right.", NULL, right },
#ifdef SLIPS
    { "wrong", "Run what is wrong.", NULL, wrong },
#endif
};
static const cz_app slips_app = { "slips", .models = CZ_MODELS(Slip),
                                  .commands = CZ_COMMANDS(commands) };
static const cz_route urls[] = { CZ_ROUTES_END };

CZ_PROJECT_MAIN("slips", .apps = CZ_APPS(&slips_app), .urls = urls)
