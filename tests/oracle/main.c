/* Calzone's side of the oracle test: a project whose command `answer` asks the questions. */
#include "oracle.h"

cz_buf answer;
cz_json_writer out;
const char undone[] = "undone";

static void begin(const struct question *question, const char *key)
{
    cz_buf_clear(&answer);
    cz_json_writer_init(&out, &answer);
    cz_json_object(&out);
    cz_json_key(&out, CZ_STR("name"));
    cz_json_str(&out, cz_str_from(question->name));
    cz_json_key(&out, cz_str_from(key));
}

/* Print the rows a question gives, or what it raised. */
static void ask(cz_ctx *ctx, const struct question *question)
{
    cz_error err = { 0 };
    begin(question, "rows");
    cz_json_list(&out);
    cz_status status = cz_try(ctx, question->ask, NULL, &err);
    if (status == CZ_OK || strcmp(cz_error_message(&err), undone) == 0) {
        cz_json_list_end(&out);
    } else {
        begin(question, "error");
        cz_json_str(&out, status == CZ_EINTEGRITY ? CZ_STR("integrity")
                                                  : cz_str_from(cz_error_message(&err)));
    }
    cz_json_object_end(&out);
    printf("%.*s\n", (int)answer.len, answer.ptr);
}

/* Whether it is among the names given; all are when none is. */
static bool is_wanted(const struct question *question, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], question->name) == 0)
            return true;
    return argc <= 1;
}

static int answer_all(cz_ctx *ctx, const cz_project *project, int argc, char **argv)
{
    (void)ctx, (void)project;
    const struct question *const parts[] = { questions_0, questions_1, questions_2, questions_3 };
    cz_buf_init(&answer, 16 << 20);
    /* in the order Django is asked: a sequence of PostgreSQL does not go back with what is undone */
    for (size_t n = 0; parts[n % CZ_COUNT(parts)][n / CZ_COUNT(parts)].name; n++) {
        const struct question *question = &parts[n % CZ_COUNT(parts)][n / CZ_COUNT(parts)];
        if (!is_wanted(question, argc, argv))
            continue;
        cz_arena *arena;
        cz_ctx own;
        if (cz_arena_create(NULL, 0, &arena) != CZ_OK)
            abort();
        cz_ctx_init(&own, arena);
        ask(&own, question);
        cz_ctx_done(&own);
        cz_arena_destroy(arena);
    }
    cz_buf_done(&answer);
    return 0;
}

static const cz_command commands[] = { { "answer", "Ask every question, or those named.", NULL,
                                         answer_all } };
static const cz_app shop = {
    .name = "shop",
    .models = CZ_MODELS(Box, Tag, Thing, Part, Bolt, Crate, Staff, Post, Team, Senior, Root,
                        OnCascade, OnProtect, OnSetNull, OnDoNothing, Leaf, Grand, Guard),
    .commands = CZ_COMMANDS(commands),
};
static const cz_route urls[] = { CZ_ROUTES_END };
CZ_PROJECT_MAIN("oracle", .apps = CZ_APPS(&shop), .urls = urls)
