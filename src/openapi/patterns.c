/* Which regular expressions mean in ECMAScript, with its flag "u", what they mean here: JSON Schema's "pattern" is such a one. */
#include "openapi/openapi_internal.h"

struct scan {
    cz_str text;
    size_t at;
};

static char peek(const struct scan *scan, size_t ahead)
{
    return scan->at + ahead < scan->text.len ? scan->text.ptr[scan->at + ahead] : '\0';
}

static bool is_one_of(char c, const char *list)
{
    return c && strchr(list, c);
}

/* "\p{Lu}"; names of scripts are written in another way there. */
static bool skip_property(struct scan *scan)
{
    size_t letters = 0;
    while (letters < 3 &&
           is_one_of((char)(peek(scan, 3 + letters) | 0x20), "abcdefghijklmnopqrstuvwxyz"))
        letters++;
    bool fine =
        peek(scan, 2) == '{' && (letters == 1 || letters == 2) && peek(scan, 3 + letters) == '}';
    scan->at += 4 + letters;
    return fine;
}

static bool skip_escape(struct scan *scan, bool in_class)
{
    char c = peek(scan, 1);
    if (is_one_of(c, "pP"))
        return skip_property(scan);
    scan->at += 2;
    return is_one_of(c, "dDwWsSfnrt0123456789^$\\.*+?()[]{}|/") ||
           (in_class ? c == '-' : is_one_of(c, "bB"));
}

static bool skip_class(struct scan *scan)
{
    scan->at += peek(scan, 1) == '^' ? 2 : 1;
    if (peek(scan, 0) == ']') /* itself here, the end of an empty class there */
        return false;
    while (scan->at < scan->text.len && peek(scan, 0) != ']') {
        if (peek(scan, 0) == '[' && is_one_of(peek(scan, 1), ":.="))
            return false;
        if (peek(scan, 0) != '\\')
            scan->at++;
        else if (!skip_escape(scan, true))
            return false;
    }
    scan->at++;
    return true;
}

/* "{2}", "{2,}", "{2,4}"; whatever else is in braces is text here and an error there. */
static bool skip_braces(struct scan *scan)
{
    size_t digits = 0, commas = 0;
    scan->at++;
    for (; is_one_of(peek(scan, 0), "0123456789,"); scan->at++) {
        commas += peek(scan, 0) == ',';
        if (peek(scan, 0) == ',' && !digits)
            return false;
        digits += peek(scan, 0) != ',';
    }
    bool closed = peek(scan, 0) == '}';
    scan->at++;
    return closed && digits && commas <= 1;
}

/* A quantifier, which may be a lazy one but no possessive one. */
static bool skip_quantifier(struct scan *scan)
{
    if (peek(scan, 0) != '{')
        scan->at++;
    else if (!skip_braces(scan))
        return false;
    scan->at += peek(scan, 0) == '?';
    return peek(scan, 0) != '+';
}

static bool skip_group(struct scan *scan)
{
    bool behind = peek(scan, 1) == '?' && peek(scan, 2) == '<';
    bool fine = peek(scan, 1) != '*' && (peek(scan, 1) != '?' || is_one_of(peek(scan, 2), ":=!") ||
                                         (behind && is_one_of(peek(scan, 3), "=!")));
    scan->at += peek(scan, 1) != '?' ? 1 : behind ? 4 : 3;
    return fine;
}

bool cz__regex_is_portable(cz_str regex)
{
    struct scan scan = { regex, 0 };
    bool fine = true;
    while (fine && scan.at < regex.len) {
        char c = peek(&scan, 0);
        if (c == '\\')
            fine = skip_escape(&scan, false);
        else if (c == '[')
            fine = skip_class(&scan);
        else if (c == '(')
            fine = skip_group(&scan);
        else if (is_one_of(c, "*+?{"))
            fine = skip_quantifier(&scan);
        else
            fine = !is_one_of(c, "]}") && ++scan.at;
    }
    return fine;
}
