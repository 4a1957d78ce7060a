/* The .env grammar: what a POSIX shell would read the same way, and no more.
 *
 *   file       = *( line ( LF / CRLF ) ) [ line ]      ; UTF-8, a byte order mark is passed over
 *   line       = *blank [ assignment *blank ] [ comment ]
 *   assignment = [ "export" 1*blank ] name "=" [ single / double / bare ]
 *   name       = ( letter / "_" ) *( letter / digit / "_" )
 *   single     = "'" *( any but "'" ) "'"
 *   double     = DQUOTE *( any but DQUOTE, "\" / "\" ( "n" "r" "t" "\" DQUOTE "$" ) ) DQUOTE
 *   bare       = not a blank or quote, then up to " #" or the end of the line, blanks at the end cut
 *   comment    = "#" *any                              ; after a value only with a blank before it
 *
 * Nothing is interpolated: "$" is a dollar sign. Quotes close on their line. A name stands once in a
 * file; the loader checks that, because it keeps the names.
 */
#include "settings/settings_internal.h"

void cz__env_reader_init(cz__env_reader *reader, cz_arena *arena, cz_str text)
{
    if (cz_str_starts_with(text, CZ_STR("\xef\xbb\xbf")))
        text = cz_str_tail(text, 3);
    *reader = (cz__env_reader){ .arena = arena, .rest = text };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_name_char(char c, bool first)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (!first && c >= '0' && c <= '9');
}

static cz_str skip_blanks(cz_str s)
{
    while (s.len && is_blank(s.ptr[0]))
        s = cz_str_tail(s, 1);
    return s;
}

static cz_status fail(cz__env_reader *reader, const char *error)
{
    reader->error = error;
    return CZ_EVALIDATION;
}

/* After a closing quote only blanks and a comment may stand. */
static cz_status check_end(cz__env_reader *reader, cz_str rest)
{
    cz_str after = skip_blanks(rest);
    if (after.len && (after.ptr[0] != '#' || after.len == rest.len))
        return fail(reader, "text after the closing quote");
    return CZ_OK;
}

static cz_status read_single(cz__env_reader *reader, cz_str rest, cz_str *out)
{
    size_t end = cz_str_find_char(rest, '\'');
    if (end == SIZE_MAX)
        return fail(reader, "the quote is not closed on its line");
    *out = cz_str_head(rest, end);
    return check_end(reader, cz_str_tail(rest, end + 1));
}

static char unescape(char c)
{
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '\\':
    case '"':
    case '$':
        return c;
    default:
        return '\0';
    }
}

static cz_status read_double(cz__env_reader *reader, cz_str rest, cz_str *out)
{
    char *value = cz_arena_alloc(reader->arena, rest.len + 1);
    if (!value)
        return CZ_ENOMEM;
    size_t len = 0;
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.ptr[i];
        if (c == '"') {
            *out = cz_str_of(value, len);
            return check_end(reader, cz_str_tail(rest, i + 1));
        }
        if (c == '\\') {
            c = ++i < rest.len ? unescape(rest.ptr[i]) : '\0';
            if (!c)
                return fail(reader, "unknown escape; known are \\n \\r \\t \\\\ \\\" \\$");
        }
        value[len++] = c;
    }
    return fail(reader, "the quote is not closed on its line");
}

static cz_status read_bare(cz__env_reader *reader, cz_str rest, cz_str *out)
{
    if (rest.len && is_blank(rest.ptr[0])) {
        cz_str after = skip_blanks(rest);
        if (after.len && after.ptr[0] != '#')
            return fail(reader, "a blank after '='; quote a value that begins with one");
        *out = cz_str_head(rest, 0);
        return CZ_OK;
    }
    size_t end = 0;
    while (end < rest.len && !(rest.ptr[end] == '#' && end && is_blank(rest.ptr[end - 1])))
        end++;
    while (end && is_blank(rest.ptr[end - 1]))
        end--;
    *out = cz_str_head(rest, end);
    return CZ_OK;
}

static cz_status read_value(cz__env_reader *reader, cz_str rest, cz_str *out)
{
    if (rest.len && rest.ptr[0] == '\'')
        return read_single(reader, cz_str_tail(rest, 1), out);
    if (rest.len && rest.ptr[0] == '"')
        return read_double(reader, cz_str_tail(rest, 1), out);
    return read_bare(reader, rest, out);
}

static cz_status read_assignment(cz__env_reader *reader, cz_str line, cz_str *out_name,
                                 cz_str *out_value)
{
    cz_str export = CZ_STR("export");
    if (cz_str_starts_with(line, export) && line.len > export.len && is_blank(line.ptr[export.len]))
        line = skip_blanks(cz_str_tail(line, export.len));
    size_t len = 0;
    while (len < line.len && is_name_char(line.ptr[len], len == 0))
        len++;
    if (len == 0)
        return fail(reader, "expected NAME=VALUE");
    if (len == line.len || line.ptr[len] != '=')
        return fail(reader, len < line.len && is_blank(line.ptr[len]) ? "a blank before '='"
                                                                      : "expected NAME=VALUE");
    cz_str value;
    cz_status status = read_value(reader, cz_str_tail(line, len + 1), &value);
    if (status)
        return status;
    *out_name = cz_str_head(line, len);
    *out_value = value;
    return CZ_OK;
}

static bool has_control_byte(cz_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7f)
            return true;
    return false;
}

cz_status cz__env_reader_next(cz__env_reader *reader, cz_str *out_name, cz_str *out_value)
{
    while (reader->rest.len) {
        cz_str line = cz_str_cut(&reader->rest, '\n');
        reader->line++;
        if (line.len && line.ptr[line.len - 1] == '\r')
            line.len--;
        if (has_control_byte(line))
            return fail(reader, "a control character");
        if (!cz_str_is_utf8(line))
            return fail(reader, "not UTF-8");
        line = skip_blanks(line);
        if (line.len && line.ptr[0] != '#')
            return read_assignment(reader, line, out_name, out_value);
    }
    return CZ_ENOTFOUND;
}
