/* What a table's names are called in C. A database may hold any name; what comes out is an identifier that is no
 * keyword and no macro, once in its model. */
#include "migrations/inspectdb_internal.h"

/* Keywords, what the standard headers define as macros in small letters, and words models.h makes its own. */
static const char *const taken[] = {
    "alignas",  "alignof",  "asm",
    "auto",     "bool",     "break",
    "case",     "char",     "complex",
    "const",    "continue", "default",
    "do",       "double",   "else",
    "enum",     "errno",    "extern",
    "false",    "float",    "for",
    "goto",     "id",       "if",
    "inline",   "int",      "linux",
    "long",     "noreturn", "register",
    "restrict", "return",   "s6_addr",
    "short",    "signed",   "sizeof",
    "static",   "stderr",   "stdin",
    "stdout",   "struct",   "switch",
    "true",     "typedef",  "typeof",
    "union",    "unix",     "unsigned",
    "void",     "volatile", "while",
    "st_atime", "st_ctime", "st_mtime",
    "typename", "class",    "math_errhandling",
};

static bool is_taken(const char *name)
{
    for (size_t i = 0; i < CZ_COUNT(taken); i++)
        if (strcmp(taken[i], name) == 0)
            return true;
    /* members of siginfo_t and sigaction, which are macros */
    return strncmp(name, "si_", 3) == 0 || strncmp(name, "sa_", 3) == 0 ||
           strncmp(name, "sigev_", 6) == 0;
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_word(char c)
{
    return is_lower(c) || is_upper(c) || (c >= '0' && c <= '9');
}

static bool has_lower(const char *text)
{
    for (; *text; text++)
        if (is_lower(*text))
            return true;
    return false;
}

const char *cz__inspect_model_name(cz_ctx *ctx, const char *table)
{
    char *name = cz_alloc(ctx, strlen(table) + 8);
    size_t len = 0;
    bool begins = true, keep = has_lower(table); /* FILE is a type: capitals alone become File */
    for (; *table; table++) {
        if (is_word(*table)) {
            if (!len && *table >= '0' && *table <= '9')
                name[len++] = 'T';
            name[len++] = begins && is_lower(*table)             ? (char)(*table - 32)
                          : !begins && !keep && is_upper(*table) ? (char)(*table | 0x20)
                                                                 : *table;
        }
        begins = !is_word(*table);
    }
    name[len] = '\0';
    if (len >= 2 && (name[0] | 0x20) == 'c' && (name[1] | 0x20) == 'z') { /* CZ_ is the library's */
        memmove(name + 1, name, len + 1);
        name[0] = 'T';
    }
    return len ? name : "Table";
}

const char *cz__inspect_member_name(cz_ctx *ctx, const char *column)
{
    char *name = cz_alloc(ctx, strlen(column) + 8);
    size_t len = 0;
    for (const char *c = column; *c; c++) {
        if (!len && *c >= '0' && *c <= '9')
            name[len++] = 'n';
        if (is_word(*c))
            name[len++] = is_upper(*c) ? (char)(*c | 0x20) : *c;
        else if (len && name[len - 1] != '_')
            name[len++] = '_';
    }
    while (len && name[len - 1] == '_') /* row_, bits_ are the row's own */
        len--;
    name[len] = '\0';
    if (!len)
        return "field";
    if (is_taken(name))
        memcpy(name + len, "_field", sizeof "_field");
    return name;
}

const char *cz__inspect_unique(cz_ctx *ctx, const char *name, bool (*is_used)(void *, const char *),
                               void *arg)
{
    const char *tried = name;
    for (unsigned n = 2; is_used(arg, tried); n++)
        tried = cz_format(ctx, "%s%u", name, n).ptr;
    return tried;
}

const char *cz__inspect_list_name(cz_ctx *ctx, const char *model)
{
    size_t len = strlen(model);
    char *list = cz_alloc(ctx, len + sizeof "_FIELDS");
    for (size_t i = 0; i < len; i++)
        list[i] = is_lower(model[i]) ? (char)(model[i] - 32) : model[i];
    memcpy(list + len, "_FIELDS", sizeof "_FIELDS");
    return list;
}
