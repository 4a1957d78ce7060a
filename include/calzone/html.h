/* calzone/html.h: HTML that others wrote.
 *
 *     static const cz_html_rules comment = {
 *         .tags       = "p br em strong a code pre ul ol li",
 *         .attributes = "a:href a:title *:lang",
 *     };
 *     #define COMMENT(F) F(text_field, body, .html = &comment, .max_length = 4000)
 *
 * Cleaning keeps what the rules name and drops the rest: of a tag or attribute that is not allowed the text inside stays, of
 * what is no text for people (script, style, svg and others) nothing. What comes out is well-formed and written anew: tags
 * closed, attributes in double quotes, every other "<" escaped. So whether it is safe depends on what is written and not on
 * how what came in was understood; and what no rules can make safe, such as <script>, <iframe>, `onclick`, `style` and
 * `javascript:`, stays out whatever they say. Cleaning twice changes nothing more.
 */
#ifndef CALZONE_HTML_H
#define CALZONE_HTML_H

#include <calzone/buf.h>
#include <calzone/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What is allowed. Words with spaces between, in lower case. */
typedef struct cz_html_rules {
    const char *tags;       /* "p br a"; NULL: none, text alone stays */
    const char *attributes; /* "a:href", and "*:title" of any tag; NULL: none */
    const char *schemes;    /* of addresses (href, src, cite); NULL: "http https mailto" */
    const char
        *link_rel;    /* the `rel` of every link; NULL: "nofollow noopener noreferrer"; "": none */
    bool no_relative; /* addresses without a scheme are dropped, too, and "https:x" */
} cz_html_rules;

/* Text with emphasis, paragraphs, lists, quotes, code and links: for comments. */
extern const cz_html_rules cz_html_basic;
/* With headings, tables, figures and images beside: for articles. */
extern const cz_html_rules cz_html_rich;

enum { CZ_HTML_DEPTH_MAX = 64 }; /* elements in each other; of those further in the text stays */

/* `html` as the rules allow it, in the arena. It may be some six times as long, with the ends of what was open, and a `rel` for
 * each link. Raises: CZ_ENOMEM. */
cz_str cz_html_clean(cz_ctx *ctx, cz_str html, const cz_html_rules *rules);
/* Whether nothing would be taken out, so that the text may be shown as it is: what it opens it closes, and nothing else. Links need
 * not have the `rel` of the rules, and have no other. Context: any thread. */
bool cz_html_is_clean(cz_str html, const cz_html_rules *rules);

/* Define a validator of that name (models.h), which refuses what is not clean:
 *
 *     static CZ_HTML_VALIDATOR(is_comment, &cz_html_basic)
 *     F(text_field, body, .validator = is_comment)
 */
#define CZ_HTML_VALIDATOR(name, rules)                                                             \
    const char *name(cz_str text, double number)                                                   \
    {                                                                                              \
        (void)number;                                                                              \
        return cz_html_is_clean(text, (rules)) ? NULL : "This has HTML that is not allowed.";      \
    }

/* Append text so that HTML shows it as it is, between tags and in quoted attributes. Failures stay in the buffer. */
void cz_html_escape(cz_buf *out, cz_str text);

/* Whether rules can be kept at all; those of fields are asked at the start. Errors: CZ_EVALIDATION; `err` names the word. */
CZ_NODISCARD cz_status cz__html_rules_check(const cz_html_rules *rules, cz_error *err);

#ifdef __cplusplus
}
#endif
#endif
