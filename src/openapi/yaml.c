/* JSON as YAML: what is nested stands below its name, two spaces further in. JSON's own syntax is YAML, so what is not plain is
 * written as JSON has it. */
#include "openapi/yaml.h"
#include <calzone/log.h>
#include <ctype.h>

/* ---- texts ---- */

/* What some parser takes for a boolean, null or a number; compared without case. */
static bool is_word_of_yaml(cz_str text)
{
    static const char *const words[] = { "true", "false", "yes", "no",  "on", "off",
                                         "null", "y",     "n",   "inf", "nan" };
    for (size_t i = 0; i < CZ_COUNT(words); i++)
        if (cz_str_eq_icase(text, cz_str_from(words[i])))
            return true;
    return false;
}

/* A letter or "/", and then only what has no meaning anywhere in a scalar: neither a date nor a number begins so. */
static bool is_plain(cz_str text)
{
    if (!text.len || text.len > 200 || !(isalpha((unsigned char)text.ptr[0]) || text.ptr[0] == '/'))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.ptr[i]) && !memchr("/._-+{}() ", text.ptr[i], 10))
            return false;
    return text.ptr[text.len - 1] != ' ' && !is_word_of_yaml(text);
}

/* Beyond what JSON escapes: breaks of lines that YAML 1.1 knows, and the mark of byte order, in UTF-8. */
static size_t special_bytes(cz_str rest)
{
    static const char *const specials[] = { "\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf",
                                            "\xef\xbf\xbe", "\xef\xbf\xbf" };
    for (size_t i = 0; i < CZ_COUNT(specials); i++)
        if (cz_str_starts_with(rest, cz_str_from(specials[i])))
            return 3;
    return 0;
}

static void write_escape(cz_buf *out, const char *bytes)
{
    unsigned point = ((unsigned)(unsigned char)bytes[0] & 0x0f) << 12 |
                     ((unsigned)(unsigned char)bytes[1] & 0x3f) << 6 |
                     ((unsigned)(unsigned char)bytes[2] & 0x3f);
    cz_buf_printf(out, "\\u%04x", point);
}

/* JSON's escapes are YAML's. */
static void write_quoted(cz_buf *out, cz_str text)
{
    cz_buf_append_char(out, '"');
    while (text.len) {
        size_t len = 0;
        while (len < text.len && !special_bytes(cz_str_tail(text, len)))
            len++;
        char *at = cz_buf_reserve(out, len * 6 + 16);
        if (!at)
            return;
        cz_buf_commit(out, (size_t)(cz__json_escape(at, cz_str_head(text, len)) - at));
        text = cz_str_tail(text, len);
        if (text.len)
            write_escape(out, text.ptr);
        text = cz_str_tail(text, text.len ? 3 : 0);
    }
    cz_buf_append_char(out, '"');
}

static void write_text(cz_buf *out, cz_str text)
{
    if (is_plain(text))
        cz_buf_append_str(out, text);
    else
        write_quoted(out, text);
}

/* ---- values ---- */

static void write_value(cz_buf *out, const cz_json_value *value, unsigned indent);

static void write_scalar(cz_buf *out, const cz_json_value *value)
{
    if (value->kind == CZ_JSON_STR) {
        write_text(out, value->as.text);
    } else if (value->kind == CZ_JSON_LIST) {
        cz_buf_append_lit(out, "[]");
    } else if (value->kind == CZ_JSON_OBJECT) {
        cz_buf_append_lit(out, "{}");
    } else {
        cz_json_writer json;
        cz_json_writer_init(&json, out);
        cz_json_write(&json, value);
    }
}

static bool is_nested(const cz_json_value *value)
{
    return (value->kind == CZ_JSON_LIST || value->kind == CZ_JSON_OBJECT) && value->count;
}

static void begin_line(cz_buf *out, unsigned indent)
{
    for (unsigned i = 0; i < indent; i++)
        cz_buf_append_char(out, ' ');
}

static void write_member(cz_buf *out, cz_str name, const cz_json_value *value, unsigned indent)
{
    write_text(out, name);
    cz_buf_append_char(out, ':');
    if (is_nested(value)) {
        cz_buf_append_char(out, '\n');
        begin_line(out, indent + 2);
        write_value(out, value, indent + 2);
    } else {
        cz_buf_append_char(out, ' ');
        write_scalar(out, value);
    }
}

/* On a line that is begun already, `indent` spaces in; ends without a line feed. */
static void write_value(cz_buf *out, const cz_json_value *value, unsigned indent)
{
    if (!is_nested(value)) {
        write_scalar(out, value);
        return;
    }
    bool first = true;
    for (uint32_t i = 0; i < value->count; i++) {
        const cz_json_value *item = &value->as.items[i];
        if (value->kind == CZ_JSON_OBJECT && cz_json_get(value, value->keys[i]) != item)
            continue; /* of a repeated name the last counts, and YAML has each once */
        if (!first) {
            cz_buf_append_char(out, '\n');
            begin_line(out, indent);
        }
        first = false;
        if (value->kind == CZ_JSON_OBJECT) {
            write_member(out, value->keys[i], item, indent);
        } else {
            cz_buf_append_lit(out, "- ");
            write_value(out, item, indent + 2);
        }
    }
}

void cz__yaml_write(cz_buf *out, const cz_json_value *value)
{
    write_value(out, value, 0);
    cz_buf_append_char(out, '\n');
}
