/* Cleaning in one pass: tags are found as the HTML standard's tokenizer finds them (13.2.5), and what the rules allow of them
 * is written anew. Of each element that was written it is known that it is open, so all that is open is closed. */
#include "base/words.h"
#include "html/html_internal.h"

struct cleaning {
    const cz_html_rules *rules;
    cz_buf *out; /* NULL: it is only asked whether something goes */
    cz_str in;
    size_t at;
    const struct cz__element *open[CZ_HTML_DEPTH_MAX];
    size_t open_count;
    bool took_out;
    enum { UNKNOWN, ALLOWED, REFUSED } tags[CZ__ELEMENTS_MAX]; /* what the rules said */
};

struct attribute {
    cz_str name, value;
};

static void put(struct cleaning *cleaning, cz_str text)
{
    if (cleaning->out)
        cz_buf_append_str(cleaning->out, text);
}

/* ---- text ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_one_of(char c, const char *list)
{
    return c && strchr(list, c);
}

/* The bytes of a character reference that `text` begins with, "&amp;" or "&#38;"; 0: it begins with none. */
static size_t reference_length(cz_str text)
{
    size_t at = 1, digits = 0;
    bool numeric = text.len > 1 && text.ptr[1] == '#';
    bool hex = numeric && text.len > 2 && (text.ptr[2] | 0x20) == 'x';
    at += numeric + hex;
    while (at < text.len && digits < 32 &&
           (hex       ? is_hex(text.ptr[at])
            : numeric ? is_digit(text.ptr[at])
                      : is_letter(text.ptr[at]) || (digits && is_digit(text.ptr[at])))) {
        at++;
        digits++;
    }
    return digits && at < text.len && text.ptr[at] == ';' ? at + 1 : 0;
}

static cz_str escape_of(char c)
{
    switch (c) {
    case '<':
        return CZ_STR("&lt;");
    case '>':
        return CZ_STR("&gt;");
    case '&':
        return CZ_STR("&amp;");
    case '"':
        return CZ_STR("&quot;");
    case '\'':
        return CZ_STR("&#x27;"); /* as Django has it: HTML 4 does not know &apos; */
    default:
        return CZ_STR("");
    }
}

void cz_html_escape(cz_buf *out, cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        cz_str escape = escape_of(text.ptr[i]);
        cz_buf_append_str(out, escape.len ? escape : cz_str_of(text.ptr + i, 1));
    }
}

/* What stands for a byte of text or of an attribute's value: references stay, and nothing else that could mean more than
 * itself. A NUL is no character of HTML. False: the byte itself. */
static bool is_written_anew(cz_str rest, bool quoted, cz_str *out)
{
    char c = rest.ptr[0];
    *out = escape_of(c);
    return c == '<' || c == '>' || c == '\0' || (c == '"' && quoted) ||
           (c == '&' && !reference_length(rest));
}

static void put_text(struct cleaning *cleaning, cz_str text, bool quoted)
{
    size_t from = 0;
    cz_str escape;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_written_anew(cz_str_tail(text, i), quoted, &escape))
            continue;
        put(cleaning, cz_str_of(text.ptr + from, i - from));
        put(cleaning, escape);
        from = i + 1;
    }
    put(cleaning, cz_str_tail(text, from));
}

/* ---- addresses ---- */

/* What a numeric reference stands for. */
static unsigned code_of(cz_str reference)
{
    bool hex = (reference.ptr[2] | 0x20) == 'x';
    unsigned code = 0;
    for (size_t i = hex ? 3 : 2; i + 1 < reference.len && code <= 0x10ffff; i++) {
        unsigned char c = (unsigned char)(reference.ptr[i] | 0x20);
        code = code * (hex ? 16 : 10) + (c <= '9' ? c & 0xf : c - 'a' + 10u);
    }
    return code && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) &&
                   !(code >= 0x80 && code < 0xa0)
               ? code
               : 0xfffd;
}

/* The next character as a browser would have it, in `store` where it was a reference; those that are not known here are
 * text, and written as such. */
static cz_str next_character(cz_str *rest, char store[4])
{
    static const struct {
        cz_str reference;
        char c;
    } named[] = { { { "&amp;", 5 }, '&' },
                  { { "&lt;", 4 }, '<' },
                  { { "&gt;", 4 }, '>' },
                  { { "&quot;", 6 }, '"' },
                  { { "&apos;", 6 }, '\'' } };
    size_t length = rest->ptr[0] == '&' ? reference_length(*rest) : 0;
    cz_str reference = cz_str_head(*rest, length);
    size_t bytes = 0;
    if (length && reference.ptr[1] == '#')
        bytes = cz_utf8_write(store, code_of(reference));
    for (size_t i = 0; length && !bytes && i < CZ_COUNT(named); i++)
        if (cz_str_eq(reference, named[i].reference)) {
            store[0] = named[i].c;
            bytes = 1;
        }
    cz_str character = bytes ? cz_str_of(store, bytes) : cz_str_head(*rest, 1);
    *rest = cz_str_tail(*rest, bytes ? length : 1);
    return character;
}

/* Browsers pass these over wherever they stand in an address (URL Standard, 4.4). */
static bool is_passed_over(char c)
{
    return c == '\t' || c == '\n' || c == '\r';
}

enum { SCHEME_BYTES_MAX = 32 };

/* What an address begins with. */
struct beginning {
    char scheme[SCHEME_BYTES_MAX];
    size_t length;
    bool absolute; /* a ":" came behind the scheme */
    bool unknown;  /* a reference that is not known here may be any part of a scheme */
    cz_str rest;   /* behind it */
};

/* Read on to what is no part of a scheme (URL Standard, 4.4). */
static struct beginning read_beginning(cz_str value)
{
    struct beginning begin = { .length = 0 };
    char store[4];
    bool begun = false, ended = false;
    while (value.len && !ended) {
        bool reference = value.ptr[0] == '&';
        cz_str character = next_character(&value, store);
        char c = character.ptr[0], next = value.len ? value.ptr[0] : '\0';
        begun = begun || (unsigned char)c > 0x20;
        if (is_passed_over(c) || !begun)
            continue;
        bool part = is_letter(c) || (begin.length && (is_digit(c) || is_one_of(c, "+-.")));
        ended = !part;
        begin.absolute = c == ':' && begin.length;
        begin.unknown = reference && character.ptr != store && (next == '#' || is_letter(next));
        if (part && begin.length < SCHEME_BYTES_MAX)
            begin.scheme[begin.length++] = c;
    }
    begin.rest = value;
    return begin;
}

static bool has_control_bytes(cz_str value)
{
    char store[4];
    bool begun = false;
    while (value.len) {
        cz_str character = next_character(&value, store);
        unsigned char c = (unsigned char)character.ptr[0];
        begun = begun || c > 0x20;
        if (begun && (c < 0x20 || c == 0x7f) && !is_passed_over((char)c))
            return true;
    }
    return false;
}

/* Whether the address may stand: its scheme is allowed, or it has none, and it has no control bytes. */
static bool is_allowed(const cz_html_rules *rules, cz_str value)
{
    struct beginning begin = read_beginning(value);
    cz_str scheme = cz_str_of(begin.scheme, begin.length);
    if (begin.unknown || has_control_bytes(value))
        return false;
    if (!begin.absolute)
        return !rules->no_relative;
    bool web = cz_str_eq_icase(scheme, CZ_STR("http")) || cz_str_eq_icase(scheme, CZ_STR("https"));
    /* without the slashes it is relative to a page of its scheme */
    return cz__rules_allow_scheme(rules, scheme) &&
           !(web && rules->no_relative && !cz_str_starts_with(begin.rest, CZ_STR("//")));
}

/* As it was judged: what it says, without what browsers would pass over. */
static void put_address(struct cleaning *cleaning, cz_str value)
{
    char store[4];
    bool begun = false;
    while (value.len) {
        cz_str character = next_character(&value, store);
        begun = begun || (unsigned char)character.ptr[0] > 0x20;
        cz_str escape = escape_of(character.ptr[0]);
        if (begun && !is_passed_over(character.ptr[0]))
            put(cleaning, escape.len ? escape : character);
    }
}

/* ---- attributes ---- */

/* Take the next attribute of a tag, as 13.2.5.32 to .39 have it; without one false. `*rest` begins behind the tag's name and
 * is cut as far as was looked at; `*out_ended`: behind the ">". */
static bool next_attribute(cz_str *rest, struct attribute *out, bool *out_ended)
{
    const char *at = rest->ptr, *end = rest->ptr + rest->len;
    while (at < end && (is_space(*at) || *at == '/'))
        at++;
    const char *name = at;
    while (at < end && *at != '>' && *at != '/' && !is_space(*at) && (*at != '=' || at == name))
        at++;
    out->name = cz_str_of(name, (size_t)(at - name));
    const char *behind = at;
    while (at < end && is_space(*at))
        at++;
    out->value = CZ_STR("");
    if (out->name.len && at < end && *at == '=') {
        at++;
        while (at < end && is_space(*at))
            at++;
        char quote = at < end && (*at == '"' || *at == '\'') ? *at : '\0';
        at += quote != '\0';
        const char *value = at;
        while (at < end && (quote ? *at != quote : *at != '>' && !is_space(*at)))
            at++;
        out->value = cz_str_of(value, (size_t)(at - value));
        at += quote && at < end;
    } else {
        at = behind;
    }
    *out_ended = !out->name.len && at < end && *at == '>';
    at += *out_ended;
    *rest = cz_str_of(at, (size_t)(end - at));
    return out->name.len != 0;
}

/* Look past a tag's attributes; false: it does not end. */
static bool skip_attributes(cz_str *rest)
{
    struct attribute attribute;
    bool ended;
    while (next_attribute(rest, &attribute, &ended))
        ;
    return ended;
}

enum { ATTRIBUTES_MAX = 16 }; /* of a tag; what comes after them is dropped */

static void put_attribute(struct cleaning *cleaning, cz_str name, cz_str value)
{
    put(cleaning, CZ_STR(" "));
    put(cleaning, name);
    put(cleaning, CZ_STR("=\""));
    if (cz__attribute_is_address(name))
        put_address(cleaning, value);
    else
        put_text(cleaning, value, true);
    put(cleaning, CZ_STR("\""));
}

/* Whether a name came before, and remember it: of one that comes twice the first counts, as in browsers. */
static bool came_before(cz_str *names, size_t *count, cz_str name)
{
    for (size_t i = 0; i < *count; i++)
        if (cz_str_eq(names[i], name))
            return true;
    if (*count < ATTRIBUTES_MAX)
        names[(*count)++] = name;
    return false;
}

/* What is not theirs to say is written below, when it is the same nothing was taken out. */
static void check_rel(struct cleaning *cleaning, cz_str value, const char *rel)
{
    cleaning->took_out |= !cz_str_eq(value, cz_str_from(rel));
}

static void put_attributes(struct cleaning *cleaning, const struct cz__element *element,
                           cz_str text)
{
    cz_str seen[ATTRIBUTES_MAX];
    size_t count = 0, written = 0;
    bool ended, link = false;
    struct attribute attribute;
    const char *rel = strcmp(element->name, "a") == 0 ? cz__rules_link_rel(cleaning->rules) : "";
    while (next_attribute(&text, &attribute, &ended)) {
        cz_str name = cz__rules_attribute(cleaning->rules, element, attribute.name);
        if (*rel && cz_str_eq_icase(attribute.name, CZ_STR("rel"))) {
            check_rel(cleaning, attribute.value, rel);
            continue;
        }
        bool stays =
            name.len && written < ATTRIBUTES_MAX && !came_before(seen, &count, name) &&
            (!cz__attribute_is_address(name) || is_allowed(cleaning->rules, attribute.value));
        cleaning->took_out |= !stays;
        if (!stays)
            continue;
        put_attribute(cleaning, name, attribute.value);
        written++;
        link = link || cz_str_eq(name, CZ_STR("href"));
    }
    if (link && *rel)
        put_attribute(cleaning, CZ_STR("rel"), cz_str_from(rel));
}

/* ---- elements ---- */

/* Browsers let what was not closed go on behind, unless it is of a kind that ends by itself: it would not stay in its place. */
static void close_to(struct cleaning *cleaning, size_t count, const struct cz__element *named)
{
    while (cleaning->open_count > count) {
        const struct cz__element *element = cleaning->open[--cleaning->open_count];
        cz_assert(element); /* what is open was put there */
        cleaning->took_out |= element != named && !(element->kind & CZ__ENDS_BY_ITSELF);
        put(cleaning, CZ_STR("</"));
        put(cleaning, cz_str_from(element->name));
        put(cleaning, CZ_STR(">"));
    }
}

/* Close what a start tag ends: the outermost of its kind. */
static void close_before(struct cleaning *cleaning, const struct cz__element *element)
{
    size_t to = cleaning->open_count;
    for (size_t i = cleaning->open_count; element->closes && i > 0; i--) {
        unsigned kind = cleaning->open[i - 1]->kind;
        if (kind & element->closes)
            to = i - 1;
        else if (kind & element->until)
            break;
    }
    close_to(cleaning, to, NULL);
}

static void put_start(struct cleaning *cleaning, const struct cz__element *element,
                      cz_str attributes)
{
    close_before(cleaning, element);
    if (!element->is_void && cleaning->open_count == CZ_HTML_DEPTH_MAX) {
        cleaning->took_out = true;
        return;
    }
    put(cleaning, CZ_STR("<"));
    put(cleaning, cz_str_from(element->name));
    put_attributes(cleaning, element, attributes);
    put(cleaning, CZ_STR(">"));
    if (!element->is_void)
        cleaning->open[cleaning->open_count++] = element;
}

static void put_end(struct cleaning *cleaning, const struct cz__element *element)
{
    for (size_t i = cleaning->open_count; i > 0; i--)
        if (cleaning->open[i - 1] == element) {
            close_to(cleaning, i - 1, element);
            return;
        }
    cleaning->took_out = true; /* it would end what stands around */
}

/* ---- what is not allowed ---- */

static cz_str rest_of(const struct cleaning *cleaning)
{
    return cz_str_tail(cleaning->in, cleaning->at);
}

/* `*rest` is behind the name then. */
static cz_str tag_name(cz_str *rest)
{
    size_t length = 0;
    while (length < rest->len && !is_space(rest->ptr[length]) && rest->ptr[length] != '/' &&
           rest->ptr[length] != '>')
        length++;
    cz_str name = cz_str_head(*rest, length);
    *rest = cz_str_tail(*rest, length);
    return name;
}

/* Looks at so many bytes and no more: this is asked at each "<" of what is dropped. */
static bool begins_with_name(cz_str rest, cz_str name)
{
    char behind = rest.len > name.len ? rest.ptr[name.len] : '\0';
    return cz_str_eq_icase(cz_str_head(rest, name.len), name) &&
           (is_space(behind) || behind == '/' || behind == '>');
}

/* Go to the end tag that ends an element whose content is dropped; without one to the end. */
static void skip_content(struct cleaning *cleaning, cz_str name, bool raw)
{
    size_t depth = 1;
    while (depth && cleaning->at < cleaning->in.len) {
        cz_str rest = rest_of(cleaning);
        size_t next = cz_str_find_char(rest, '<');
        if (next == SIZE_MAX) {
            cleaning->at = cleaning->in.len;
            return;
        }
        cleaning->at += next + 1;
        rest = cz_str_tail(rest, next + 1);
        bool end = rest.len && rest.ptr[0] == '/';
        rest = cz_str_tail(rest, end);
        if ((raw && !end) || !begins_with_name(rest, name))
            continue;
        rest = cz_str_tail(rest, name.len);
        if (!skip_attributes(&rest))
            rest = cz_str_tail(rest, rest.len);
        cleaning->at = cleaning->in.len - rest.len;
        bool alone = !end && cleaning->in.ptr[cleaning->at - 2] == '/';
        if (end)
            depth--;
        else
            depth += !alone;
    }
}

static void drop_element(struct cleaning *cleaning, cz_str name, bool end)
{
    cleaning->took_out = true;
    if (end)
        return;
    switch (cz__element_content(name)) {
    case CZ__CONTENT_KEPT:
        break;
    case CZ__CONTENT_DROPPED:
        if (cleaning->in.ptr[cleaning->at - 2] != '/') /* <svg/> */
            skip_content(cleaning, name, false);
        break;
    case CZ__CONTENT_RAW:
        skip_content(cleaning, name, true);
        break;
    case CZ__CONTENT_ENDLESS:
        cleaning->at = cleaning->in.len;
        break;
    }
}

/* ---- all of it ---- */

static bool allows(struct cleaning *cleaning, const struct cz__element *element)
{
    size_t place = cz__element_place(element);
    if (cleaning->tags[place] == UNKNOWN)
        cleaning->tags[place] = cz__rules_allow_tag(cleaning->rules, element) ? ALLOWED : REFUSED;
    return cleaning->tags[place] == ALLOWED;
}

/* A tag, whose name begins behind `at`. One that does not end is none, as at the end of a page. */
static void take_tag(struct cleaning *cleaning, bool end)
{
    cz_str rest = cz_str_tail(rest_of(cleaning), end ? 2 : 1);
    cz_str name = tag_name(&rest), attributes = rest;
    if (!skip_attributes(&rest)) {
        cleaning->took_out = true;
        cleaning->at = cleaning->in.len;
        return;
    }
    cleaning->at = cleaning->in.len - rest.len;
    const struct cz__element *element = cz__element_find(name);
    if (!element || !allows(cleaning, element))
        drop_element(cleaning, name, end);
    else if (end)
        put_end(cleaning, element);
    else
        put_start(cleaning, element, attributes);
}

/* "<!-- -->", and what browsers take for a comment: "<!doctype>", "<?xml>", "</ >". */
static void drop_comment(struct cleaning *cleaning)
{
    cz_str rest = rest_of(cleaning);
    size_t at = 2;
    cleaning->took_out = true;
    if (!cz_str_starts_with(rest, CZ_STR("<!--"))) {
        at = cz_str_find_char(rest, '>');
        cleaning->at += at == SIZE_MAX ? rest.len : at + 1;
        return;
    }
    for (at = 4; at < rest.len; at++) {
        bool begins = at == 4 || (at == 5 && rest.ptr[4] == '-'); /* <!--> and <!---> */
        if (rest.ptr[at] == '>' &&
            (begins || (at >= 6 && rest.ptr[at - 1] == '-' && rest.ptr[at - 2] == '-') ||
             (at >= 7 && rest.ptr[at - 1] == '!' && rest.ptr[at - 2] == '-' &&
              rest.ptr[at - 3] == '-')))
            break;
    }
    cleaning->at += at < rest.len ? at + 1 : rest.len;
}

static void take_markup(struct cleaning *cleaning)
{
    cz_str rest = rest_of(cleaning);
    char next = rest.len > 1 ? rest.ptr[1] : '\0', after = rest.len > 2 ? rest.ptr[2] : '\0';
    if (is_letter(next)) {
        take_tag(cleaning, false);
    } else if (next == '/' && is_letter(after)) {
        take_tag(cleaning, true);
    } else if (next == '!' || next == '?' || (next == '/' && rest.len > 2)) {
        drop_comment(cleaning);
    } else { /* "1 < 2" */
        put_text(cleaning, cz_str_head(rest, 1), false);
        cleaning->at++;
    }
}

static void clean(struct cleaning *cleaning)
{
    while (cleaning->at < cleaning->in.len) {
        cz_str rest = rest_of(cleaning);
        size_t next = cz_str_find_char(rest, '<');
        cz_str text = next == SIZE_MAX ? rest : cz_str_head(rest, next);
        put_text(cleaning, text, false);
        cleaning->at += text.len;
        if (next != SIZE_MAX)
            take_markup(cleaning);
    }
    close_to(cleaning, 0, NULL);
}

cz_str cz_html_clean(cz_ctx *ctx, cz_str html, const cz_html_rules *rules)
{
    cz_buf *out = cz_scratch(ctx);
    struct cleaning cleaning = { .rules = rules, .out = out, .in = html };
    clean(&cleaning);
    cz_check(ctx, cz_buf_status(out));
    return cz_copy(ctx, cz_buf_str(out));
}

bool cz_html_is_clean(cz_str html, const cz_html_rules *rules)
{
    struct cleaning cleaning = { .rules = rules, .in = html };
    clean(&cleaning);
    return !cleaning.took_out;
}
