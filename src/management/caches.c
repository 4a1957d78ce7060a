/* A project's caches: the settings that name them, opening them. */
#include "management/project.h"
#include "cache/caches.h"

cz_status cz__site_declare_caches(const struct cz__site *site, cz_setting_table *out, cz_error *err)
{
    const cz_cache_list *list = &site->project->caches;
    cz_setting *settings = cz_arena_array(site->arena, cz_setting, list->count + 1);
    bool made = settings != NULL;
    for (size_t i = 0; i < list->count && made; i++) {
        const char *alias = list->items[i].alias ? list->items[i].alias : "";
        settings[i] = (cz_setting){ .name = cz__alias_setting(site->arena, "CACHE", alias, "URL"),
                                    .kind = CZ_SETTING_URL,
                                    .help = "The cache of this alias, as CACHE_URL." };
        made = settings[i].name != NULL;
    }
    if (!made)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the caches");
    *out = (cz_setting_table){ settings, list->count };
    return CZ_OK;
}

static cz_status open_cache(const struct cz__site *site, const char *alias, cz_error *err)
{
    const char *setting = cz__alias_setting(site->arena, "CACHE", alias, "URL");
    if (!setting)
        return cz_error_set(err, CZ_ENOMEM, "no memory for the caches");
    return cz__cache_open(alias, cz_setting_str(site->settings, setting),
                          cz_str_from(site->project->name), err);
}

cz_status cz__site_open_caches(const struct cz__site *site, cz_error *err)
{
    const cz_cache_list *list = &site->project->caches;
    cz_status status = open_cache(site, "default", err);
    for (size_t i = 0; i < list->count && !status; i++)
        status = open_cache(site, list->items[i].alias ? list->items[i].alias : "", err);
    return status;
}
