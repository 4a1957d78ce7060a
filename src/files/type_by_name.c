/* What a file is by the end of its name: for files of our own, whose names can be trusted. */
#include <calzone/files.h>

/* Extensions and types, as IANA has them. Texts are UTF-8: browsers would guess. */
static const struct {
    cz_str extension, type;
} types[] = {
#define T(extension, type)                                                                         \
    {                                                                                              \
        { extension, sizeof(extension) - 1 },                                                      \
        {                                                                                          \
            type, sizeof(type) - 1                                                                 \
        }                                                                                          \
    }
    T("7z", "application/x-7z-compressed"),
    T("aac", "audio/aac"),
    T("apng", "image/apng"),
    T("atom", "application/atom+xml"),
    T("avif", "image/avif"),
    T("bmp", "image/bmp"),
    T("bz2", "application/x-bzip2"),
    T("css", "text/css; charset=utf-8"),
    T("csv", "text/csv; charset=utf-8"),
    T("doc", "application/msword"),
    T("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    T("eot", "application/vnd.ms-fontobject"),
    T("epub", "application/epub+zip"),
    T("flac", "audio/flac"),
    T("geojson", "application/geo+json"),
    T("gif", "image/gif"),
    T("glb", "model/gltf-binary"),
    T("gltf", "model/gltf+json"),
    T("gz", "application/gzip"),
    T("heic", "image/heic"),
    T("htm", "text/html; charset=utf-8"),
    T("html", "text/html; charset=utf-8"),
    T("ico", "image/vnd.microsoft.icon"),
    T("ics", "text/calendar; charset=utf-8"),
    T("jpeg", "image/jpeg"),
    T("jpg", "image/jpeg"),
    T("js", "text/javascript; charset=utf-8"),
    T("json", "application/json"),
    T("jsonld", "application/ld+json"),
    T("jxl", "image/jxl"),
    T("m4a", "audio/mp4"),
    T("m4v", "video/mp4"),
    T("map", "application/json"),
    T("md", "text/markdown; charset=utf-8"),
    T("mjs", "text/javascript; charset=utf-8"),
    T("mov", "video/quicktime"),
    T("mp3", "audio/mpeg"),
    T("mp4", "video/mp4"),
    T("mpeg", "video/mpeg"),
    T("odp", "application/vnd.oasis.opendocument.presentation"),
    T("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    T("odt", "application/vnd.oasis.opendocument.text"),
    T("oga", "audio/ogg"),
    T("ogg", "audio/ogg"),
    T("ogv", "video/ogg"),
    T("opus", "audio/ogg"),
    T("otf", "font/otf"),
    T("pdf", "application/pdf"),
    T("png", "image/png"),
    T("ppt", "application/vnd.ms-powerpoint"),
    T("pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    T("rar", "application/vnd.rar"),
    T("rss", "application/rss+xml"),
    T("rtf", "application/rtf"),
    T("svg", "image/svg+xml"),
    T("tar", "application/x-tar"),
    T("tif", "image/tiff"),
    T("tiff", "image/tiff"),
    T("ttf", "font/ttf"),
    T("txt", "text/plain; charset=utf-8"),
    T("vtt", "text/vtt; charset=utf-8"),
    T("wasm", "application/wasm"),
    T("wav", "audio/wav"),
    T("weba", "audio/webm"),
    T("webm", "video/webm"),
    T("webmanifest", "application/manifest+json"),
    T("webp", "image/webp"),
    T("woff", "font/woff"),
    T("woff2", "font/woff2"),
    T("xhtml", "application/xhtml+xml"),
    T("xls", "application/vnd.ms-excel"),
    T("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    T("xml", "application/xml"),
    T("xz", "application/x-xz"),
    T("yaml", "application/yaml"),
    T("yml", "application/yaml"),
    T("zip", "application/zip"),
    T("zst", "application/zstd"),
#undef T
};

/* What stands behind the last dot of the last step; empty: there is none, or nothing before it. */
static cz_str extension_of(cz_str name)
{
    for (size_t i = name.len; i > 0 && name.ptr[i - 1] != '/'; i--)
        if (name.ptr[i - 1] == '.')
            return i > 1 && name.ptr[i - 2] != '/' ? cz_str_tail(name, i) : CZ_STR("");
    return CZ_STR("");
}

cz_str cz_content_type_by_name(cz_str name)
{
    cz_str extension = extension_of(name);
    for (size_t i = 0; i < CZ_COUNT(types); i++)
        if (cz_str_eq_icase(types[i].extension, extension))
            return types[i].type;
    return CZ_STR("application/octet-stream");
}
