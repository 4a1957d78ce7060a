/* html/html_internal.h: what elements and attributes are. */
#ifndef CZ_HTML_INTERNAL_H
#define CZ_HTML_INTERNAL_H

#include <calzone/html.h>

/* Kinds of elements that end each other without an end tag; a bit each. */
#define CZ__ELEMENT_KINDS(X)                                                                       \
    X(A)                                                                                           \
    X(P)                                                                                           \
    X(LI)                                                                                          \
    X(LIST) X(TERM) X(DL) X(CELL) X(ROW) X(SECTION) X(CAPTION) X(COLGROUP) X(TABLE) X(RT) X(RUBY)
enum {
#define X(kind) CZ__PLACE_##kind,
    CZ__ELEMENT_KINDS(X)
#undef X
#define X(kind) CZ__IS_##kind = 1 << CZ__PLACE_##kind,
        CZ__ELEMENT_KINDS(X)
#undef X
    /* those whose end tags may be left out */
    CZ__ENDS_BY_ITSELF = CZ__IS_P | CZ__IS_LI | CZ__IS_TERM | CZ__IS_CELL | CZ__IS_ROW |
                         CZ__IS_SECTION | CZ__IS_CAPTION | CZ__IS_COLGROUP | CZ__IS_RT
};

struct cz__element { /* one that rules may allow */
    const char *name;
    bool is_void;  /* it has no content and no end tag */
    unsigned kind; /* 0: none of those above */
    unsigned closes,
        until; /* its start ends these kinds where they are open, as far out as one of `until` */
};

enum cz__content {
    CZ__CONTENT_KEPT,    /* of an element that is not allowed the content stays */
    CZ__CONTENT_DROPPED, /* it goes, to the end tag of its own */
    CZ__CONTENT_RAW,     /* likewise, and has no tags: to the first that would end it */
    CZ__CONTENT_ENDLESS  /* likewise, to the end of all */
};

/* Names are in any case. NULL: it is none that could be allowed. */
const struct cz__element *cz__element_find(cz_str name);
/* Among all of them. */
size_t cz__element_place(const struct cz__element *element);
enum { CZ__ELEMENTS_MAX = 128 };
enum cz__content cz__element_content(cz_str name);
/* Whether an attribute, in lower case, can be allowed: it runs nothing, fetches nothing that is not looked at, and is no name by which
 * scripts find their own things. */
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
