/* HTML that comes in, and what is left of it. */
#include "html/html_internal.h"
#include <calzone/testing.h>
#include <calzone/time.h>

static const cz_html_rules rules = {
    .tags = "p br b em a img ul ol li dl dt dd table tr td th pre blockquote q",
    .attributes = "a:href a:title a:target img:src img:alt q:cite *:lang td:colspan",
    .link_rel = "",
};
static const cz_html_rules links = { .tags = "a", .attributes = "a:href", .no_relative = true };

struct example {
    const char *html, *cleaned; /* NULL: the same */
};

static void expect(cz_ctx *ctx, const cz_html_rules *by, const struct example *examples,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *want = examples[i].cleaned ? examples[i].cleaned : examples[i].html;
        cz_str cleaned = cz_html_clean(ctx, cz_str_from(examples[i].html), by);
        CZ_EXPECT_MSG(cz_str_eq(cleaned, cz_str_from(want)), "%s\n  is %.*s\nnot %s",
                      examples[i].html, CZ_STR_ARG(cleaned), want);
        cz_str again = cz_html_clean(ctx, cleaned, by);
        CZ_EXPECT_MSG(cz_str_eq(again, cleaned), "%.*s\n  becomes %.*s", CZ_STR_ARG(cleaned),
                      CZ_STR_ARG(again));
        CZ_EXPECT_MSG(cz_html_is_clean(cleaned, by), "%.*s", CZ_STR_ARG(cleaned));
    }
}

static const struct example kept[] = {
    { "", NULL },
    { "plain text", NULL },
    { "1 &lt; 2 &amp; 3 &#62; 2 &#x3C; &eacute;", NULL },
    { "<p>one<br>two</p>", NULL },
    { "<p lang=\"en\">x</p>", NULL },
    { "<a href=\"https://example.com/?a=1&amp;b=2\" title=\"x &quot;y&quot;\">z</a>", NULL },
    { "<a href=\"/books/7#top\">z</a><a href=\"?page=2\">2</a><a "
      "href=\"mailto:ada@example.org\">m</a>",
      NULL },
    { "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>", NULL },
    { "<img src=\"//cdn.example.com/x.png\" alt=\"\">", NULL },
    /* written anew */
    { "a < b", "a &lt; b" },
    { "a > b", "a &gt; b" },
    { "AT&T &unknown &; &#; &#x; &#xyz;",
      "AT&amp;T &amp;unknown &amp;; &amp;#; &amp;#x; &amp;#xyz;" },
    { "<P>x</P>", "<p>x</p>" },
    { "<p>x", "<p>x</p>" },
    { "<p>a<p>b", "<p>a</p><p>b</p>" },
    { "<p>a<ul><li>b<li>c</ul>d", "<p>a</p><ul><li>b</li><li>c</li></ul>d" },
    { "<dl><dt>a<dd>b<dt>c</dl>", "<dl><dt>a</dt><dd>b</dd><dt>c</dt></dl>" },
    { "<table><tr><td>a<td>b<tr><th>c</table>",
      "<table><tr><td>a</td><td>b</td></tr><tr><th>c</th></tr></table>" },
    { "<table><tr><td><p>a<table><tr><td>b</table><td>c</table>",
      "<table><tr><td><p>a</p><table><tr><td>b</td></tr></table></td><td>c</td></tr></table>" },
    { "<br/><br />", "<br><br>" },
    { "<a HREF='/x' Title=it's>z</a>", "<a href=\"/x\" title=\"it's\">z</a>" },
    { "<a href = /x>z</a>", "<a href=\"/x\">z</a>" },
    { "<a title>z</a>", "<a title=\"\">z</a>" },
    { "<a/href=/x/title=y>z</a>", "<a href=\"/x/title=y\">z</a>" },
    { "<a href=\" /x\ty\n\">z</a>", "<a href=\"/xy\">z</a>" },
    { "<a href=\"/?a=1&copy=2&amp;x\">z</a>", "<a href=\"/?a=1&amp;copy=2&amp;x\">z</a>" },
    { "<a title='<b>\"'>z</a>", "<a title=\"&lt;b&gt;&quot;\">z</a>" },
    { "<pre>\n a</pre>", NULL },
};

/* What is not closed, or closes what it did not open, would not stay in its place of a page. */
static const struct example mended[] = {
    { "<<b>x", "&lt;<b>x</b>" },
    { "x</p></b>", "x" },
    { "<b><em>x</b>y</em>", "<b><em>x</em></b>y" },
    { "</br>", "" },
    { "<a href=/a>x<a href=/b>y", "<a href=\"/a\">x</a><a href=\"/b\">y</a>" },
    { "x</table></table>", "x" },
    { "<ul><li>x", "<ul><li>x</li></ul>" },
    { "<b>x", "<b>x</b>" },
    { "<p><b>x<p>y", "<p><b>x</b></p><p>y</p>" },
};

static const struct example taken[] = {
    { "<script>alert(1)</script>x", "x" },
    { "<SCRIPT SRC=//evil.example></SCRIPT >x", "x" },
    { "<script>a</scripty>b</script/>c", "c" },
    { "<script>alert(1)", "" },
    { "<style>*{}</style><textarea><b></textarea><title><b></title>x", "x" },
    { "<svg><script>1</script><b>y</b></svg>x", "x" },
    { "<svg/>x", "x" },
    { "<svg><svg></svg>y</svg>x", "x" },
    { "<svg>never closed", "" },
    { "<math><mtext></math>x", "x" },
    { "<plaintext>a</plaintext>b", "" },
    { "<iframe src=x>a</iframe>b", "b" },
    { "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">", "<img src=\"x\">\"&gt;" },
    { "<form><input><button>x</button></form>", "x" },
    { "<blink>x</blink><x-y>z</x-y>", "xz" },
    { "<!-- <b> -->x<!---->y<!-->z<!--->u<!--a--!>v", "xyzuv" },
    { "<!doctype html><?xml x?></ b>x</>y<![CDATA[z]]>", "xy" },
    { "<!-- never", "" },
    { "x<b", "x" },
    { "x<b title=\"never", "x" },
    { "x</b", "x" },
    { "<b onclick=alert(1) ONMOUSEOVER='x' style=x class=y id=z>x</b>", "<b>x</b>" },
    { "<b <script>x</b>", "<b>x</b>" },
    { "<b title='a' title='b' lang=a lang=b>x</b>", "<b lang=\"a\">x</b>" },
    { "<a href=javascript:alert(1)>x</a>", "<a>x</a>" },
    { "<a href=\"JaVaScRiPt:alert(1)\">x</a>", "<a>x</a>" },
    { "<a href=\" \x01javascript:x\">x</a>", "<a>x</a>" },
    { "<a href=\"java\nscript\t:x\">x</a>", "<a>x</a>" },
    { "<a href=\"&#106;avascript:x\">x</a>", "<a>x</a>" },
    { "<a href=\"&#x6A;&#x61;vascript&#58;x\">x</a>", "<a>x</a>" },
    { "<a href=\"java&#9;script:x\">x</a>", "<a>x</a>" },
    { "<a href=\"data:text/html,x\">x</a>", "<a>x</a>" },
    { "<a href=\"&#106avascript:x\">x</a>", "<a>x</a>" },
    { "<a href=\"javascript&#58x\">x</a>", "<a>x</a>" },
    { "<a href=\"javascript&colon;x\">x</a>", "<a>x</a>" },
    { "<a href=\"java&Tab;script:x\">x</a>", "<a>x</a>" },
    { "<a href=\"&NewLine;javascript:x\">x</a>", "<a>x</a>" },
    { "<a href=\"&#x00000000000000000000000000000000000000000000006A;avascript:x\">x</a>",
      "<a>x</a>" },
    { "<a href=/b href=javascript:x>x</a>", "<a href=\"/b\">x</a>" },
    { "<a href=javascript:x href=/b>x</a>", "<a>x</a>" },
    { "<a href=\"vbscript:x\">x</a>", "<a>x</a>" },
    { "<a href=\"ftp://x\">x</a>", "<a>x</a>" },
    { "<a href=\"averyveryveryveryveryveryverylongscheme:x\">x</a>", "<a>x</a>" },
    { "<a href=\"/\x01x\">x</a>", "<a>x</a>" },
    { "<img src=x:alert(1) onerror=alert(1)>", "<img>" },
    { "<q cite=javascript:x>x</q>", "<q>x</q>" },
    { "<td background=x>y</td>", "<td>y</td>" },
};

/* What a browser would not read as a scheme stays, written so that it cannot. */
static const struct example harmless[] = {
    { "<a href=\":javascript:x\">x</a>", NULL },
    { "<a href=\"/javascript:x\">x</a>", NULL },
    { "<a href=\"&#0;javascript:x\">x</a>", "<a href=\"\xef\xbf\xbdjavascript:x\">x</a>" },
    { "<a href=\"&#xd800;&#x110000;&#x80;\">x</a>",
      "<a href=\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\">x</a>" },
    { "<a href=\"&#xe9;&#x20ac;&#x1f355;\">x</a>",
      "<a href=\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x95\">x</a>" },
    { "<a href='&quot;onclick=x&apos;'>x</a>", "<a href=\"&quot;onclick=x&#x27;\">x</a>" },
};

static const struct example by_links[] = {
    { "<a href=\"https://example.com\" rel=follow>x</a>",
      "<a href=\"https://example.com\" rel=\"nofollow noopener noreferrer\">x</a>" },
    { "<a href=\"/x\">x</a>", "<a>x</a>" },
    { "<a href=\"//x\">x</a>", "<a>x</a>" },
    { "<p>x</p>", "x" },
    { "<a href=\"https:/x\">x</a><a href=\"https:x\">y</a>", "<a>x</a><a>y</a>" },
};

static const struct example by_none[] = { { "<p>a <b>b</b></p>", "a b" } };

static void run_examples(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const cz_html_rules none = { 0 };
    expect(ctx, &rules, kept, CZ_COUNT(kept));
    expect(ctx, &rules, taken, CZ_COUNT(taken));
    expect(ctx, &rules, harmless, CZ_COUNT(harmless));
    expect(ctx, &links, by_links, CZ_COUNT(by_links));
    expect(ctx, &none, by_none, CZ_COUNT(by_none));
    for (size_t i = 0; i < CZ_COUNT(kept); i++)
        CZ_EXPECT_MSG(cz_html_is_clean(cz_str_from(kept[i].html), &rules), "%s", kept[i].html);
    expect(ctx, &rules, mended, CZ_COUNT(mended));
    for (size_t i = 0; i < CZ_COUNT(mended); i++)
        CZ_EXPECT_MSG(!cz_html_is_clean(cz_str_from(mended[i].html), &rules), "%s", mended[i].html);
    for (size_t i = 0; i < CZ_COUNT(taken); i++)
        CZ_EXPECT_MSG(!cz_html_is_clean(cz_str_from(taken[i].html), &rules), "%s", taken[i].html);
}

static void run_depths(cz_ctx *ctx, void *arg)
{
    (void)arg;
    cz_buf *deep = cz_scratch(ctx);
    for (int i = 0; i < 100000; i++)
        cz_buf_append_lit(deep, "<b>x");
    cz_str cleaned = cz_html_clean(ctx, cz_buf_str(deep), &rules);
    size_t opened = 0, closed = 0, text = 0;
    for (size_t i = 0; i < cleaned.len; i++) {
        opened += cz_str_starts_with(cz_str_tail(cleaned, i), CZ_STR("<b>"));
        closed += cz_str_starts_with(cz_str_tail(cleaned, i), CZ_STR("</b>"));
        text += cleaned.ptr[i] == 'x';
    }
    CZ_EXPECT_EQ(opened, CZ_HTML_DEPTH_MAX);
    CZ_EXPECT_EQ(closed, CZ_HTML_DEPTH_MAX);
    CZ_EXPECT_EQ(text, 100000);
    CZ_EXPECT_STR(cz_html_clean(ctx, cz_str_of("a\0<b\0>b</b>", 12), &rules), "ab");
    cz_buf *out = cz_scratch(ctx);
    cz_html_escape(out, CZ_STR("<a href=\"x\">it's &amp;</a>"));
    CZ_EXPECT_STR(cz_buf_str(out), "&lt;a href=&quot;x&quot;&gt;it&#x27;s &amp;amp;&lt;/a&gt;");
}

/* Whatever comes again and again, a look at it is short. */
static void run_floods(cz_ctx *ctx, void *arg)
{
    (void)arg;
    static const char *const begins[] = { "",    "<script>",   "<svg>", "<title>",
                                          "<a ", "<a title='", "<!--",  "<p>" };
    static const char *const pieces[] = { "<",   "<a",   "</",  "<!",   "&",  "&#",
                                          "<b>", "</b>", "<p>", "<tr>", "x=", "--" };
    for (size_t i = 0; i < CZ_COUNT(begins) * CZ_COUNT(pieces); i++) {
        cz_buf *html = cz_scratch(ctx);
        int64_t before_us = cz_monotonic_us();
        cz_buf_append_str(html, cz_str_from(begins[i / CZ_COUNT(pieces)]));
        while (cz_buf_str(html).len < 1000000)
            cz_buf_append_str(html, cz_str_from(pieces[i % CZ_COUNT(pieces)]));
        cz_ignore(
            cz_html_is_clean(cz_buf_str(html), &cz_html_rich)); /* how long it takes is asked */
        CZ_EXPECT_MSG(cz_monotonic_us() - before_us < 5000000, "%s%s...",
                      begins[i / CZ_COUNT(pieces)], pieces[i % CZ_COUNT(pieces)]);
    }
}

static void in_a_context(void (*fn)(cz_ctx *ctx, void *arg))
{
    cz_arena *arena;
    cz_ctx ctx;
    CZ_REQUIRE_OK(cz_arena_create(NULL, 0, &arena));
    cz_ctx_init(&ctx, arena);
    CZ_EXPECT_EQ(cz_try(&ctx, fn, NULL, NULL), CZ_OK);
    cz_ctx_done(&ctx);
    cz_arena_destroy(arena);
}

CZ_TEST(of_html_stays_what_the_rules_name)
{
    in_a_context(run_examples);
}

CZ_TEST(html_is_looked_at_once)
{
    in_a_context(run_floods);
}

CZ_TEST(html_has_a_greatest_depth)
{
    in_a_context(run_depths);
}

CZ_TEST(rules_of_html_that_cannot_be_kept_are_refused)
{
    static const struct {
        cz_html_rules rules;
        const char *says; /* NULL: they can */
    } cases[] = {
        { { 0 }, NULL },
        { { .tags = " p  br ", .attributes = "*:class *:id *:data-x p:title", .schemes = "tel" },
          NULL },
        { { .tags = "p script" }, "no rules can allow the tag \"script\"" },
        { { .tags = "svg" }, "no rules can allow the tag \"svg\"" },
        { { .tags = "P" }, "no rules can allow the tag \"P\"" },
        { { .tags = "a", .attributes = "a:HREF" },
          "no rules can make the attribute \"HREF\" safe" },
        { { .tags = "img", .attributes = "img:name" },
          "no rules can make the attribute \"name\" safe" },
        { { .tags = "p", .attributes = "href" },
          "attributes of HTML are written \"a:href *:title\", not \"href\"" },
        { { .tags = "p", .attributes = "p:" },
          "attributes of HTML are written \"a:href *:title\", not \"p:\"" },
        { { .tags = "p", .attributes = "q:cite" },
          "\"q:cite\" is of a tag that .tags does not allow" },
        { { .tags = "p", .attributes = "*:onclick" },
          "no rules can make the attribute \"onclick\" safe" },
        { { .tags = "p", .attributes = "p:style" },
          "no rules can make the attribute \"style\" safe" },
        { { .tags = "img", .attributes = "img:srcset" },
          "no rules can make the attribute \"srcset\" safe" },
        { { .tags = "p", .attributes = "p:a=b" }, "no rules can make the attribute \"a=b\" safe" },
        { { .tags = "a", .schemes = "https javascript" },
          "no rules can allow the scheme \"javascript\"" },
        { { .tags = "a", .schemes = "data" }, "no rules can allow the scheme \"data\"" },
    };
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        cz_error err = { 0 };
        cz_status status = cz__html_rules_check(&cases[i].rules, &err);
        CZ_EXPECT_EQ(status, cases[i].says ? CZ_EVALIDATION : CZ_OK);
        if (status)
            CZ_EXPECT_STR(cz_str_from(cz_error_message(&err)), cases[i].says);
    }
    CZ_EXPECT_EQ(cz__html_rules_check(&cz_html_basic, NULL), CZ_OK);
    CZ_EXPECT_EQ(cz__html_rules_check(&cz_html_rich, NULL), CZ_OK);
}

/* Rules that nobody checked are no way in either. */
CZ_TEST(what_no_rules_can_make_safe_stays_out)
{
    static const cz_html_rules careless = { .tags = "script a p",
                                            .attributes = "a:href p:onclick p:style",
                                            .schemes = "javascript" };
    CZ_EXPECT(!cz_html_is_clean(CZ_STR("<script>x</script>"), &careless));
    CZ_EXPECT(!cz_html_is_clean(CZ_STR("<a href=javascript:x>y</a>"), &careless));
    CZ_EXPECT(!cz_html_is_clean(CZ_STR("<p onclick=x>y</p>"), &careless));
    CZ_EXPECT(!cz_html_is_clean(CZ_STR("<p style=x>y</p>"), &careless));
    CZ_EXPECT(cz_html_is_clean(CZ_STR("<p><a href=x>y</a></p>"), &careless));
}
