/* What two documents ask callers to prove: nobody may be let in by less of what was there before. */
#include "openapi/diff.h"
#include "openapi/schema_check.h"

/* Whether who fulfils `given`, schemes with scopes, fulfils `asked` as well. */
static bool fulfils(const cz_json_value *given, const cz_json_value *asked)
{
    for (uint32_t i = 0; i < cz__diff_count(asked, CZ_JSON_OBJECT); i++) {
        const cz_json_value *scheme = cz_json_get(given, asked->keys[i]);
        const cz_json_value *scopes = &asked->as.items[i];
        if (!scheme)
            return false;
        for (uint32_t s = 0; s < cz__diff_count(scopes, CZ_JSON_LIST); s++) {
            bool has = false;
            for (uint32_t g = 0; g < cz__diff_count(scheme, CZ_JSON_LIST) && !has; g++)
                has = cz_json_eq(&scheme->as.items[g], &scopes->as.items[s]);
            if (!has)
                return false;
        }
    }
    return true;
}

/* Whether every way of `old` to be let in is one of `new_`, too; an empty list lets everyone in. */
static bool lets_in(const cz_json_value *old, const cz_json_value *new_)
{
    static const cz_json_value nothing = { .kind = CZ_JSON_OBJECT };
    uint32_t ways = cz__diff_count(old, CZ_JSON_LIST), count = cz__diff_count(new_, CZ_JSON_LIST);
    for (uint32_t i = 0; i < (ways ? ways : 1); i++) {
        const cz_json_value *given = ways ? &old->as.items[i] : &nothing;
        bool in = count == 0;
        for (uint32_t n = 0; n < count && !in; n++)
            in = fulfils(given, &new_->as.items[n]);
        if (!in)
            return false;
    }
    return true;
}

static const cz_json_value *security_of(const cz_json_value *operation,
                                        const cz_json_value *document)
{
    const cz_json_value *own = cz_json_get(operation, CZ_STR("security"));
    return own ? own : cz_json_get(document, CZ_STR("security"));
}

void cz__diff_security(struct cz__diff *diff, cz_str where, const cz_json_value *old_operation,
                       const cz_json_value *new_operation)
{
    const cz_json_value *old = security_of(old_operation, diff->old);
    const cz_json_value *new_ = security_of(new_operation, diff->new_);
    if (!lets_in(old, new_))
        cz__diff_add(diff, true, where, CZ_STR("asks for other proof of who calls"));
    else if (!lets_in(new_, old))
        cz__diff_add(diff, false, where, CZ_STR("asks for less proof of who calls"));
}

/* What a scheme says beside its description. */
void cz__diff_security_schemes(struct cz__diff *diff)
{
    static const char *const keys[] = {
        "type", "scheme", "in", "name", "openIdConnectUrl", "flows"
    };
    cz_str place = CZ_STR("#/components/securitySchemes");
    const cz_json_value *old = cz__json_pointer(diff->ctx, diff->old, place);
    const cz_json_value *new_ = cz__json_pointer(diff->ctx, diff->new_, place);
    for (uint32_t i = 0; i < cz__diff_count(old, CZ_JSON_OBJECT); i++) {
        const cz_json_value *one = &old->as.items[i], *other = cz_json_get(new_, old->keys[i]);
        cz_str where = cz_format(diff->ctx, "security scheme \"%.*s\"", CZ_STR_ARG(old->keys[i]));
        for (size_t k = 0; other && k < CZ_COUNT(keys); k++) {
            const cz_json_value *was = cz_json_get(one, cz_str_from(keys[k]));
            const cz_json_value *is = cz_json_get(other, cz_str_from(keys[k]));
            if (was && is ? !cz_json_eq(was, is) : was != is)
                cz__diff_add(diff, true, where,
                             cz_format(diff->ctx, "has another \"%s\"", keys[k]));
        }
    }
}
