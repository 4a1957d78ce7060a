#include "orm/formats.h"

enum { EMAIL_BYTES_MAX = 320, URL_BYTES_MAX = 2048, LABEL_BYTES_MAX = 63, HOST_BYTES_MAX = 253 };

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool cz__is_slug(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_letter(text.ptr[i]) && !is_digit(text.ptr[i]) && text.ptr[i] != '-' &&
            text.ptr[i] != '_')
            return false;
    return text.len > 0;
}

/* A label of a host name; bytes beyond ASCII pass, for internationalised names. */
static bool is_label(cz_str label)
{
    if (!label.len || label.len > LABEL_BYTES_MAX || label.ptr[0] == '-' ||
        label.ptr[label.len - 1] == '-')
        return false;
    for (size_t i = 0; i < label.len; i++)
        if (!is_letter(label.ptr[i]) && !is_digit(label.ptr[i]) && label.ptr[i] != '-' &&
            (unsigned char)label.ptr[i] < 0x80)
            return false;
    return true;
}

static bool is_ipv4(cz_str text)
{
    for (int part = 0; part < 4; part++) {
        cz_str number = cz_str_cut(&text, '.');
        uint64_t value;
        if (cz_str_to_u64(number, &value) || value > 255 || number.len > 3 ||
            (number.len > 1 && number.ptr[0] == '0'))
            return false;
    }
    return text.len == 0;
}

/* Names need a dot and a top level that is not a number. */
static bool is_domain(cz_str host)
{
    if (cz_str_eq_icase(host, CZ_STR("localhost")))
        return true;
    if (!host.len || host.len > HOST_BYTES_MAX || cz_str_find_char(host, '.') == SIZE_MAX)
        return false;
    cz_str label = host;
    for (cz_str rest = host; rest.len;) {
        label = cz_str_cut(&rest, '.');
        if (!is_label(label))
            return false;
    }
    bool digits = true;
    for (size_t i = 0; i < label.len; i++)
        digits &= is_digit(label.ptr[i]);
    return !digits && host.ptr[host.len - 1] != '.';
}

static bool is_bracketed(cz_str host) /* [::1]; the characters of an IPv6 address */
{
    if (host.len < 4 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']')
        return false;
    size_t colons = 0;
    for (size_t i = 1; i + 1 < host.len; i++) {
        char c = (char)(host.ptr[i] | 0x20);
        colons += host.ptr[i] == ':';
        if (!is_digit(host.ptr[i]) && !(c >= 'a' && c <= 'f') && host.ptr[i] != ':' &&
            host.ptr[i] != '.')
            return false;
    }
    return colons >= 2;
}

static bool is_atom_char(char c)
{
    return is_letter(c) || is_digit(c) || (c && memchr("!#$%&'*+/=?^_`{}|~-", c, 19));
}

static bool is_local_part(cz_str local)
{
    if (local.len >= 2 && local.ptr[0] == '"' && local.ptr[local.len - 1] == '"') {
        for (size_t i = 1; i + 1 < local.len; i++) {
            if (local.ptr[i] == '\\' && i + 2 < local.len)
                i++;
            else if (local.ptr[i] == '"' || local.ptr[i] == '\\')
                return false;
            if (local.ptr[i] < 0x20 || local.ptr[i] == 0x7f)
                return false;
        }
        return true;
    }
    bool atom = false;
    for (size_t i = 0; i < local.len; i++) {
        if (local.ptr[i] == '.' && atom)
            atom = false;
        else if (is_atom_char(local.ptr[i]))
            atom = true;
        else
            return false;
    }
    return atom;
}

bool cz__is_email(cz_str text)
{
    if (text.len > EMAIL_BYTES_MAX)
        return false;
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '@')
            at = i;
    if (at == SIZE_MAX)
        return false;
    cz_str domain = cz_str_tail(text, at + 1);
    if (!is_local_part(cz_str_head(text, at)))
        return false;
    if (domain.len > 2 && domain.ptr[0] == '[')
        return is_bracketed(domain) || (domain.ptr[domain.len - 1] == ']' &&
                                        is_ipv4(cz_str_of(domain.ptr + 1, domain.len - 2)));
    return is_domain(domain);
}

bool cz__is_url(cz_str text)
{
    static const char *const schemes[] = { "http://", "https://", "ftp://", "ftps://" };
    if (text.len > URL_BYTES_MAX)
        return false;
    cz_str rest = { 0 };
    for (size_t i = 0; i < CZ_COUNT(schemes); i++) {
        cz_str scheme = cz_str_from(schemes[i]);
        if (cz_str_eq_icase(cz_str_head(text, scheme.len), scheme))
            rest = cz_str_tail(text, scheme.len);
    }
    for (size_t i = 0; i < rest.len; i++)
        if ((unsigned char)rest.ptr[i] <= 0x20 || rest.ptr[i] == 0x7f)
            return false;
    size_t end = 0;
    while (end < rest.len && !memchr("/?#", rest.ptr[end], 3))
        end++;
    cz_str host = cz_str_head(rest, end);
    size_t user = cz_str_find_char(host, '@');
    if (user != SIZE_MAX)
        host = cz_str_tail(host, user + 1);
    cz_str port = { 0 };
    size_t bracket = cz_str_find_char(host, ']');
    size_t colon = cz_str_find_char(bracket == SIZE_MAX ? host : cz_str_tail(host, bracket), ':');
    if (colon != SIZE_MAX) {
        size_t at = colon + (bracket == SIZE_MAX ? 0 : bracket);
        port = cz_str_tail(host, at + 1);
        host = cz_str_head(host, at);
        uint64_t number;
        if (cz_str_to_u64(port, &number) || port.len > 5 || number > 65535)
            return false;
    }
    return is_domain(host) || is_ipv4(host) || is_bracketed(host);
}
