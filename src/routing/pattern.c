/* Patterns: "/books/<int:id>" into segments, and a path's segment against one of them. */
#include "routing/routing_internal.h"
#include <calzone/random.h>

enum { SEGMENTS_MAX = 32 };

static const struct {
    const char *name;
    enum cz__converter_kind kind;
} converters[] = {
    { "str", CZ__CONVERT_STR },   { "int", CZ__CONVERT_INT },   { "slug", CZ__CONVERT_SLUG },
    { "uuid", CZ__CONVERT_UUID }, { "path", CZ__CONVERT_PATH },
};

static bool find_converter(const cz_router *router, cz_str name, struct cz__segment *out)
{
    for (size_t i = 0; i < CZ_COUNT(converters); i++)
        if (cz_str_eq(name, cz_str_from(converters[i].name))) {
            out->kind = converters[i].kind;
            return true;
        }
    const cz_converter *custom = router->options->converters;
    for (; custom && custom->name; custom++)
        if (cz_str_eq(name, cz_str_from(custom->name))) {
            out->kind = CZ__CONVERT_CUSTOM;
            out->custom = custom;
            return true;
        }
    return false;
}

static bool is_name(cz_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i > 0 && c >= '0' && c <= '9'))
            return false;
    }
    return name.len > 0;
}

static cz_status compile_segment(const cz_router *router, const char *pattern, cz_str text,
                                 struct cz__segment *out, cz_error *err)
{
    *out = (struct cz__segment){ .text = text };
    size_t open = cz_str_find_char(text, '<');
    if (open == SIZE_MAX) {
        if (cz_str_find_char(text, '>') != SIZE_MAX)
            return cz_error_set(err, CZ_EVALIDATION, "route \"%s\": \">\" without \"<\"", pattern);
        return CZ_OK;
    }
    cz_str rest = cz_str_tail(text, open + 1);
    size_t close = cz_str_find_char(rest, '>');
    if (close == SIZE_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "route \"%s\": \"<\" without \">\"", pattern);
    cz_str inside = cz_str_head(rest, close);
    out->parameter = true;
    out->text = cz_str_head(text, open);
    out->suffix = cz_str_tail(rest, close + 1);
    if (cz_str_find_char(out->suffix, '<') != SIZE_MAX)
        return cz_error_set(err, CZ_EVALIDATION, "route \"%s\": two parameters in one segment",
                            pattern);
    cz_str converter = CZ_STR("str");
    if (cz_str_find_char(inside, ':') != SIZE_MAX)
        converter = cz_str_cut(&inside, ':');
    out->name = inside;
    if (!find_converter(router, converter, out))
        return cz_error_set(err, CZ_EVALIDATION, "route \"%s\": no converter \"%.*s\"", pattern,
                            CZ_STR_ARG(converter));
    if (!is_name(inside))
        return cz_error_set(err, CZ_EVALIDATION, "route \"%s\": \"%.*s\" is no parameter name",
                            pattern, CZ_STR_ARG(inside));
    return CZ_OK;
}

cz_status cz__pattern_compile(cz_router *router, const char *pattern, struct cz__segment **out,
                              size_t *out_count, cz_error *err)
{
    if (pattern[0] != '/')
        return cz_error_set(err, CZ_EVALIDATION, "route \"%s\" must begin with \"/\"", pattern);
    struct cz__segment *segments = cz_arena_array(router->arena, struct cz__segment, SEGMENTS_MAX);
    if (!segments)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the routes");
    size_t count = 0, parameters = 0;
    cz_str rest = cz_str_from(pattern + 1);
    for (bool more = true; more;) {
        if (count == SEGMENTS_MAX)
            return cz_error_set(err, CZ_EVALIDATION, "route \"%s\" has more than %d segments",
                                pattern, SEGMENTS_MAX);
        more = cz_str_find_char(rest, '/') != SIZE_MAX;
        struct cz__segment *segment = &segments[count++];
        cz_status status = compile_segment(router, pattern, cz_str_cut(&rest, '/'), segment, err);
        if (status)
            return status;
        if (segment->parameter && ++parameters > CZ_COUNT(((cz_request *)0)->params))
            return cz_error_set(err, CZ_EVALIDATION, "route \"%s\" has more than %zu parameters",
                                pattern, CZ_COUNT(((cz_request *)0)->params));
        if (segment->parameter && segment->kind == CZ__CONVERT_PATH &&
            (more || segment->suffix.len))
            return cz_error_set(err, CZ_EVALIDATION,
                                "route \"%s\": nothing can follow a path parameter", pattern);
        for (size_t i = 0; i + 1 < count; i++)
            if (segment->parameter && segments[i].parameter &&
                cz_str_eq(segments[i].name, segment->name))
                return cz_error_set(err, CZ_EVALIDATION, "route \"%s\": two parameters \"%.*s\"",
                                    pattern, CZ_STR_ARG(segment->name));
    }
    *out = segments;
    *out_count = count;
    return CZ_OK;
}

bool cz__segment_same(const struct cz__segment *a, const struct cz__segment *b)
{
    return a->parameter == b->parameter && a->kind == b->kind && a->custom == b->custom &&
           cz_str_eq(a->text, b->text) && cz_str_eq(a->suffix, b->suffix);
}

static bool is_slug(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_'))
            return false;
    }
    return true;
}

static bool is_digits(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return true;
}

/* Django's converter takes lower-case hexadecimal only, so one object has one address. */
static bool read_uuid(cz_str text, cz_param *out)
{
    cz_uuid uuid;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] >= 'A' && text.ptr[i] <= 'F')
            return false;
    if (cz_uuid_parse(text, &uuid))
        return false;
    memcpy(out->uuid, uuid.bytes, sizeof out->uuid);
    return true;
}

bool cz__segment_matches(const struct cz__segment *segment, cz_str text, cz_param *out)
{
    if (!segment->parameter)
        return cz_str_eq(segment->text, text);
    if (text.len <= segment->text.len + segment->suffix.len ||
        !cz_str_starts_with(text, segment->text) || !cz_str_ends_with(text, segment->suffix))
        return false;
    text =
        cz_str_of(text.ptr + segment->text.len, text.len - segment->text.len - segment->suffix.len);
    out->name = segment->name;
    out->text = text;
    out->integer = 0;
    out->is_integer = segment->kind == CZ__CONVERT_INT;
    switch (segment->kind) {
    case CZ__CONVERT_INT:
        return is_digits(text) && cz_str_to_i64(text, &out->integer) == CZ_OK;
    case CZ__CONVERT_SLUG:
        return is_slug(text);
    case CZ__CONVERT_UUID:
        return read_uuid(text, out);
    case CZ__CONVERT_CUSTOM:
        return segment->custom->matches(text);
    case CZ__CONVERT_STR:
    case CZ__CONVERT_PATH:
        return true;
    }
    return false;
}
