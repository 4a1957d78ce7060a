/* What rules may allow, and what they do. */
#include "html/html_internal.h"
#include "base/words.h"

const cz_html_rules cz_html_basic = {
    .tags = "a abbr b blockquote br cite code dd del dl dt em i ins kbd li mark ol p pre q s samp "
            "small "
            "strong sub sup u ul var wbr",
    .attributes = "a:href a:title abbr:title blockquote:cite q:cite ol:start *:lang *:dir",
};

const cz_html_rules cz_html_rich = {
    .tags = "a abbr address article aside b bdi bdo blockquote br caption cite code col colgroup "
            "dd del "
            "details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img "
            "ins kbd li "
            "mark ol p pre q rp rt ruby s samp section small span strong sub summary sup table "
            "tbody td "
            "tfoot th thead time tr u ul var wbr",
    .attributes =
        "a:href a:title abbr:title bdo:dir blockquote:cite del:cite del:datetime details:open "
        "dfn:title "
        "img:alt img:height img:src img:title img:width ins:cite ins:datetime ol:reversed ol:start "
        "q:cite "
        "col:span colgroup:span td:colspan td:rowspan th:colspan th:rowspan th:scope time:datetime "
        "*:lang *:dir",
};

/* ---- what could be allowed ---- */

enum {
    IN_TABLES = CZ__IS_TABLE | CZ__IS_CAPTION | CZ__IS_CELL,
    OF_TABLES = CZ__IS_ROW | CZ__IS_CELL | CZ__IS_CAPTION | CZ__IS_COLGROUP
};

/* Where a <p> that is open ends with what begins (HTML, 13.2.6.4.7), as far as a table's parts. */
#define ENDS_P .closes = CZ__IS_P, .until = IN_TABLES

static const struct cz__element elements[] = {
    { .name = "a", .kind = CZ__IS_A, .closes = CZ__IS_A, .until = IN_TABLES },
    { .name = "abbr" },
    { .name = "address", ENDS_P },
    { .name = "article", ENDS_P },
    { .name = "aside", ENDS_P },
    { .name = "b" },
    { .name = "bdi" },
    { .name = "bdo" },
    { .name = "blockquote", ENDS_P },
    { .name = "br", .is_void = true },
    { .name = "caption", .kind = CZ__IS_CAPTION, .closes = CZ__IS_P, .until = CZ__IS_TABLE },
    { .name = "cite" },
    { .name = "code" },
    { .name = "col", .is_void = true },
    { .name = "colgroup",
      .kind = CZ__IS_COLGROUP,
      .closes = CZ__IS_COLGROUP | CZ__IS_CAPTION,
      .until = CZ__IS_TABLE },
    { .name = "dd",
      .kind = CZ__IS_TERM,
      .closes = CZ__IS_TERM | CZ__IS_P,
      .until = CZ__IS_DL | CZ__IS_TABLE },
    { .name = "del" },
    { .name = "details", ENDS_P },
    { .name = "dfn" },
    { .name = "div", ENDS_P },
    { .name = "dl", ENDS_P, .kind = CZ__IS_DL },
    { .name = "dt",
      .kind = CZ__IS_TERM,
      .closes = CZ__IS_TERM | CZ__IS_P,
      .until = CZ__IS_DL | CZ__IS_TABLE },
    { .name = "em" },
    { .name = "figcaption", ENDS_P },
    { .name = "figure", ENDS_P },
    { .name = "footer", ENDS_P },
    { .name = "h1", ENDS_P },
    { .name = "h2", ENDS_P },
    { .name = "h3", ENDS_P },
    { .name = "h4", ENDS_P },
    { .name = "h5", ENDS_P },
    { .name = "h6", ENDS_P },
    { .name = "header", ENDS_P },
    { .name = "hr", .is_void = true, ENDS_P },
    { .name = "i" },
    { .name = "img", .is_void = true },
    { .name = "ins" },
    { .name = "kbd" },
    { .name = "li",
      .kind = CZ__IS_LI,
      .closes = CZ__IS_LI | CZ__IS_P,
      .until = CZ__IS_LIST | CZ__IS_TABLE },
    { .name = "main", ENDS_P },
    { .name = "mark" },
    { .name = "nav", ENDS_P },
    { .name = "ol", ENDS_P, .kind = CZ__IS_LIST },
    { .name = "p", ENDS_P, .kind = CZ__IS_P },
    { .name = "pre", ENDS_P },
    { .name = "q" },
    { .name = "rp", .kind = CZ__IS_RT, .closes = CZ__IS_RT, .until = CZ__IS_RUBY },
    { .name = "rt", .kind = CZ__IS_RT, .closes = CZ__IS_RT, .until = CZ__IS_RUBY },
    { .name = "ruby", .kind = CZ__IS_RUBY },
    { .name = "s" },
    { .name = "samp" },
    { .name = "section", ENDS_P },
    { .name = "small" },
    { .name = "span" },
    { .name = "strong" },
    { .name = "sub" },
    { .name = "summary", ENDS_P },
    { .name = "sup" },
    { .name = "table", ENDS_P, .kind = CZ__IS_TABLE },
    { .name = "tbody",
      .kind = CZ__IS_SECTION,
      .closes = CZ__IS_SECTION | OF_TABLES,
      .until = CZ__IS_TABLE },
    { .name = "td",
      .kind = CZ__IS_CELL,
      .closes = CZ__IS_CELL,
      .until = CZ__IS_ROW | CZ__IS_TABLE },
    { .name = "tfoot",
      .kind = CZ__IS_SECTION,
      .closes = CZ__IS_SECTION | OF_TABLES,
      .until = CZ__IS_TABLE },
    { .name = "th",
      .kind = CZ__IS_CELL,
      .closes = CZ__IS_CELL,
      .until = CZ__IS_ROW | CZ__IS_TABLE },
    { .name = "thead",
      .kind = CZ__IS_SECTION,
      .closes = CZ__IS_SECTION | OF_TABLES,
      .until = CZ__IS_TABLE },
    { .name = "time" },
    { .name = "tr", .kind = CZ__IS_ROW, .closes = OF_TABLES, .until = CZ__IS_TABLE },
    { .name = "u" },
    { .name = "ul", ENDS_P, .kind = CZ__IS_LIST },
    { .name = "var" },
    { .name = "wbr", .is_void = true },
};

const struct cz__element *cz__element_find(cz_str name)
{
    char first = name.len ? (char)(name.ptr[0] | 0x20) : '\0';
    for (size_t i = 0; i < CZ_COUNT(elements); i++)
        if (first == elements[i].name[0] && cz_str_eq_icase(name, cz_str_from(elements[i].name)))
            return &elements[i];
    return NULL;
}

size_t cz__element_place(const struct cz__element *element)
{
    cz_assert(CZ_COUNT(elements) <= CZ__ELEMENTS_MAX);
    return (size_t)(element - elements);
}

enum cz__content cz__element_content(cz_str name)
{
    static const char dropped[] =
        "applet audio canvas frameset math object select svg template video",
                      raw[] = "iframe noembed noframes noscript script style textarea title xmp";
    if (cz_str_eq_icase(name, CZ_STR("plaintext")))
        return CZ__CONTENT_ENDLESS;
    return cz__words_have_icase(raw, name)       ? CZ__CONTENT_RAW
           : cz__words_have_icase(dropped, name) ? CZ__CONTENT_DROPPED
                                                 : CZ__CONTENT_KEPT;
}

bool cz__attribute_is_safe(cz_str name)
{
    static const char refused[] =
        "action attributename background code codebase content data dynsrc form "
        "formaction from http-equiv is lowsrc manifest name ping poster profile slot "
        "srcdoc srcset style to usemap values xmlns";
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return name.len && !cz_str_eq_icase(cz_str_head(name, 2), CZ_STR("on")) &&
           !cz__words_have_icase(refused, name);
}

bool cz__attribute_is_address(cz_str name)
{
    return cz__words_have_icase("cite href longdesc src", name);
}

bool cz__scheme_is_safe(cz_str scheme)
{
    return !cz__words_have_icase("blob data filesystem javascript vbscript", scheme);
}

/* ---- what is ---- */

bool cz__rules_allow_tag(const cz_html_rules *rules, const struct cz__element *element)
{
    return cz__words_have(rules->tags, cz_str_from(element->name));
}

cz_str cz__rules_attribute(const cz_html_rules *rules, const struct cz__element *element,
                           cz_str name)
{
    cz_str rest = cz_str_from(rules->attributes);
    for (cz_str word; (word = cz__word_next(&rest)).len;) {
        cz_str attribute = word, tag = cz_str_cut(&attribute, ':');
        if (cz_str_eq_icase(attribute, name) &&
            (cz_str_eq(tag, CZ_STR("*")) || cz_str_eq(tag, cz_str_from(element->name))))
            return cz__attribute_is_safe(attribute) ? attribute : CZ_STR("");
    }
    return CZ_STR("");
}

bool cz__rules_allow_scheme(const cz_html_rules *rules, cz_str scheme)
{
    return cz__scheme_is_safe(scheme) &&
           cz__words_have_icase(rules->schemes ? rules->schemes : "http https mailto", scheme);
}

const char *cz__rules_link_rel(const cz_html_rules *rules)
{
    return rules->link_rel ? rules->link_rel : "nofollow noopener noreferrer";
}

/* ---- whether they can be kept ---- */

static cz_status check_attribute(const cz_html_rules *rules, cz_str word, cz_error *err)
{
    cz_str name = word, tag = cz_str_cut(&name, ':');
    const struct cz__element *element = cz__element_find(tag);
    if (!name.len || (!cz_str_eq(tag, CZ_STR("*")) && !element))
        return cz_error_set(err, CZ_EVALIDATION,
                            "attributes of HTML are written \"a:href *:title\", not \"%.*s\"",
                            CZ_STR_ARG(word));
    if (element && !cz__rules_allow_tag(rules, element))
        return cz_error_set(err, CZ_EVALIDATION, "\"%.*s\" is of a tag that .tags does not allow",
                            CZ_STR_ARG(word));
    if (!cz__attribute_is_safe(name))
        return cz_error_set(err, CZ_EVALIDATION, "no rules can make the attribute \"%.*s\" safe",
                            CZ_STR_ARG(name));
    return CZ_OK;
}

cz_status cz__html_rules_check(const cz_html_rules *rules, cz_error *err)
{
    cz_str tags = cz_str_from(rules->tags), attributes = cz_str_from(rules->attributes),
           schemes = cz_str_from(rules->schemes);
    const struct cz__element *element;
    for (cz_str word; (word = cz__word_next(&tags)).len;)
        if (!(element = cz__element_find(word)) || !cz_str_eq(word, cz_str_from(element->name)))
            return cz_error_set(err, CZ_EVALIDATION, "no rules can allow the tag \"%.*s\"",
                                CZ_STR_ARG(word));
    for (cz_str word; (word = cz__word_next(&schemes)).len;)
        if (!cz__scheme_is_safe(word))
            return cz_error_set(err, CZ_EVALIDATION, "no rules can allow the scheme \"%.*s\"",
                                CZ_STR_ARG(word));
    cz_status status = CZ_OK;
    for (cz_str word; !status && (word = cz__word_next(&attributes)).len;)
        status = check_attribute(rules, word, err);
    return status;
}
