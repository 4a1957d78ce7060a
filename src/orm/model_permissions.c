/* What users may be allowed to do with a model's rows, from its Meta. */
#include "orm/orm_internal.h"
#include <string.h>

enum {
    CODENAME_LENGTH_MAX = 100,
    NAME_LENGTH_MAX = 255
}; /* characters, as in Django's auth_permission */

static const char *defaults_of(const cz_model *model)
{
    const char *said = model->meta.default_permissions;
    return said ? said : "add change delete view";
}

/* The next word at or behind *at, which goes behind it. Empty: there is none. */
static cz_str next_word(const char **at)
{
    const char *word = *at + strspn(*at, " ");
    cz_str found = { word, strcspn(word, " ") };
    *at = word + found.len;
    return found;
}

/* Whether it is "add_post" of the word "add" and the model "post". */
static bool is_default(cz_str codename, cz_str word, const char *model)
{
    cz_str rest = cz_str_tail(codename, word.len);
    return cz_str_eq(cz_str_head(codename, word.len), word) &&
           cz_str_starts_with(rest, CZ_STR("_")) &&
           cz_str_eq(cz_str_tail(rest, 1), cz_str_from(model));
}

static cz_status check_lengths(const cz_model *model, cz_str codename, cz_str name, cz_error *err)
{
    if (!codename.len || !name.len)
        return cz_error_set(err, CZ_EVALIDATION, "%s: a permission without .codename or .name",
                            model->name);
    if (cz_str_utf8_length(codename) > CODENAME_LENGTH_MAX)
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: the permission %.*s: a codename has at most %d characters",
                            model->name, CZ_STR_ARG(codename), CODENAME_LENGTH_MAX);
    if (cz_str_utf8_length(name) > NAME_LENGTH_MAX)
        return cz_error_set(err, CZ_EVALIDATION,
                            "%s: the permission %.*s: a name has at most %d characters",
                            model->name, CZ_STR_ARG(codename), NAME_LENGTH_MAX);
    return CZ_OK;
}

static cz_status check_difference(const cz_model *model, size_t index, cz_error *err)
{
    const cz_model_permission *items = model->meta.permissions.items;
    const char *at = defaults_of(model);
    for (cz_str word = next_word(&at); word.len; word = next_word(&at))
        if (is_default(cz_str_from(items[index].codename), word, model->state->lower_name))
            return cz_error_set(err, CZ_EVALIDATION,
                                "%s: the permission %s is one of .default_permissions already",
                                model->name, items[index].codename);
    for (size_t other = 0; other < index; other++)
        if (strcmp(items[other].codename, items[index].codename) == 0)
            return cz_error_set(err, CZ_EVALIDATION, "%s: two permissions are called %s",
                                model->name, items[index].codename);
    return CZ_OK;
}

/* Django's auth.E005 to E008; E011, too long a name of the model, can't be: it has at most 60 bytes. */
cz_status cz__model_permissions_check(const cz_model *model, cz_error *err)
{
    const cz_model_permissions *own = &model->meta.permissions;
    cz_status status = CZ_OK;
    for (size_t i = 0; !status && i < own->count; i++) {
        status = check_lengths(model, cz_str_from(own->items[i].codename),
                               cz_str_from(own->items[i].name), err);
        if (!status)
            status = check_difference(model, i, err);
    }
    return status;
}

cz_model_permissions cz_permissions_of(cz_ctx *ctx, const cz_model *model)
{
    const cz_model_permissions *own = &model->meta.permissions;
    const char *person =
        model->meta.verbose_name ? model->meta.verbose_name : model->state->lower_name;
    size_t words = strlen(defaults_of(model)) / 2 + 1, count = 0;
    cz_model_permission *items = cz_array(ctx, cz_model_permission, words + own->count);
    const char *at = defaults_of(model);
    for (cz_str word = next_word(&at); word.len; word = next_word(&at)) {
        cz_model_permission *item = &items[count++];
        item->codename =
            cz_arena_printf(ctx->arena, "%.*s_%s", CZ_STR_ARG(word), model->state->lower_name);
        item->name = cz_arena_printf(ctx->arena, "Can %.*s %s", CZ_STR_ARG(word), person);
        cz_check(ctx, item->codename && item->name ? CZ_OK : CZ_ENOMEM);
    }
    if (own->count)
        memcpy(items + count, own->items, own->count * sizeof *items);
    return (cz_model_permissions){ items, count + own->count };
}
