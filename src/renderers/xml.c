/* A JSON document as XML 1.0, in the shape of djangorestframework-xml: <root> around the whole, an element for each member,
 * <list-item> for each item, nothing inside for NULL.
 *
 * What JSON may say and XML may not is kept well-formed: a name that is none for an element stands in an attribute,
 * <member name="a b">, and characters that XML has not become U+FFFD. */
#include <calzone/json.h>
#include <calzone/renderers.h>

struct xml {
    cz_buf *out;
    cz_str names
        [CZ_JSON_READ_DEPTH_MAX]; /* of the objects and lists that are open; the outermost is the root */
    bool is_map[CZ_JSON_READ_DEPTH_MAX];
    uint32_t depth;
};

/* ---- names and text ---- */

static bool begins_name(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Of ASCII alone: what else may stand in names differs between the editions of XML. */
static bool is_name(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool inner = i > 0 && ((c >= '0' && c <= '9') || c == '-' || c == '.');
        if (!begins_name(c) && !inner)
            return false;
    }
    return text.len > 0;
}

/* Line ends and tabs would come out as others, in attributes all of them. */
static void put_text(cz_buf *out, cz_str text, bool attribute)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool noncharacter = c == 0xef && i + 2 < text.len && (uint8_t)text.ptr[i + 1] == 0xbf &&
                            (uint8_t)text.ptr[i + 2] >= 0xbe;
        if (c == '&')
            cz_buf_append_lit(out, "&amp;");
        else if (c == '<')
            cz_buf_append_lit(out, "&lt;");
        else if (c == '>')
            cz_buf_append_lit(out, "&gt;");
        else if (c == '"' && attribute)
            cz_buf_append_lit(out, "&quot;");
        else if (c == '\r' || (attribute && (c == '\n' || c == '\t')))
            cz_buf_printf(out, "&#%d;", c);
        else if (noncharacter || (c < 0x20 && c != '\n' && c != '\t'))
            cz_buf_append_lit(out, "\xef\xbf\xbd");
        else
            cz_buf_append_char(out, (char)c);
        i += noncharacter ? 2 : 0; /* U+FFFE and U+FFFF have three bytes */
    }
}

static void put_start(cz_buf *out, cz_str name)
{
    if (is_name(name)) {
        cz_buf_printf(out, "<%.*s>", CZ_STR_ARG(name));
        return;
    }
    cz_buf_append_lit(out, "<member name=\"");
    put_text(out, name, true);
    cz_buf_append_lit(out, "\">");
}

static void put_end(cz_buf *out, cz_str name)
{
    cz_buf_printf(out, "</%.*s>", CZ_STR_ARG(is_name(name) ? name : CZ_STR("member")));
}

/* ---- the document ---- */

static cz_str name_of_item(const struct xml *xml, const cz_json_reader *json)
{
    if (!xml->depth)
        return CZ_STR("root");
    return xml->is_map[xml->depth - 1] ? json->key : CZ_STR("list-item");
}

static void put_item(struct xml *xml, const cz_json_reader *json, cz_json_kind kind)
{
    cz_str name = name_of_item(xml, json);
    put_start(xml->out, name);
    if (kind == CZ_JSON_LIST || kind == CZ_JSON_OBJECT) {
        xml->names[xml->depth] = name;
        xml->is_map[xml->depth++] = kind == CZ_JSON_OBJECT;
        return;
    }
    if (kind == CZ_JSON_BOOL)
        cz_buf_append_str(xml->out, json->boolean ? CZ_STR("true") : CZ_STR("false"));
    else if (kind != CZ_JSON_NULL)
        put_text(xml->out, json->text, false);
    put_end(xml->out, name);
}

static void render(cz_ctx *ctx, const cz_request *req, cz_str text, cz_buf *out)
{
    (void)req;
    static const cz_json_limits limits = { .depth_max = CZ_JSON_READ_DEPTH_MAX,
                                           .keys_max = UINT32_MAX };
    struct xml *xml = cz_new(ctx, struct xml);
    xml->out = out;
    cz_json_reader json;
    cz_json_reader_init(&json, ctx->arena, text, &limits);
    cz_buf_append_lit(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    for (bool more = true; more;) {
        cz_json_kind kind = cz_json_next(&json);
        if (kind != CZ_JSON_END)
            put_item(xml, &json, kind);
        else if (xml->depth && !json.status)
            put_end(out, xml->names[--xml->depth]);
        else
            more = false;
    }
    if (json.status)
        cz_raise(ctx, json.status == CZ_ENOMEM ? CZ_ENOMEM : CZ_EINVAL, "what is no JSON: %s",
                 json.error);
}

static const char *const also[] = { "text/xml", NULL };
const cz_renderer cz_xml_renderer = { "xml", "application/xml", "application/xml; charset=utf-8",
                                      render, also };
