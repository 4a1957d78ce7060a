/* Rows by their addresses: DRF's HyperlinkedRelatedField. */
#include "http/targets.h"
#include "serializers/serializers_internal.h"
#include <calzone/routing.h>

cz_str cz__link_to(cz_ctx *ctx, const cz_request *req, const char *view, const cz_model *model,
                   const void *key)
{
    char text[CZ_UUID_TEXT];
    cz_str value = cz__key_text(model, key, text);
    cz_str path = cz_reverse(ctx, view, &value, 1);
    return req ? cz_request_absolute_uri(ctx, req, path) : path;
}

const char *cz__link_key(cz_ctx *ctx, const char *view, const cz_model *model, cz_str address,
                         void *key, const char **out_code)
{
    cz_str path;
    cz_resolved resolved;
    /* whose host it is does not matter, as in DRF */
    cz_status status =
        cz_percent_decode(ctx->arena, cz__target_path(cz_str_trim(address)), false, &path);
    if (status && status != CZ_EVALIDATION)
        cz_check(ctx, status);
    *out_code = "no_match";
    if (status || !cz_resolve_for(ctx, path, &resolved))
        return "Invalid hyperlink - No URL match.";
    *out_code = "incorrect_match";
    bool is_view = !strcmp(resolved.name, view) || !strcmp(resolved.local_name, view);
    if (!is_view || resolved.param_count != 1)
        return "Invalid hyperlink - Incorrect URL match.";
    const cz_param *param = &resolved.params[0];
    if (CZ__DB_KIND(model->state->key->type) != CZ__DB_UUID && param->is_integer)
        memcpy(key, &param->integer, sizeof param->integer);
    else if (CZ__DB_KIND(model->state->key->type) != CZ__DB_UUID || cz_uuid_parse(param->text, key))
        return "Invalid hyperlink - Incorrect URL match.";
    return NULL;
}
