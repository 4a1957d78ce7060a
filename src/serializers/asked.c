/* What a client asks for of a serializer: ?fields= some of its members, ?expand= rows instead of keys. It becomes a serializer
 * of the request's own, so whatever writes rows writes these as it does all others. */
#include <calzone/http.h>
#include "serializers/serializers_internal.h"

/* Names under one serializer, each with its further steps: "title", "author.name". */
struct names {
    const cz_str *items;
    size_t count;
};

static cz_str head_of(cz_str name)
{
    size_t dot = cz_str_find_char(name, '.');
    return dot == SIZE_MAX ? name : cz_str_head(name, dot);
}

static struct names read_names(cz_ctx *ctx, const cz_request *req, const char *parameter)
{
    cz_str list = cz_query_str(ctx, req, parameter);
    cz_str *items = list.len ? cz_array(ctx, cz_str, CZ_ASKED_MEMBERS_MAX) : NULL;
    struct names names = { items, 0 };
    while (list.len) {
        cz_str name = cz_str_trim(cz_str_cut(&list, ','));
        if (!name.len)
            continue;
        if (names.count == CZ_ASKED_MEMBERS_MAX)
            cz_raise_field(ctx, cz_str_from(parameter), "max_length",
                           "Ensure this value has no more than %d names.", CZ_ASKED_MEMBERS_MAX);
        if (cz_str_count(name, '.') >= CZ_EXPAND_DEPTH_MAX)
            cz_raise_field(ctx, cz_str_from(parameter), "max_length",
                           "Ensure a name has no more than %d steps.", CZ_EXPAND_DEPTH_MAX);
        items[names.count++] = name;
    }
    return names;
}

/* Whether the member itself is named: all of it. */
static bool names_whole(struct names names, cz_str member)
{
    for (size_t i = 0; i < names.count; i++)
        if (cz_str_eq(names.items[i], member))
            return true;
    return false;
}

static bool names_any_of(struct names names, cz_str member)
{
    for (size_t i = 0; i < names.count; i++)
        if (cz_str_eq(head_of(names.items[i]), member))
            return true;
    return false;
}

/* The steps behind a member. */
static struct names behind(cz_ctx *ctx, struct names names, cz_str member)
{
    cz_str *items = names.count ? cz_array(ctx, cz_str, names.count) : NULL;
    struct names deeper = { items, 0 };
    for (size_t i = 0; i < names.count; i++)
        if (names.items[i].len > member.len && cz_str_eq(head_of(names.items[i]), member))
            items[deeper.count++] = cz_str_tail(names.items[i], member.len + 1);
    return deeper;
}

/* ---- one serializer ---- */

/* Both parameters, below the members in `way`, "author.country." */
struct asked {
    cz_ctx *ctx;
    cz_str way;
    struct names fields, expand;
};

static CZ_NORETURN void refuse_name(const struct asked *asked, const char *parameter, cz_str name,
                                    const char *why)
{
    cz_raise_field(asked->ctx, cz_str_from(parameter), "invalid", "\"%.*s%.*s\" %s",
                   CZ_STR_ARG(asked->way), CZ_STR_ARG(name), why);
}

static void check_names(const struct asked *asked, const struct cz__serializer_state *state,
                        struct names names, const char *parameter)
{
    for (size_t n = 0; n < names.count; n++) {
        bool found = false;
        for (size_t i = 0; i < state->count && !found; i++)
            found = !state->fields[i].write_only &&
                    cz_str_eq(state->fields[i].name, head_of(names.items[n]));
        if (!found)
            refuse_name(asked, parameter, head_of(names.items[n]), "is not there.");
    }
}

static cz_serializer *narrow(const struct asked *asked, cz_serializer *serializer);

/* The rows that a member shows, if it shows rows to this request. */
static cz_serializer *rows_of(const struct asked *asked, const struct cz__serializer_field *field)
{
    const cz_serializer_member *member = field->member;
    if (field->as == CZ__AS_NESTED)
        return member->nested;
    if (!names_any_of(asked->expand, field->name))
        return NULL;
    if (!member || !member->expand)
        refuse_name(asked, "expand", field->name, "is not to be expanded.");
    return member->expand;
}

static struct cz__serializer_field member_of(const struct asked *asked,
                                             const struct cz__serializer_field *field)
{
    struct cz__serializer_field made = *field;
    cz_serializer *rows = rows_of(asked, field);
    struct asked inside = {
        asked->ctx,
        cz_format(asked->ctx, "%.*s%.*s.", CZ_STR_ARG(asked->way), CZ_STR_ARG(field->name)),
        behind(asked->ctx, asked->fields, field->name),
        behind(asked->ctx, asked->expand, field->name),
    };
    if (names_whole(asked->fields, field->name))
        inside.fields.count = 0;
    if (!rows && inside.fields.count)
        refuse_name(&inside, "fields", head_of(inside.fields.items[0]),
                    "is not there; expand what it is of.");
    if (!rows)
        return made;
    cz_serializer_member *member = cz_new(asked->ctx, cz_serializer_member);
    *member = *field->member;
    member->nested = narrow(&inside, rows);
    made.as = CZ__AS_NESTED;
    made.member = member;
    return made;
}

static cz_serializer *narrow(const struct asked *asked, cz_serializer *serializer)
{
    cz_ctx *ctx = asked->ctx;
    const struct cz__serializer_state *whole = cz__serializer_state(ctx, serializer);
    check_names(asked, whole, asked->fields, "fields");
    check_names(asked, whole, asked->expand, "expand");
    if (!asked->fields.count && !asked->expand.count)
        return serializer;
    struct cz__serializer_state *state = cz_new(ctx, struct cz__serializer_state);
    cz_serializer *made = cz_new(ctx, cz_serializer);
    state->fields = cz_array(ctx, struct cz__serializer_field, whole->count);
    for (size_t i = 0; i < whole->count; i++) {
        const struct cz__serializer_field *field = &whole->fields[i];
        bool wanted = !asked->fields.count || names_any_of(asked->fields, field->name);
        if (wanted && !field->write_only)
            state->fields[state->count++] = member_of(asked, field);
    }
    *made = *serializer;
    made->state = state;
    state->serializer = made;
    cz_check(ctx, cz__serializer_lay_out(state, ctx->arena));
    return made;
}

cz_serializer *cz_serializer_asked_for(cz_ctx *ctx, const cz_request *req,
                                       cz_serializer *serializer)
{
    if (!req->query.len)
        return serializer;
    struct asked asked = { ctx, CZ_STR(""), read_names(ctx, req, "fields"),
                           read_names(ctx, req, "expand") };
    return narrow(&asked, serializer);
}
