/* A .regex as ECMAScript reads it with its flag "u", which is what JSON Schema's "pattern" is. What means something else there is
 * written in other words, "." as "[^\n]"; what is an error there, or would mean something else in any words, is not shown. */
#include "openapi/openapi_internal.h"

enum { GROUPS_MAX = 64 };

struct scan {
    cz_str text;
    size_t at;
    cz_buf *out;
    size_t open;         /* groups */
    uint64_t lookaround; /* a bit for each of them */
};

static char peek(const struct scan *scan, size_t ahead)
{
    return scan->at + ahead < scan->text.len ? scan->text.ptr[scan->at + ahead] : '\0';
}

static bool is_one_of(char c, const char *list)
{
    return c && strchr(list, c);
}

/* Write `count` bytes as they are. */
static void keep(struct scan *scan, size_t count)
{
    cz_buf_append_str(scan->out, cz_str_head(cz_str_tail(scan->text, scan->at), count));
    scan->at += count;
}

static void write_instead(struct scan *scan, size_t count, const char *words)
{
    cz_buf_append_str(scan->out, cz_str_from(words));
    scan->at += count;
}

/* "\p{Lu}": the categories that both know by these names. Names of scripts are written in another way there. */
static bool take_property(struct scan *scan)
{
    static const char names[] =
        " L Lu Ll Lt Lm Lo M Mn Mc Me N Nd Nl No P Pc Pd Ps Pe Pi Pf Po S Sm Sc Sk So Z "
        "Zs Zl Zp C Cc Cf Cs Co Cn ";
    char name[] = { ' ', peek(scan, 3), peek(scan, 4) == '}' ? ' ' : peek(scan, 4), ' ', '\0' };
    bool one = name[2] == ' ';
    if (one)
        name[3] = '\0';
    if (peek(scan, 2) != '{' || peek(scan, one ? 4 : 5) != '}' || !strstr(names, name))
        return false;
    keep(scan, one ? 5 : 6);
    return true;
}

/* Spaces are ASCII's here and Unicode's there. Numbers after a backslash are groups, bytes or errors, by rules of their own. */
static bool take_escape(struct scan *scan, bool in_class)
{
    char c = peek(scan, 1);
    if (is_one_of(c, "pP"))
        return take_property(scan);
    if (c == 's')
        write_instead(scan, 2, in_class ? "\\t-\\r " : "[\\t-\\r ]");
    else if (c == 'S' && !in_class)
        write_instead(scan, 2, "[^\\t-\\r ]");
    else if (is_one_of(c, "dDwWfnrt^$\\.*+?()[]{}|/") || is_one_of(c, in_class ? "-" : "bB"))
        keep(scan, 2);
    else
        return false;
    return true;
}

static bool take_class(struct scan *scan)
{
    keep(scan, peek(scan, 1) == '^' ? 2 : 1);
    if (peek(scan, 0) == ']') /* itself here, the end of an empty class there */
        return false;
    while (scan->at < scan->text.len && peek(scan, 0) != ']') {
        if (peek(scan, 0) == '[' && is_one_of(peek(scan, 1), ":.="))
            return false;
        if (peek(scan, 0) != '\\')
            keep(scan, 1);
        else if (!take_escape(scan, true))
            return false;
    }
    keep(scan, 1);
    return true;
}

/* "{2}", "{2,}", "{2,4}"; whatever else is in braces is text here and an error there. */
static bool take_braces(struct scan *scan)
{
    size_t digits = 0, commas = 0;
    keep(scan, 1);
    while (is_one_of(peek(scan, 0), "0123456789,")) {
        commas += peek(scan, 0) == ',';
        if (peek(scan, 0) == ',' && !digits)
            return false;
        digits += peek(scan, 0) != ',';
        keep(scan, 1);
    }
    bool closed = peek(scan, 0) == '}';
    keep(scan, 1);
    return closed && digits && commas <= 1;
}

/* A quantifier, which may be a lazy one but no possessive one. */
static bool take_quantifier(struct scan *scan)
{
    if (peek(scan, 0) != '{')
        keep(scan, 1);
    else if (!take_braces(scan))
        return false;
    if (peek(scan, 0) == '?')
        keep(scan, 1);
    return peek(scan, 0) != '+';
}

static bool take_group(struct scan *scan)
{
    bool marked = peek(scan, 1) == '?', behind = marked && peek(scan, 2) == '<';
    bool look = behind ? is_one_of(peek(scan, 3), "=!") : marked && is_one_of(peek(scan, 2), "=!");
    if (peek(scan, 1) == '*' || (marked && !look && peek(scan, 2) != ':') ||
        scan->open == GROUPS_MAX)
        return false;
    scan->lookaround = scan->lookaround << 1 | look;
    scan->open++;
    keep(scan, !marked ? 1 : behind ? 4 : 3);
    return true;
}

/* What looks around is nothing that could be repeated there. */
static bool take_group_end(struct scan *scan)
{
    bool looked = scan->lookaround & 1;
    scan->lookaround >>= 1;
    scan->open -= scan->open > 0;
    keep(scan, 1);
    return !looked || !is_one_of(peek(scan, 0), "*+?{");
}

static bool take_next(struct scan *scan)
{
    switch (peek(scan, 0)) {
    case '\\':
        return take_escape(scan, false);
    case '[':
        return take_class(scan);
    case '(':
        return take_group(scan);
    case ')':
        return take_group_end(scan);
    case '*':
    case '+':
    case '?':
    case '{':
        return take_quantifier(scan);
    case '.':
        write_instead(scan, 1, "[^\\n]");
        return true;
    case ']':
    case '}':
        return false;
    default:
        keep(scan, 1);
        return true;
    }
}

bool cz__regex_to_ecmascript(cz_str regex, cz_buf *out)
{
    struct scan scan = { .text = regex, .out = out };
    bool fine = true;
    while (fine && scan.at < regex.len)
        fine = take_next(&scan);
    return fine;
}
