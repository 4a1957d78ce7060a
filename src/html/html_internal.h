/* html/html_internal.h: what elements and attributes are. */
#ifndef CZ_HTML_INTERNAL_H
#define CZ_HTML_INTERNAL_H

#include <calzone/html.h>

struct cz__element { /* one that rules may allow */
    const char *name;
    bool is_void; /* it has no content and no end tag */
    const char
        *closes; /* its start ends these where they are open, as far out as `until`; NULL: none */
    const char *until;
};

enum cz__content {
    CZ__CONTENT_KEPT,    /* of an element that is not allowed the content stays */
    CZ__CONTENT_DROPPED, /* it goes, to the end tag of its own */
    CZ__CONTENT_RAW,     /* likewise, and has no tags: to the first that would end it */
    CZ__CONTENT_ENDLESS  /* likewise, to the end of all */
};

/* Names are in any case. NULL: it is none that could be allowed. */
const struct cz__element *cz__element_find(cz_str name);
enum cz__content cz__element_content(cz_str name);
/* Whether an attribute can be allowed: it runs nothing, and fetches nothing that is not looked at. */
bool cz__attribute_is_safe(cz_str name);
/* Whether its value is an address. */
bool cz__attribute_is_address(cz_str name);
bool cz__scheme_is_safe(cz_str scheme);

/* What rules say. The name of the attribute is that of the rules, in lower case; empty: it is not allowed. */
bool cz__rules_allow_tag(const cz_html_rules *rules, const struct cz__element *element);
cz_str cz__rules_attribute(const cz_html_rules *rules, const struct cz__element *element,
                           cz_str name);
bool cz__rules_allow_scheme(const cz_html_rules *rules, cz_str scheme);
const char *cz__rules_link_rel(const cz_html_rules *rules);

#endif
