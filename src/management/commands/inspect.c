/* `routes`, `check`, `settings`, `version`: what a project is, without running it. */
#include "management/project.h"
#include <calzone/json.h>
#include <calzone/versioning.h>
#include "orm/orm.h"
#include <sqlite3.h>
#include <stdio.h>

static int print_json(cz_buf *buf)
{
    if (cz_buf_status(buf)) {
        fputs("out of memory\n", stderr);
        cz_buf_done(buf);
        return 1;
    }
    printf("%s\n", cz_buf_cstr(buf));
    cz_buf_done(buf);
    return 0;
}

static void member(cz_json_writer *json, const char *key, cz_str value)
{
    cz_json_key(json, cz_str_from(key));
    cz_json_str(json, value);
}

/* Wide enough for the longest, so that the columns stand below each other. */
struct widths {
    int path, name;
};

static struct widths widths_of(const cz_router *router)
{
    struct widths widths = { 40, 24 };
    cz_route_info route;
    for (size_t cursor = 0; cz_router_next(router, &cursor, &route);) {
        int path = (int)strlen(route.pattern), name = (int)strlen(route.name);
        widths.path = path > widths.path ? path : widths.path;
        widths.name = name > widths.name ? name : widths.name;
    }
    return widths;
}

static void write_route(cz_json_writer *json, const cz_route_info *route, const char *version)
{
    cz_json_object(json);
    member(json, "method", cz_str_from(route->method));
    member(json, "path", cz_str_from(route->pattern));
    member(json, "name", cz_str_from(route->name));
    member(json, "handler", cz_str_from(route->handler));
    if (version)
        member(json, "version", cz_str_from(version));
    cz_json_object_end(json);
}

int cz__command_routes(struct cz__site *site, int argc, char **argv)
{
    bool as_json;
    if (!cz__command_json_flag(argc, argv, &as_json))
        return 2;
    cz_buf buf = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &buf);
    cz_json_list(&json);
    cz_route_info route;
    const struct widths widths = widths_of(site->router);
    for (size_t cursor = 0; cz_router_next(site->router, &cursor, &route);) {
        const char *version = cz_version_of_route(&route);
        if (as_json)
            write_route(&json, &route, version);
        else
            printf("%-8s %-*s %-*s %s%s%s\n", route.method, widths.path, route.pattern, widths.name,
                   route.name, route.handler, version ? ", version " : "", version ? version : "");
    }
    cz_json_list_end(&json);
    if (as_json)
        return print_json(&buf);
    cz_buf_done(&buf);
    return 0;
}

static void write_setting(cz_json_writer *json, const cz_setting_value *value)
{
    cz_json_object(json);
    member(json, "name", cz_str_from(value->setting->name));
    member(json, "value", value->value);
    member(json, "origin", value->origin);
    member(json, "help", cz_str_from(value->setting->help ? value->setting->help : ""));
    cz_json_object_end(json);
}

int cz__command_settings(struct cz__site *site, int argc, char **argv)
{
    bool explains = argc == 2 && strcmp(argv[1], "--help-texts") == 0, as_json = false;
    if (!explains && !cz__command_json_flag(argc, argv, &as_json))
        return 2;
    cz_buf buf = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &buf);
    cz_json_list(&json);
    cz_setting_value value;
    for (size_t cursor = 0; cz_settings_next(site->settings, &cursor, &value);) {
        if (as_json) {
            write_setting(&json, &value);
            continue;
        }
        printf("%-30s %-28.*s %.*s\n", value.setting->name, CZ_STR_ARG(value.value),
               CZ_STR_ARG(value.origin));
        if (explains && value.setting->help)
            printf("    %s\n", value.setting->help);
    }
    cz_json_list_end(&json);
    if (as_json)
        return print_json(&buf);
    cz_buf_done(&buf);
    return 0;
}

int cz__command_version(struct cz__site *site, int argc, char **argv)
{
    bool as_json;
    if (!cz__command_json_flag(argc, argv, &as_json))
        return 2;
    const char *version = site->project->version ? site->project->version : "0";
    if (!as_json) {
        printf("%s %s\nCalzone %s\nSQLite %s\n", site->project->name, version, CZ_VERSION,
               sqlite3_libversion());
        return 0;
    }
    cz_buf buf = { 0 };
    cz_json_writer json;
    cz_json_writer_init(&json, &buf);
    cz_json_object(&json);
    member(&json, site->project->name, cz_str_from(version));
    member(&json, "calzone", CZ_STR(CZ_VERSION));
    member(&json, "sqlite", cz_str_from(sqlite3_libversion()));
    cz_json_object_end(&json);
    return print_json(&buf);
}
