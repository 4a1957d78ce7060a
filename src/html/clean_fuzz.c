/* HTML that others wrote. Oracles: cleaning twice changes nothing, what came out is clean, and a reader who knows nothing of
 * how it was made finds in it only tags and attributes that are allowed, closed in the order they were opened. */
#include <calzone/html.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const tags[] = { "a", "b", "img", "li", "p", "table", "td", "tr", "ul" };
static const cz_html_rules rules = { .tags = "a b img li p table td tr ul",
                                     .attributes = "a:href *:title img:src" };

static void check(bool holds)
{
    if (!holds)
        abort();
}

static bool take(cz_str *rest, const char *text)
{
    cz_str literal = cz_str_from(text);
    bool there = cz_str_starts_with(*rest, literal);
    *rest = cz_str_tail(*rest, there ? literal.len : 0);
    return there;
}

static size_t take_name(cz_str *rest)
{
    size_t longest = 0, found = CZ_COUNT(tags);
    for (size_t i = 0; i < CZ_COUNT(tags); i++)
        if (cz_str_starts_with(*rest, cz_str_from(tags[i])) && strlen(tags[i]) > longest) {
            longest = strlen(tags[i]);
            found = i;
        }
    check(found < CZ_COUNT(tags));
    *rest = cz_str_tail(*rest, longest);
    return found;
}

static void read_attribute(cz_str *rest)
{
    bool address = take(rest, "href=\"") || take(rest, "src=\"");
    check(address || take(rest, "title=\"") || take(rest, "rel=\""));
    size_t end = cz_str_find_char(*rest, '"');
    check(end != SIZE_MAX);
    cz_str value = cz_str_head(*rest, end);
    *rest = cz_str_tail(*rest, end + 1);
    check(cz_str_find_char(value, '<') == SIZE_MAX && cz_str_find_char(value, '>') == SIZE_MAX);
    size_t colon = cz_str_find_char(value, ':');
    if (!address || colon == SIZE_MAX)
        return;
    for (size_t i = 0; i < colon; i++) /* what is before it is no scheme, or one that is allowed */
        if (!((value.ptr[i] | 0x20) >= 'a' && (value.ptr[i] | 0x20) <= 'z') &&
            !(i && ((value.ptr[i] >= '0' && value.ptr[i] <= '9') || strchr("+-.", value.ptr[i]))))
            return;
    cz_str scheme = cz_str_head(value, colon);
    check(!colon || cz_str_eq_icase(scheme, CZ_STR("http")) ||
          cz_str_eq_icase(scheme, CZ_STR("https")) || cz_str_eq_icase(scheme, CZ_STR("mailto")));
}

static void read_page(cz_str rest)
{
    size_t open[CZ_HTML_DEPTH_MAX], count = 0;
    while (rest.len) {
        if (!take(&rest, "<")) {
            check(rest.ptr[0] != '>' && rest.ptr[0] != '\0');
            rest = cz_str_tail(rest, 1);
            continue;
        }
        bool end = take(&rest, "/");
        size_t tag = take_name(&rest);
        while (!end && take(&rest, " "))
            read_attribute(&rest);
        check(take(&rest, ">"));
        if (end)
            check(count && open[--count] == tag);
        else if (strcmp(tags[tag], "img") != 0) {
            check(count < CZ_HTML_DEPTH_MAX);
            open[count++] = tag;
        }
    }
    check(count == 0);
}

static void clean(cz_ctx *ctx, void *arg)
{
    const cz_str *html = arg;
    cz_str cleaned = cz_html_clean(ctx, *html, &rules);
    check(cz_html_is_clean(cleaned, &rules));
    check(cz_str_eq(cz_html_clean(ctx, cleaned, &rules), cleaned));
    read_page(cleaned);
    cz_ignore(cz_html_is_clean(*html, &cz_html_rich));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static cz_arena *arena;
    if (!arena)
        check(cz_arena_create(NULL, 0, &arena) == CZ_OK);
    char *copy = malloc(size ? size : 1);
    check(copy != NULL);
    if (size)
        memcpy(copy, data, size);
    cz_str html = cz_str_of(copy, size);
    cz_ctx ctx;
    cz_ctx_init(&ctx, arena);
    check(cz_try(&ctx, clean, &html, NULL) == CZ_OK);
    cz_ctx_done(&ctx);
    cz_arena_reset(arena);
    free(copy);
    return 0;
}
