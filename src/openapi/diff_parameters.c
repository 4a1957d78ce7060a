/* The parameters of an operation in two documents: its own, and those of its path. */
#include "openapi/diff.h"

/* The place of a parameter in its path: names may change there, and nobody sends them. */
static int position_of(cz_str path, cz_str name)
{
    int position = 0;
    for (size_t open; (open = cz_str_find_char(path, '{')) != SIZE_MAX; position++) {
        path = cz_str_tail(path, open + 1);
        if (cz_str_eq(cz_str_cut(&path, '}'), name))
            return position;
    }
    return -1;
}

static bool same_parameter(const struct cz__diff_pair *pair, const cz_json_value *old,
                           const cz_json_value *new_)
{
    cz_str in = cz__diff_string(cz_json_get(old, CZ_STR("in")));
    cz_str old_name = cz__diff_string(cz_json_get(old, CZ_STR("name")));
    cz_str new_name = cz__diff_string(cz_json_get(new_, CZ_STR("name")));
    if (!cz_str_eq(in, cz__diff_string(cz_json_get(new_, CZ_STR("in")))))
        return false;
    if (cz_str_eq(in, CZ_STR("path")))
        return position_of(pair->old_template, old_name) ==
               position_of(pair->new_template, new_name);
    return cz_str_eq(in, CZ_STR("header")) ? cz_str_eq_icase(old_name, new_name)
                                           : cz_str_eq(old_name, new_name);
}

/* Calls of an operation may have what it lists and what its path lists. */
struct parameters {
    const cz_json_value *document;
    const cz_json_value *lists[2];
};

static struct parameters parameters_of(const struct cz__diff_pair *pair, bool of_old)
{
    const cz_json_value *operation = of_old ? pair->old : pair->new_;
    const cz_json_value *path = of_old ? pair->old_path : pair->new_path;
    return (struct parameters){ .document = of_old ? pair->diff->old : pair->diff->new_,
                                .lists = { cz_json_get(operation, CZ_STR("parameters")),
                                           cz_json_get(path, CZ_STR("parameters")) } };
}

/* The next one; NULL at the end. What leads nowhere is passed over. */
static const cz_json_value *next_parameter(const struct cz__diff_pair *pair,
                                           const struct parameters *list, size_t *cursor)
{
    uint32_t first = cz__diff_count(list->lists[0], CZ_JSON_LIST);
    uint32_t count = first + cz__diff_count(list->lists[1], CZ_JSON_LIST);
    while (*cursor < count) {
        size_t i = (*cursor)++;
        const cz_json_value *item =
            i < first ? &list->lists[0]->as.items[i] : &list->lists[1]->as.items[i - first];
        const cz_json_value *one = cz__diff_resolve(pair->diff, list->document, item);
        if (one)
            return one;
    }
    return NULL;
}

/* The parameter of one side that is `wanted` of the other. `forward`: `wanted` is of the older document. */
static const cz_json_value *find_parameter(const struct cz__diff_pair *pair,
                                           const cz_json_value *wanted, bool forward)
{
    struct parameters list = parameters_of(pair, !forward);
    size_t cursor = 0;
    for (const cz_json_value *one; (one = next_parameter(pair, &list, &cursor)) != NULL;)
        if (same_parameter(pair, forward ? wanted : one, forward ? one : wanted))
            return one;
    return NULL;
}

/* Whether an operation's own parameter stands in place of this one of its path. */
static bool is_replaced(const struct cz__diff_pair *pair, const struct parameters *list,
                        const cz_json_value *wanted)
{
    size_t cursor = 0;
    const cz_json_value *one = NULL;
    cz_str in = cz__diff_string(cz_json_get(wanted, CZ_STR("in")));
    cz_str name = cz__diff_string(cz_json_get(wanted, CZ_STR("name")));
    while ((one = next_parameter(pair, list, &cursor)) != NULL && one != wanted)
        if (cz_str_eq(cz__diff_string(cz_json_get(one, CZ_STR("in"))), in) &&
            cz_str_eq(cz__diff_string(cz_json_get(one, CZ_STR("name"))), name))
            return true;
    return false;
}

static void compare_parameter(const struct cz__diff_pair *pair, const cz_json_value *old,
                              const cz_json_value *new_)
{
    cz_ctx *ctx = pair->diff->ctx;
    const cz_json_value *either = new_ ? new_ : old;
    cz_str where = cz_format(ctx, "%.*s, %.*s parameter \"%.*s\"", CZ_STR_ARG(pair->where),
                             CZ_STR_ARG(cz__diff_string(cz_json_get(either, CZ_STR("in")))),
                             CZ_STR_ARG(cz__diff_string(cz_json_get(either, CZ_STR("name")))));
    bool is_required = cz__diff_is_true(cz_json_get(new_, CZ_STR("required")));
    bool was_required = cz__diff_is_true(cz_json_get(old, CZ_STR("required")));
    if (!new_) {
        cz__diff_add(pair->diff, true, where, CZ_STR("is gone"));
    } else if (!old) {
        cz__diff_add(pair->diff, is_required, where,
                     is_required ? CZ_STR("is new and required") : CZ_STR("is new"));
    } else {
        if (is_required != was_required)
            cz__diff_add(pair->diff, is_required, where,
                         is_required ? CZ_STR("is required now") : CZ_STR("is no longer required"));
        cz__diff_schemas(pair->diff, CZ__SENT_BY_CLIENTS, where, cz_json_get(old, CZ_STR("schema")),
                         cz_json_get(new_, CZ_STR("schema")));
    }
}

static void compare_parameters(const struct cz__diff_pair *pair, bool forward)
{
    struct parameters list = parameters_of(pair, forward);
    size_t cursor = 0;
    for (const cz_json_value *one; (one = next_parameter(pair, &list, &cursor)) != NULL;) {
        if (is_replaced(pair, &list, one))
            continue;
        const cz_json_value *other = find_parameter(pair, one, forward);
        if (forward)
            compare_parameter(pair, one, other);
        else if (!other)
            compare_parameter(pair, NULL, one);
    }
}

void cz__diff_parameters(const struct cz__diff_pair *pair)
{
    compare_parameters(pair, true);
    compare_parameters(pair, false);
}
