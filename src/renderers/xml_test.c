/* XML out: well-formed whatever the document is. */
#include <calzone/renderers.h>
#include <calzone/testing.h>

struct writing {
    const char *json;
    cz_buf out;
};

static void write_document(cz_ctx *ctx, void *arg)
{
    struct writing *writing = arg;
    const cz_request req = { 0 };
    cz_xml_renderer.render(ctx, &req, cz_str_from(writing->json), &writing->out);
}

static const struct {
    const char *json, *xml; /* without the declaration; NULL: it cannot be */
} cases[] = {
    { "[]", "<root></root>" },
    { "{}", "<root></root>" },
    { "null", "<root></root>" },
    { "3", "<root>3</root>" },
    { "[1,-2.50,true,false,null,\"x\"]",
      "<root><list-item>1</list-item><list-item>-2.50</list-item><list-item>true</list-item>"
      "<list-item>false</list-item><list-item></list-item><list-item>x</list-item></root>" },
    { "{\"count\":1,\"next\":null,\"results\":[{\"id\":1,\"author\":{\"name\":\"A\"},\"tags\":[]}]"
      "}",
      "<root><count>1</count><next></next><results><list-item><id>1</id><author><name>A</name>"
      "</author><tags></tags></list-item></results></root>" },
    { "[[1],[[2]]]",
      "<root><list-item><list-item>1</list-item></list-item><list-item><list-item><list-item>2"
      "</list-item></list-item></list-item></root>" },
    /* texts that would be markup, or other texts once they are read */
    { "\"<a href=\\\"x\\\">&amp;]]>\"", "<root>&lt;a href=\"x\"&gt;&amp;amp;]]&gt;</root>" },
    { "\"a\\r\\n\\tb\"", "<root>a&#13;\n\tb</root>" },
    { "\"\\u0000\\u0001\\u001f\\u000b\"",
      "<root>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd</root>" },
    { "\"\\ufffe\\uffff\\ufffd\\u00e9\\ud83d\\ude00\"",
      "<root>\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\xf0\x9f\x98\x80</root>" },
    /* names that are none of an element */
    { "{\"a b\":1}", "<root><member name=\"a b\">1</member></root>" },
    { "{\"\":[]}", "<root><member name=\"\"></member></root>" },
    { "{\"1st\":1,\"-a\":2,\"a:b\":3,\"\\u00e9\":4,\"a.b-1_\":5,\"list-item\":6}",
      "<root><member name=\"1st\">1</member><member name=\"-a\">2</member><member name=\"a:b\">3"
      "</member><member name=\"\xc3\xa9\">4</member><a.b-1_>5</a.b-1_><list-item>6</list-item>"
      "</root>" },
    { "{\"><script/\":{\"\\\"'&\\n\\t\\r\":null}}",
      "<root><member name=\"&gt;&lt;script/\"><member name=\"&quot;'&amp;&#10;&#9;&#13;\"></member>"
      "</member></root>" },
    { "", NULL },
    { "[1", NULL },
    { "{\"a\":}", NULL },
    { "1 2", NULL },
};

CZ_TEST(json_is_written_as_xml)
{
    cz_ctx ctx;
    cz_ctx_init(&ctx, cz_test_arena());
    for (size_t i = 0; i < CZ_COUNT(cases); i++) {
        struct writing writing = { .json = cases[i].json };
        cz_status status = cz_try(&ctx, write_document, &writing, NULL);
        CZ_EXPECT_EQ(status, cases[i].xml ? CZ_OK : CZ_EINVAL);
        cz_str head = CZ_STR("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
        cz_str told = cz_buf_str(&writing.out);
        if (cases[i].xml && cz_str_starts_with(told, head))
            CZ_EXPECT_STR(cz_str_tail(told, head.len), cases[i].xml);
        CZ_EXPECT(cz_str_starts_with(told, head));
        cz_buf_done(&writing.out);
    }
    cz_ctx_done(&ctx);
}
