/* `openapi diff OLD NEW`: what changed between two documents, and whether clients of the older one break. */
#include "management/project.h"
#include "openapi/diff.h"
#include <stdio.h>

enum { EXIT_SAME = 0, EXIT_BREAKING = 1, EXIT_UNREADABLE = 2, FILE_BYTES_MAX = 64 << 20 };

struct comparing {
    const char *old, *new_;
    bool json;
    struct cz__diff diff;
};

static const cz_json_value *read_document(cz_ctx *ctx, const char *path)
{
    cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX, .keys_max = UINT32_MAX };
    const cz_json_value *document;
    cz_error err;
    cz_str text = cz__command_read_file(ctx, path, FILE_BYTES_MAX);
    if (cz_json_parse(ctx->arena, text, &limits, &document, &err))
        cz_raise(ctx, err.status, "%s: %s; documents are compared as JSON, YAML is not read", path,
                 cz_error_message(&err));
    return document;
}

static void compare(cz_ctx *ctx, void *arg)
{
    struct comparing *comparing = arg;
    cz_error err;
    const cz_json_value *old = read_document(ctx, comparing->old);
    const cz_json_value *new_ = read_document(ctx, comparing->new_);
    if (cz__openapi_diff(ctx, old, new_, &comparing->diff, &err))
        cz_raise_error(ctx, &err);
}

/* ---- telling ---- */

static void print_lines(const struct cz__diff *diff)
{
    for (size_t i = 0; i < diff->count; i++)
        printf("%s  %.*s: %.*s\n", diff->changes[i].breaking ? "breaks" : "      ",
               CZ_STR_ARG(diff->changes[i].where), CZ_STR_ARG(diff->changes[i].what));
    printf("%zu changes, %zu of them breaking\n", diff->count, diff->breaking);
}

static void print_json(cz_ctx *ctx, const struct cz__diff *diff)
{
    cz_json_writer json;
    cz_buf *out = cz_scratch(ctx);
    cz_json_writer_init(&json, out);
    cz_json_object(&json);
    cz_json_key(&json, CZ_STR("breaking"));
    cz_json_u64(&json, diff->breaking);
    cz_json_key(&json, CZ_STR("changes"));
    cz_json_list(&json);
    for (size_t i = 0; i < diff->count; i++) {
        cz_json_object(&json);
        cz_json_key(&json, CZ_STR("breaking"));
        cz_json_bool(&json, diff->changes[i].breaking);
        cz_json_key(&json, CZ_STR("where"));
        cz_json_str(&json, diff->changes[i].where);
        cz_json_key(&json, CZ_STR("what"));
        cz_json_str(&json, diff->changes[i].what);
        cz_json_object_end(&json);
    }
    cz_json_list_end(&json);
    cz_json_object_end(&json);
    cz_check(ctx, cz_buf_status(out));
    printf("%.*s\n", CZ_STR_ARG(cz_buf_str(out)));
}

/* What can't be compared has an exit code of its own: CI must not take it for a change. */
static int run(cz_ctx *ctx, void *arg)
{
    struct comparing *comparing = arg;
    cz_error err;
    if (cz_try(ctx, compare, comparing, &err)) {
        fprintf(stderr, "openapi diff: %s\n", cz_error_message(&err));
        return EXIT_UNREADABLE;
    }
    if (comparing->json)
        print_json(ctx, &comparing->diff);
    else
        print_lines(&comparing->diff);
    return comparing->diff.breaking ? EXIT_BREAKING : EXIT_SAME;
}

int cz__command_openapi_diff(const struct cz__site *site, int argc, char **argv)
{
    struct comparing comparing = { 0 };
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            comparing.json = true;
        } else if (argv[i][0] == '-' || comparing.new_) {
            fprintf(stderr, "openapi diff: unknown argument \"%s\"; see --help\n", argv[i]);
            return EXIT_UNREADABLE;
        } else if (comparing.old) {
            comparing.new_ = argv[i];
        } else {
            comparing.old = argv[i];
        }
    }
    if (!comparing.new_) {
        fprintf(stderr, "openapi diff: name two files, the older one first\n");
        return EXIT_UNREADABLE;
    }
    return cz__site_run_offline(site, run, &comparing);
}
