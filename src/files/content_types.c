/* What a file is: what a client says is a guess by the name at best, and a lie at worst. */
#include "files/files.h"
#include <calzone/buf.h>

enum { TYPE_BYTES_MAX = 127, CONTAINER_AT = 8 };

/* How files begin, as their specifications and the MIME Sniffing Standard have it. */
static const struct {
    cz_str type, begin;
    cz_str inside; /* at byte 8: what a container is of */
} signatures[] = {
#define S(literal)                                                                                 \
    {                                                                                              \
        literal, sizeof(literal) - 1                                                               \
    }
    { S("image/png"), S("\x89PNG\r\n\x1a\n"), S("") },
    { S("image/jpeg"), S("\xff\xd8\xff"), S("") },
    { S("image/gif"), S("GIF87a"), S("") },
    { S("image/gif"), S("GIF89a"), S("") },
    { S("image/webp"), S("RIFF"), S("WEBP") },
    { S("application/pdf"), S("%PDF-"), S("") },
    { S("application/zip"), S("PK\3\4"), S("") },
    { S("application/zip"), S("PK\5\6"), S("") }, /* without a file in it */
};

/* Names that browsers and systems gave to these types. */
static const struct {
    cz_str alias, type;
} aliases[] = {
    { S("image/jpg"), S("image/jpeg") },
    { S("image/pjpeg"), S("image/jpeg") },
    { S("image/x-png"), S("image/png") },
    { S("application/x-pdf"), S("application/pdf") },
    { S("application/x-zip"), S("application/zip") },
    { S("application/x-zip-compressed"), S("application/zip") },
#undef S
};

static bool begins(cz_str head, size_t at, cz_str with)
{
    return cz_str_starts_with(cz_str_tail(head, at), with);
}

cz_str cz_content_type_sniff(cz_bytes head)
{
    cz_str text = cz_str_of(head.ptr, head.len);
    for (size_t i = 0; i < CZ_COUNT(signatures); i++)
        if (begins(text, 0, signatures[i].begin) &&
            begins(text, CONTAINER_AT, signatures[i].inside))
            return signatures[i].type;
    return CZ_STR("");
}

/* Documents that are an archive of their parts: office documents, books, programs. */
static bool is_archive(cz_str type)
{
    static const char *const families[] = {
        "application/vnd.openxmlformats-officedocument.",
        "application/vnd.oasis.opendocument.",
        "application/vnd.android.package-archive",
        "application/java-archive",
    };
    for (size_t i = 0; i < CZ_COUNT(families); i++)
        if (cz_str_starts_with(type, cz_str_from(families[i])))
            return true;
    return cz_str_ends_with(type, CZ_STR("+zip")) ||
           cz_str_ends_with(type, CZ_STR(".macroenabled.12"));
}

bool cz__content_type_is_known(cz_str type)
{
    for (size_t i = 0; i < CZ_COUNT(signatures); i++)
        if (cz_str_eq(type, signatures[i].type))
            return true;
    return is_archive(type);
}

cz_str cz__content_type_settle(cz_str claimed, cz_bytes head)
{
    cz_str shown = cz_content_type_sniff(head);
    if (cz_str_eq(shown, CZ_STR("application/zip")) && is_archive(claimed))
        return claimed;
    if (shown.len)
        return shown;
    return claimed.len && !cz__content_type_is_known(claimed) ? claimed
                                                              : CZ_STR("application/octet-stream");
}

/* RFC 9110, 5.6.2. */
static bool is_token(cz_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && !memchr("!#$%&'*+-.^_`|~", c, 15))
            return false;
    }
    return text.len > 0;
}

/* The one name of a type that has several; empty: it is no type. */
static cz_str name_of(cz_str type)
{
    cz_str subtype = type, kind = cz_str_cut(&subtype, '/');
    if (type.len > TYPE_BYTES_MAX || !is_token(kind) || !is_token(subtype))
        return CZ_STR("");
    for (size_t i = 0; i < CZ_COUNT(aliases); i++)
        if (cz_str_eq(type, aliases[i].alias))
            return aliases[i].type;
    return type;
}

bool cz__content_type_is_plain(cz_str type)
{
    return type.len && cz_str_eq(name_of(type), type) && cz_str_find_char(type, '*') == SIZE_MAX;
}

cz_str cz__content_type_read(cz_ctx *ctx, cz_str header)
{
    cz_str type = cz_str_trim(cz_str_cut(&header, ';'));
    char *lower = cz_alloc(ctx, type.len + 1);
    for (size_t i = 0; i < type.len; i++)
        lower[i] =
            (char)(type.ptr[i] >= 'A' && type.ptr[i] <= 'Z' ? type.ptr[i] | 0x20 : type.ptr[i]);
    return name_of(cz_str_of(lower, type.len));
}
