/* Rows that a viewset shows inside others, by .nested or .expand, while the viewset of their own lets fewer people read
 * them. Nothing asks that viewset's permission, so `check` says where it may be forgotten. */
#include "permissions/permissions.h"
#include "views/views.h"
#include <stdio.h>

enum { STEPS_MAX = 4, PATH_BYTES = 200 }; /* serializers may expand to each other */

struct exposure {
    const cz_router *router;
    const cz_viewset *view; /* that shows them */
    const char *pattern;    /* where it stands */
    void (*tell)(const char *sentence, void *arg);
    void *arg;
    size_t count;
};

static bool shows(const cz_viewset *view)
{
    return cz__view_offers(view, CZ_ACTION_list) || cz__view_offers(view, CZ_ACTION_retrieve);
}

/* The viewset of a serializer that most people may read; NULL: it has none. */
static const cz_viewset *widest_of(const cz_router *router, const cz_serializer *serializer)
{
    const cz_viewset *widest = NULL;
    size_t cursor = 0;
    cz_route_info info;
    while (cz_router_next(router, &cursor, &info)) {
        const cz_viewset *view = cz_view_of_route(&info);
        if (view && view->serializer == serializer && shows(view) &&
            (!widest || cz__permission_openness(view->permissions, true) >
                            cz__permission_openness(widest->permissions, true)))
            widest = view;
    }
    return widest;
}

static void tell_of(struct exposure *exposure, const char *path, const cz_serializer_member *member,
                    const cz_viewset *closed)
{
    char text[512];
    cz_ignore(snprintf(text, sizeof text,
                       "%s at %s shows rows in \"%s\" (%s) that viewset %s lets fewer people read; "
                       "if that is meant, the member says .open = true",
                       exposure->view->name, exposure->pattern, path,
                       member->nested ? ".nested" : ".expand", closed->name) < 0);
    exposure->tell(text, exposure->arg);
    exposure->count++;
}

static void look_through(struct exposure *exposure, const cz_serializer *serializer,
                         const char *above, int steps)
{
    for (size_t i = 0; i < serializer->members.count && steps < STEPS_MAX; i++) {
        const cz_serializer_member *member = &serializer->members.items[i];
        const cz_serializer *shown = member->nested           ? member->nested
                                     : exposure->view->sparse ? member->expand
                                                              : NULL;
        if (!shown || member->write_only)
            continue;
        char path[PATH_BYTES];
        cz_str name = member->name ? cz_str_from(member->name) : member->source;
        cz_ignore(snprintf(path, sizeof path, "%s%s%.*s", above, *above ? "." : "",
                           CZ_STR_ARG(name)) < 0);
        const cz_viewset *own = widest_of(exposure->router, shown);
        if (own && !member->open &&
            cz__permission_openness(own->permissions, true) <
                cz__permission_openness(exposure->view->permissions, true))
            tell_of(exposure, path, member, own);
        look_through(exposure, shown, path, steps + 1);
    }
}

size_t cz__views_check_exposure(const cz_router *router,
                                void (*tell)(const char *sentence, void *arg), void *arg)
{
    struct exposure exposure = { .router = router, .tell = tell, .arg = arg };
    size_t cursor = 0;
    cz_route_info info;
    while (cz_router_next(router, &cursor, &info)) {
        const cz_viewset *view = cz_view_of_route(&info);
        if (!view || view == exposure.view || !shows(view)) /* its routes stand together */
            continue;
        exposure.view = view;
        exposure.pattern = info.route->pattern;
        look_through(&exposure, view->serializer, "", 0);
    }
    return exposure.count;
}
