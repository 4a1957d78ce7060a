/* Versions as semver.org has them:
 *
 *   version    = number [ "." number [ "." number ] ] [ "-" pre ] [ "+" build ]
 *   number     = "0" / nonzero *digit
 *   pre        = identifier *( "." identifier )     ; of letters, digits and "-"; one of digits alone is a number
 *   build      = likewise, digits of any kind
 *
 * Numbers are compared as texts without leading zeros, so none is too large. */
#include <calzone/clients.h>

enum { NUMBERS = 3 };

struct semver {
    cz_str numbers[NUMBERS];
    cz_str pre;
    bool has_pre;
};

static bool is_digits(cz_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len > 0;
}

static bool is_number(cz_str text)
{
    return is_digits(text) && (text.len == 1 || text.ptr[0] != '0');
}

static bool is_identifier(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool fine =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
        if (!fine)
            return false;
    }
    return text.len > 0;
}

/* Identifiers with points between; `pre`: one of digits alone has no leading zeros. */
static bool are_identifiers(cz_str text, bool pre)
{
    for (bool more = true; more;) {
        more = cz_str_find_char(text, '.') != SIZE_MAX;
        cz_str one = cz_str_cut(&text, '.');
        if (!is_identifier(one) || (pre && is_digits(one) && !is_number(one)))
            return false;
    }
    return true;
}

static bool read_version(cz_str text, struct semver *out)
{
    if (text.len > CZ_SEMVER_BYTES_MAX)
        return false;
    size_t plus = cz_str_find_char(text, '+');
    if (plus != SIZE_MAX && !are_identifiers(cz_str_tail(text, plus + 1), false))
        return false;
    text = plus == SIZE_MAX ? text : cz_str_head(text, plus);
    size_t dash = cz_str_find_char(text, '-');
    *out = (struct semver){ .has_pre = dash != SIZE_MAX };
    if (out->has_pre) {
        out->pre = cz_str_tail(text, dash + 1);
        if (!are_identifiers(out->pre, true))
            return false;
        text = cz_str_head(text, dash);
    }
    bool more = true;
    for (size_t i = 0; i < NUMBERS; i++) {
        bool here = more;
        more = here && cz_str_find_char(text, '.') != SIZE_MAX;
        out->numbers[i] = here ? cz_str_cut(&text, '.') : CZ_STR("0");
        if (!is_number(out->numbers[i]))
            return false;
    }
    return !more;
}

static int compare_numbers(cz_str a, cz_str b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return cz_str_cmp(a, b);
}

/* Numbers come before words; fewer identifiers before more. */
static int compare_pre(cz_str a, cz_str b)
{
    while (a.len && b.len) {
        cz_str x = cz_str_cut(&a, '.'), y = cz_str_cut(&b, '.');
        bool x_number = is_digits(x), y_number = is_digits(y);
        int order = x_number && y_number ? compare_numbers(x, y)
                    : x_number           ? -1
                    : y_number           ? 1
                                         : cz_str_cmp(x, y);
        if (order)
            return order;
    }
    return a.len ? 1 : b.len ? -1 : 0;
}

bool cz_semver_is_valid(cz_str text)
{
    struct semver unused;
    return read_version(text, &unused);
}

int cz_semver_compare(cz_str a, cz_str b)
{
    struct semver x, y;
    bool valid = read_version(a, &x) && read_version(b, &y);
    cz_assert(valid);
    for (size_t i = 0; i < NUMBERS; i++) {
        int order = compare_numbers(x.numbers[i], y.numbers[i]);
        if (order)
            return order;
    }
    if (x.has_pre != y.has_pre) /* what is not yet released comes before its release */
        return x.has_pre ? -1 : 1;
    return compare_pre(x.pre, y.pre);
}

const char *cz_semver_check(cz_str text, double unused)
{
    (void)unused;
    return !text.len || cz_semver_is_valid(text) ? NULL : "Enter a version such as 2.4.0.";
}
