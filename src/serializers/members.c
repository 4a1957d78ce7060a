/* What a serializer's lists come to: its fields in order, each with where its value is. */
#include "serializers/serializers_internal.h"

/* A declaration on its way to a field. */
struct declaring {
    cz_serializer *serializer;
    cz_arena *arena;
    const cz_serializer_member *member; /* NULL: a plain field of the list */
    struct cz__serializer_field *out;
    cz_error *err;
};

static bool listed(const cz_fields *fields, cz_str name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (cz_str_eq(fields->items[i], name))
            return true;
    return false;
}

static cz_status refuse(const struct declaring *declaring, const char *why)
{
    return cz_error_set(declaring->err, CZ_EVALIDATION, "serializer of %s: \"%.*s\" %s",
                        declaring->serializer->model->name, CZ_STR_ARG(declaring->out->name), why);
}

static cz_status no_memory(cz_error *err)
{
    return cz_error_set(err, CZ_ENOMEM, "no memory for a serializer");
}

/* Follow a source to its column, over foreign keys. */
static cz_status follow(const struct declaring *declaring, cz_str source)
{
    struct cz__serializer_field *out = declaring->out;
    const cz_model *model = declaring->serializer->model;
    const cz__column **way =
        cz_arena_array(declaring->arena, const cz__column *, cz_str_count(source, '>') + 1);
    if (!way)
        return no_memory(declaring->err);
    out->way = way;
    for (cz_str rest = source;;) {
        size_t arrow = cz_str_find(rest, CZ_STR("->"));
        cz_str part = cz_str_trim(arrow == SIZE_MAX ? rest : cz_str_head(rest, arrow));
        out->column = cz__column_find(model, part);
        if (!out->column)
            return refuse(declaring, "is no field of its model");
        if (arrow == SIZE_MAX)
            return CZ_OK;
        if (!out->column->relation)
            return refuse(declaring, "goes over what is no foreign key");
        way[out->way_count++] = out->column;
        model = out->column->field->target;
        rest = cz_str_tail(rest, arrow + 2);
    }
}

static bool is_relation(const cz__column *column)
{
    return column && (column->relation || column->many);
}

/* The other side of a one-to-one. */
static bool is_one(const cz__column *column)
{
    return column->via && !column->link_table && column->via->field->kind == CZ_KIND_one_to_one;
}

static cz_status represent_relation(struct declaring *declaring)
{
    const cz_serializer_member *member = declaring->member;
    struct cz__serializer_field *out = declaring->out;
    const cz_model *target = out->column->field->target;
    if (member->nested) {
        out->as = CZ__AS_NESTED;
        if (!cz__same_table(member->nested->model, target))
            return refuse(declaring, "leads to another model than its .nested is of");
        return cz__serializer_prepare(member->nested, declaring->err);
    }
    if (member->view) {
        out->as = CZ__AS_LINK;
        return CZ_OK;
    }
    out->as = CZ__AS_SLUG;
    out->slug = cz__column_find(target, member->slug);
    if (!out->slug || !out->slug->stored || CZ__DB_KIND(out->slug->type) == CZ__DB_JSON)
        return refuse(declaring, "has a .slug that is no field of the other side");
    return CZ_OK;
}

/* Its serializer is worked out when this one is: the other side may expand to this one again. */
static cz_status check_expansion(const struct declaring *declaring)
{
    const cz_serializer_member *member = declaring->member;
    const cz__column *column = declaring->out->column;
    if (!member->expand)
        return CZ_OK;
    if (member->nested || member->compute || !is_relation(column))
        return refuse(declaring, "has an .expand, which is for relations that are not .nested");
    return cz__same_table(member->expand->model, column->field->target)
               ? CZ_OK
               : refuse(declaring, "leads to another model than its .expand is of");
}

static cz_status represent(struct declaring *declaring)
{
    const cz_serializer_member *member = declaring->member;
    struct cz__serializer_field *out = declaring->out;
    if (!member)
        return CZ_OK;
    if ((member->nested != NULL) + (member->slug.len > 0) + (member->view != NULL) +
            (member->compute != NULL) >
        1)
        return refuse(declaring, "has more than one of .nested, .slug, .view and .compute");
    if (member->compute) {
        out->as = CZ__AS_COMPUTED;
        return out->column ? refuse(declaring, "has either .source or .compute") : CZ_OK;
    }
    if (!out->column) {
        out->as = CZ__AS_LINK;
        return member->view ? CZ_OK : refuse(declaring, "has no .source");
    }
    if (!member->nested && !member->slug.len && !member->view)
        return CZ_OK;
    return is_relation(out->column) ? represent_relation(declaring)
                                    : refuse(declaring, "is no relation");
}

static bool is_unique(const cz__column *column)
{
    return column->field->options.unique || column->ordinal == 0;
}

/* Whether input cannot change it, whoever says so. */
static bool is_fixed(const struct cz__serializer_field *field)
{
    const cz__column *column = field->column;
    bool writable = field->member && field->member->writable;
    if (!column || field->way_count || column->field->options.read_only)
        return true;
    if (column->through)
        return true;
    if (field->as == CZ__AS_NESTED || (column->many && column->via && !column->link_table))
        return !writable;
    return false;
}

static cz_status check_wishes(const struct declaring *declaring)
{
    const cz_serializer_member *member = declaring->member;
    const struct cz__serializer_field *out = declaring->out;
    bool fixed = is_fixed(out);
    if (!member)
        return CZ_OK;
    if (member->required && member->optional)
        return refuse(declaring, "is .required and .optional");
    if (member->read_only && (member->write_only || member->writable))
        return refuse(declaring, "is .read_only and not");
    if (fixed && (member->write_only || member->writable || member->required))
        return refuse(declaring, "can not be written by input");
    if (member->list && !member->compute)
        return refuse(declaring, "has .list, which is for a .compute");
    if (member->compute && member->type >= CZ_KIND_foreign_key)
        return refuse(declaring, "has a .type that is no value's");
    if (out->as == CZ__AS_SLUG && !fixed && !member->read_only && !is_unique(out->slug))
        return refuse(declaring,
                      "has a .slug that is not .unique, so input can't name one row by it; make it "
                      ".read_only");
    return CZ_OK;
}

static bool must_be_given(const struct cz__serializer_field *field)
{
    const cz_serializer_member *member = field->member;
    if (field->read_only || (member && member->optional))
        return false;
    if (member && member->required)
        return true;
    const cz_field_options *options = &field->column->field->options;
    return !options->null && !options->blank && !cz__column_fills_itself(field->column);
}

static cz_status prepare_field(struct declaring *declaring, cz_str source)
{
    const cz_serializer_member *member = declaring->member;
    struct cz__serializer_field *out = declaring->out;
    const cz_serializer *serializer = declaring->serializer;
    out->member = member;
    out->name = member && member->name ? cz_str_from(member->name) : source;
    if (!out->name.len)
        return cz_error_set(declaring->err, CZ_EVALIDATION,
                            "serializer of %s: a member without .name and .source",
                            serializer->model->name);
    if (cz_str_find(out->name, CZ_STR("->")) != SIZE_MAX)
        return refuse(declaring, "is a path: give the member a .name");
    cz_status status = source.len ? follow(declaring, source) : CZ_OK;
    if (!status)
        status = represent(declaring);
    if (!status && member)
        status = check_expansion(declaring);
    if (!status)
        status = check_wishes(declaring);
    if (status)
        return status;
    out->list = out->column && out->column->many && !is_one(out->column);
    out->read_only =
        is_fixed(out) || listed(&serializer->read_only, source) || (member && member->read_only);
    out->write_only = listed(&serializer->write_only, source) || (member && member->write_only);
    if (out->read_only && out->write_only)
        return refuse(declaring, "is read-only and write-only");
    out->required = must_be_given(out);
    return CZ_OK;
}

/* The member that says more of a field of the list: the first of that source. */
static const cz_serializer_member *refinement(const cz_serializer *serializer, cz_str field)
{
    for (size_t i = 0; i < serializer->members.count; i++)
        if (cz_str_eq(serializer->members.items[i].source, field))
            return &serializer->members.items[i];
    return NULL;
}

static bool refines(const cz_serializer *serializer, const cz_serializer_member *member)
{
    return member->source.len && listed(&serializer->fields, member->source) &&
           refinement(serializer, member->source) == member;
}

static cz_status write_key(struct cz__serializer_field *field, bool first, cz_arena *arena)
{
    cz_buf key = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &key);
    if (!first)
        cz_buf_append_char(&key, ',');
    cz_json_str(&json, field->name);
    cz_buf_append_char(&key, ':');
    return cz__buf_take(&key, arena, &field->key);
}

cz_status cz__serializer_lay_out(struct cz__serializer_state *state, cz_arena *arena)
{
    bool first = true;
    state->plain = true;
    state->fixed_bytes = 2;
    for (size_t i = 0; i < state->count; i++) {
        struct cz__serializer_field *field = &state->fields[i];
        if (field->column && !field->way_count && field->column->ordinal == 0 &&
            field->as == CZ__AS_VALUE && !state->serializer->model->record)
            state->key = field;
        if (field->write_only)
            continue;
        if (write_key(field, first, arena))
            return CZ_ENOMEM;
        first = false;
        state->plain &= field->as == CZ__AS_VALUE && !field->way_count && field->column->stored;
        state->fixed_bytes +=
            field->key.len + 64; /* the longest value that is no text, with room */
    }
    return CZ_OK;
}

static cz_status check_names(const struct cz__serializer_state *state, cz_error *err)
{
    for (size_t i = 0; i < state->count; i++)
        for (size_t other = 0; other < i; other++)
            if (cz_str_eq(state->fields[other].name, state->fields[i].name))
                return cz_error_set(
                    err, CZ_EVALIDATION, "serializer of %s: two members are called \"%.*s\"",
                    state->serializer->model->name, CZ_STR_ARG(state->fields[i].name));
    return CZ_OK;
}

static cz_status check_lists(const cz_serializer *serializer, cz_error *err)
{
    const struct {
        const char *name;
        const cz_fields *fields;
    } lists[] = { { "read_only", &serializer->read_only },
                  { "write_only", &serializer->write_only } };
    for (size_t n = 0; n < CZ_COUNT(lists); n++)
        for (size_t i = 0; i < lists[n].fields->count; i++)
            if (!listed(&serializer->fields, lists[n].fields->items[i]))
                return cz_error_set(
                    err, CZ_EVALIDATION, "serializer of %s: %s \"%.*s\" is not in .fields",
                    serializer->model->name, lists[n].name, CZ_STR_ARG(lists[n].fields->items[i]));
    return CZ_OK;
}

cz_status cz__serializer_fields(cz_serializer *serializer, cz_arena *arena,
                                struct cz__serializer_state *out, cz_error *err)
{
    const cz_fields *fields = &serializer->fields;
    const cz_serializer_members *members = &serializer->members;
    struct cz__serializer_field *made =
        cz_arena_array(arena, struct cz__serializer_field, fields->count + members->count);
    cz_status status = made ? check_lists(serializer, err) : no_memory(err);
    struct declaring declaring = { serializer, arena, NULL, NULL, err };
    *out = (struct cz__serializer_state){ .serializer = serializer, .fields = made };
    for (size_t i = 0; !status && i < fields->count; i++) {
        declaring.member = refinement(serializer, fields->items[i]);
        declaring.out = &made[out->count++];
        status = prepare_field(&declaring, fields->items[i]);
    }
    for (size_t i = 0; !status && i < members->count; i++) {
        if (refines(serializer, &members->items[i]))
            continue;
        declaring.member = &members->items[i];
        declaring.out = &made[out->count++];
        status = prepare_field(&declaring, members->items[i].source);
    }
    if (!status)
        status = check_names(out, err);
    if (!status && cz__serializer_lay_out(out, arena))
        status = no_memory(err);
    return status;
}
