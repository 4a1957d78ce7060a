/* calzone/models.h: a table's columns, declared once.
 *
 * A model is a list of fields. From it come the row struct, the metadata, the table, the serializer's
 * defaults and the types the compiler checks queries against (queries.h).
 *
 *     #define BOOK(F)                                                                  \
 *         F(char_field,  title,  .max_length = 200, .index = true)                     \
 *         F(int_field,   year,   .null = true)                                         \
 *         F(foreign_key, author, Author, .on_delete = CZ_PROTECT)
 *     CZ_MODEL(Book, BOOK, .ordering = CZ_ORDER_BY(CZ_ASC(Book, title)))
 *
 * gives `struct Book { ... int64_t id; cz_str title; int32_t year; int64_t author_id; ... }`, with a
 * 64-bit key `id`; CZ_MODEL_UUID gives a UUID key (version 7). A field list may include another, which is
 * how abstract bases work: write `CZ_TIMESTAMPED(F)` inside yours.
 *
 * Kinds, and the C type of the row's member:
 *
 *     char_field, text_field, slug_field, email_field, url_field    cz_str
 *     small_int_field, int_field, big_int_field                     int16_t, int32_t, int64_t
 *     bool_field, float_field                                       bool, double
 *     date_field, datetime_field, uuid_field                        cz_date, cz_datetime, cz_uuid
 *     time_field, duration_field                                    cz_time, cz_duration
 *     decimal_field (needs .digits and .places)                     cz_decimal, exact
 *     ip_field                                                      cz_str
 *     file_field                                                    cz_upload (files.h); of records alone
 *     json_field                                                    cz_str, the document
 *     binary_field                                                  cz_bytes
 *     encrypted_field                                               cz_str, encrypted in the table
 *     enum_field(name, Enum)                                        the enum of CZ_ENUM(), text in the table
 *     int_array_field, text_array_field                             cz_int_list, cz_str_list
 *     foreign_key(name, Model), one_to_one(name, Model)             the key in `name_id`; CZ_REL() reads
 *     reference(name, Model)                                        as a foreign key, without a constraint: what it
 *                                                                   leads to may be in another database
 *     many_to_many(name, Model)                                     nothing; a table of its own, or a
 *                                                                   model's by .through
 *     reverse(name, Model, field)                                   nothing: the other side of a foreign
 *                                                                   key, declared so queries are checked
 *     many_to_many_reverse(name, Model, field)                      nothing: the other side
 *
 * Two models that refer to each other from separate headers forward-declare one another with
 * CZ_MODEL_FORWARD(Name) or CZ_MODEL_FORWARD_UUID(Name), which settles the type of the key.
 *
 * Each row knows, per field, whether it is NULL, loaded and changed; see cz_is_null() and cz_set().
 * Rows and their text live in the arena of the context that queried them.
 */
#ifndef CALZONE_MODELS_H
#define CALZONE_MODELS_H

#include <calzone/context.h>
#include <calzone/decimal.h>
#include <calzone/files.h>
#include <calzone/macros.h>
#include <calzone/random.h>
#include <calzone/str.h>
#include <calzone/time.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cz_model cz_model;
typedef struct cz_field cz_field;
struct cz__model_state; /* what start-up works out: columns, relations, SQL pieces */
struct cz__result;

/* ---- field kinds ---- */

/* The tags: where a path ends. Whole types, so that going on from one is the error "no member named". */
/* clang-format off */
struct cz__text { char none_; };
struct cz__integer { char none_; };
struct cz__boolean { char none_; };
struct cz__real { char none_; };
struct cz__day { char none_; };
struct cz__instant { char none_; };
struct cz__uuid { char none_; };
struct cz__exact { char none_; };
struct cz__clock { char none_; };
struct cz__span { char none_; };
struct cz__json { char none_; };
struct cz__binary { char none_; };
struct cz__integers { char none_; };
struct cz__texts { char none_; };
struct cz__sealed { char none_; };
struct cz__chosen { char none_; };
struct cz__file { char none_; };
/* clang-format on */

/* X(kind, tag of its path, C type) for the kinds that have a column of their own type. */
#define CZ_COLUMN_KIND_MAP(X)                                                                      \
    X(char_field, cz__text, cz_str)                                                                \
    X(text_field, cz__text, cz_str)                                                                \
    X(slug_field, cz__text, cz_str)                                                                \
    X(email_field, cz__text, cz_str)                                                               \
    X(url_field, cz__text, cz_str)                                                                 \
    X(small_int_field, cz__integer, int16_t)                                                       \
    X(int_field, cz__integer, int32_t)                                                             \
    X(big_int_field, cz__integer, int64_t)                                                         \
    X(bool_field, cz__boolean, bool)                                                               \
    X(float_field, cz__real, double)                                                               \
    X(date_field, cz__day, cz_date)                                                                \
    X(datetime_field, cz__instant, cz_datetime)                                                    \
    X(uuid_field, cz__uuid, cz_uuid)                                                               \
    X(ip_field, cz__text, cz_str)                                                                  \
    X(file_field, cz__file, cz_upload)                                                             \
    X(image_field, cz__text, cz_str)                                                               \
    X(decimal_field, cz__exact, cz_decimal)                                                        \
    X(time_field, cz__clock, cz_time)                                                              \
    X(duration_field, cz__span, cz_duration)                                                       \
    X(json_field, cz__json, cz_str)                                                                \
    X(binary_field, cz__binary, cz_bytes)                                                          \
    X(int_array_field, cz__integers, cz_int_list)                                                  \
    X(text_array_field, cz__texts, cz_str_list)                                                    \
    X(encrypted_field, cz__sealed, cz_str)                                                         \
    X(enum_field, cz__chosen, int)
#define CZ_RELATION_KIND_MAP(X)                                                                    \
    X(foreign_key)                                                                                 \
    X(one_to_one)                                                                                  \
    X(many_to_many)                                                                                \
    X(reverse)                                                                                     \
    X(many_to_many_reverse)

typedef enum cz_field_kind {
#define X(kind, tag, type) CZ_KIND_##kind,
    CZ_COLUMN_KIND_MAP(X)
#undef X
#define X(kind) CZ_KIND_##kind,
        CZ_RELATION_KIND_MAP(X)
#undef X
            CZ_KIND_COUNT
} cz_field_kind;
enum { CZ_KIND_reference = CZ_KIND_foreign_key }; /* with .unconstrained */

/* What becomes of the rows that refer to one that is deleted; 0 is "not said", which start-up refuses. */
typedef enum cz_on_delete {
    CZ_CASCADE = 1, /* they go too */
    CZ_PROTECT,     /* nothing goes: CZ_EINTEGRITY */
    CZ_SET_NULL,
    CZ_DO_NOTHING, /* the database's constraint has the last word, at the commit */
    CZ_RESTRICT, /* as CZ_PROTECT, unless they go themselves in the same deletion, by another relation */
    CZ_SET_DEFAULT /* they refer to the field's default */
} cz_on_delete;

/* ---- values whose zero has a meaning ---- */

typedef struct cz_tagged {
    /* Far from any number one would write: `.min = 50` lands here, and start-up refuses it. */
    enum {
        CZ__TAG_NONE,
        CZ__TAG_INT = 0x7a670001,
        CZ__TAG_REAL,
        CZ__TAG_TEXT,
        CZ__TAG_BOOL,
        CZ__TAG_SQL,
        CZ__TAG_NOW
    } kind;
    int64_t integer;
    double real;
    const char *text;
} cz_tagged;
#define cz_int(value)                                                                              \
    {                                                                                              \
        CZ__TAG_INT, (value), 0, 0                                                                 \
    }
#define cz_real(value)                                                                             \
    {                                                                                              \
        CZ__TAG_REAL, 0, (value), 0                                                                \
    }
#define cz_text(value)                                                                             \
    {                                                                                              \
        CZ__TAG_TEXT, 0, 0, (value)                                                                \
    }
#define cz_bool(value)                                                                             \
    {                                                                                              \
        CZ__TAG_BOOL, (value), 0, 0                                                                \
    }

/* Of a .db_default alone: an expression the database computes, the same SQL on both, and its clock. */
#define cz_sql(expression)                                                                         \
    {                                                                                              \
        CZ__TAG_SQL, 0, 0, (expression)                                                            \
    }
#define cz_db_now()                                                                                \
    {                                                                                              \
        CZ__TAG_NOW, 0, 0, 0                                                                       \
    }

typedef struct cz_choice {
    const char *value, *label;
} cz_choice;
typedef struct cz_choice_list {
    const cz_choice *items;
    size_t count;
} cz_choice_list;
/* An array of choices as a field's `.choices`. */
#define CZ_CHOICES(array)                                                                          \
    {                                                                                              \
        (array), CZ_COUNT(array)                                                                   \
    }

/* An enum whose values are stored as text, Django's TextChoices:
 *
 *     #define MOOD(E) E(MOOD_CALM, "calm", "Calm") E(MOOD_WILD, "wild", "Wild")
 *     CZ_ENUM(Mood, MOOD)
 *
 * gives `enum Mood` with those constants from 0 on, Mood_text(MOOD_WILD), "wild", and Mood_label(MOOD_WILD), "Wild",
 * both NULL for what is no constant; and the kind of fields `F(enum_field, mood, Mood)`. A stored text that is none of
 * them, written by a newer version, is read as (Mood)-1. */
#define CZ_ENUM(Enum, LIST)                                                                        \
    typedef enum Enum { Enum##__none = -1, LIST(CZ__ENUM_CONSTANT) Enum##__count } Enum;           \
    extern const cz_choice Enum##__choices[];                                                      \
    __attribute__((weak)) const cz_choice Enum##__choices[] = { LIST(CZ__ENUM_CHOICE) };           \
    static inline const char *Enum##_text(Enum value)                                              \
    {                                                                                              \
        return (int)value >= 0 && value < Enum##__count ? Enum##__choices[value].value : 0;        \
    }                                                                                              \
    static inline const char *Enum##_label(Enum value)                                             \
    {                                                                                              \
        return (int)value >= 0 && value < Enum##__count ? Enum##__choices[value].label : 0;        \
    }
#define CZ__ENUM_CONSTANT(constant, text, label) constant,
#define CZ__ENUM_CHOICE(constant, text, label) { text, label },

/* A check of one value beyond its kind. Returns NULL when it is fine, else the sentence for the client
 * (static). Called with the text of text fields and the number of number fields; the other is zero. Of a file with its name
 * and its size. May not raise. */
typedef const char *(*cz_validator)(cz_str text, double number);

/* ---- fields ---- */

enum { CZ_REGEX_TEXT_MAX = 8192 }; /* bytes of a text that a .regex looks at */

/* Names of fields, written CZ_FIELDS(Book, title, author). */
typedef struct cz_fields {
    const cz_str *items; /* paths */
    size_t count;
} cz_fields;

typedef struct cz_field_options {
    uint32_t
        max_length; /* characters of a char, slug, email or url field; 0: 255, url 200, slug 50,
                               email 254 as in Django; text fields: no limit; of a file those of its name, 0:
                               no limit */
    uint8_t digits, places; /* of a decimal field: at most so many digits (1 to 38), so many of them
                               behind the point */
    bool null;              /* NULL is allowed */
    bool blank;             /* may be left out or empty on input */
    bool unique, index;
    /* No other row has the value on the same day, in the same month (of any year) or year of this date or datetime:
     * CZ_FIELD(Post, published). Checked in input and by cz_full_clean(), not by the database; without the date
     * nothing is. */
    cz_str unique_for_date, unique_for_month, unique_for_year;
    bool read_only;                  /* never taken from input (Django: editable=False) */
    bool auto_now_add, auto_now;     /* datetime: now at creation; at every save */
    bool auto_actor_add, auto_actor; /* text: who the context acts for (cz_set_actor()), likewise */
    bool
        marks_deleted; /* see CZ_SOFT_DELETED: a datetime that may be NULL, or a boolean beside one */
    cz_tagged default_; /* cz_int(0), cz_text("draft"), cz_bool(true); of the kinds that are neither
                           number nor boolean, the text they are read from: cz_text("9.90") */
    void (*default_function)(
        void *out); /* writes a default of the row member's type; may not raise */
    /* What the database itself gives a row whose INSERT says nothing of the column, Calzone's or anybody's: a
     * value as default_, cz_sql("lower(hex(randomblob(8)))"), cz_db_now(). A row made with cz_create() has it
     * when it is stored. Beside a default_ it is for others. */
    cz_tagged db_default;
    cz_tagged min, max;     /* of a number */
    cz_choice_list choices; /* the only values allowed in a text field */
    uint32_t min_length;    /* characters of a text that is not empty; 0: no least */
    /* What a text that is not empty must have somewhere, all of it between "^" and "$": "^[A-Z]{2}[0-9]{4}$". An expression of
     * PCRE2, read as JSON Schema reads those of ECMAScript, so that the OpenAPI document can show it: \\d, \\w and \\s are
     * ASCII's, and "$" is the end itself. Texts of more than CZ_REGEX_TEXT_MAX bytes have it nowhere. */
    const char *regex;
    const char *regex_message; /* for who typed what has it not; NULL: DRF's sentence */
    /* What HTML the text may have (html.h); input and cz_full_clean() drop the rest before they check it. NULL: it is text, and
     * nothing is dropped. What is stored otherwise is stored as it is. */
    const struct cz_html_rules *html;
    uint64_t max_bytes; /* of a file; 0: CZ_UPLOAD_BYTES_MAX */
    /* Of a file: what it may be and how its name may end, with spaces between, "image/png image/jpeg" and "png jpg jpeg"; NULL:
     * anything. What it is tells cz_upload.content_type. */
    const char *content_types, *extensions;
    bool allow_empty_file; /* it may have no bytes */
    cz_validator validator;
    cz_on_delete on_delete; /* required for foreign_key, one_to_one and reference */
    bool unconstrained; /* a foreign key the database does not hold rows to; set by reference() */
    /* Of a many-to-many: the model whose rows are its links, CZ_THROUGH(Membership), with a foreign key to
     * either side and fields of its own. Which keys those are, when it has more than one to a side or leads from
     * a model to itself backwards: CZ_FIELDS(Membership, person, club), that to the field's own model first. */
    cz_model *through;
    cz_fields through_fields;
    const char *
        table; /* of a many-to-many without .through: the table of its links; NULL: by the model's table and
                           the field, "store_book_tags" */
    bool django;        /* as the model's .django, of this field alone */
    const char *column; /* the column's name; NULL: the field's ("author_id" for relations) */
    const char *verbose_name, *help_text;
    const char *
        example; /* for documents about the API: text as it is, of numbers, booleans, lists and documents their
                            JSON; NULL: one is made */
} cz_field_options;

struct cz_field {
    const char *name;
    cz_field_kind kind;
    cz_model *target; /* relations */
    const char *via;  /* reverse sides: the field on `target` */
    cz_field_options options;
};

/* ---- ordering and field lists (used by .ordering and by queries) ---- */

/* Where NULLs go; by default where the database puts them: going up first on SQLite, last on PostgreSQL. */
typedef enum cz_nulls { CZ_NULLS_DEFAULT, CZ_NULLS_FIRST, CZ_NULLS_LAST } cz_nulls;

struct cz__expr;
typedef struct cz_order {
    cz_str path;                 /* "title", "author->name" */
    const struct cz__expr *expr; /* instead of a path (expressions.h) */
    bool descending, random;
    cz_nulls nulls;
} cz_order;
typedef struct cz_order_list {
    const cz_order *items;
    size_t count;
} cz_order_list;

#define CZ__AT(M, path) (((M##__path *)0)->path)
#define CZ__PATH_STR(M, path)                                                                      \
    {                                                                                              \
#path, sizeof(#path) - 1 + 0 * sizeof(CZ__AT(M, path))                                     \
    }
struct cz__encrypted_fields_have_no_order; /* what the compiler says of one */
#define CZ__ORDER_PATH(M, path)                                                                    \
    {                                                                                              \
#path, sizeof(#path) - 1 +                                                                 \
                   0 * sizeof(*_Generic(CZ__AT(M, path), struct cz__sealed *                       \
                                        : (struct cz__encrypted_fields_have_no_order *)0, default  \
                                        : (char *)0))                                              \
    }
/* Ascending and descending order by a field or a path over relations; `.nulls = CZ_NULLS_LAST` may follow. */
#define CZ_ASC(M, at, ...)                                                                         \
    {                                                                                              \
        .path = CZ__ORDER_PATH(M, at), .descending = false, ##__VA_ARGS__                          \
    }
#define CZ_DESC(M, at, ...)                                                                        \
    {                                                                                              \
        .path = CZ__ORDER_PATH(M, at), .descending = true, ##__VA_ARGS__                           \
    }
/* By an expression. */
#define CZ_ASC_OF(e, ...)                                                                          \
    {                                                                                              \
        .expr = (const struct cz__expr *)(const void *)(e),                                        \
        .descending = 0 * sizeof(CZ__SUITED(CZ__IS_ONE_OF((e), CZ__BITS_EXPR), e)) != 0,           \
        ##__VA_ARGS__                                                                              \
    }
#define CZ_DESC_OF(e, ...)                                                                         \
    {                                                                                              \
        .expr = (const struct cz__expr *)(const void *)(e),                                        \
        .descending = 0 * sizeof(CZ__SUITED(CZ__IS_ONE_OF((e), CZ__BITS_EXPR), e)) == 0,           \
        ##__VA_ARGS__                                                                              \
    }
#define CZ_RANDOM                                                                                  \
    {                                                                                              \
        .random = true                                                                             \
    }
#define CZ_ORDER_BY(...)                                                                           \
    {                                                                                              \
        (const cz_order[]){ __VA_ARGS__ },                                                         \
            sizeof((const cz_order[]){ __VA_ARGS__ }) / sizeof(cz_order)                           \
    }
/* A field of a model, checked by the compiler: CZ_FIELD(Book, bought). */
#define CZ_FIELD(M, at) CZ__PATH_STR(M, at)
/* Several: CZ_FIELDS(Book, id, title, author). */
#define CZ_FIELDS(M, ...)                                                                          \
    {                                                                                              \
        (const cz_str[]){ CZ__EACH(CZ__PATH_STR, M, __VA_ARGS__) }, CZ__NARG(__VA_ARGS__)          \
    }

/* A model as a many-to-many's `.through`. It may come later: then CZ_MODEL_FORWARD() announces it. */
#define CZ_THROUGH(M) (&M##__model)

/* ---- models ---- */

/* An index over columns of the table: CZ_INDEXES({ .fields = CZ_FIELDS(Book, author, year) }, ...). It has one
 * of .fields, .order and .expressions. */
typedef struct cz_index {
    const char *name;    /* NULL: "<table>_<columns>_idx" */
    cz_fields fields;    /* of the model itself */
    cz_order_list order; /* the same with directions: CZ_ORDER_BY(CZ_DESC(Book, year)) */
    /* SQL over columns in double quotes, what stands in CREATE INDEX's parentheses: "lower(\"title\")". What is
     * no call of a function stands in parentheses of its own. Needs a name. */
    const char *expressions;
    const char *condition; /* SQL over columns in double quotes: the rows it holds; NULL: all */
    cz_fields
        include; /* columns it holds beside, so that a query of them need not read the table; SQLite has
                          them as further columns */
    const char *
        method; /* PostgreSQL: "hash", "gin", "gist", "spgist" or "brin"; NULL: "btree". SQLite has no
                           others, and leaves such an index out */
    /* Full text (docs/topics/search.md): the language the words of .fields are in, "english", or "simple" for words as
     * they are; then CZ_SEARCH() finds rows by it. A model has one. Its name is "<table>_search" by default. */
    const char *search;
    const char *
        weights; /* what a word in each of .fields counts for, a letter from A, the most, to D; NULL: D */
} cz_index;
typedef struct cz_index_list {
    const cz_index *items;
    size_t count;
} cz_index_list;
#define CZ_INDEXES(...)                                                                            \
    {                                                                                              \
        (const cz_index[]){ __VA_ARGS__ },                                                         \
            sizeof((const cz_index[]){ __VA_ARGS__ }) / sizeof(cz_index)                           \
    }

/* A rule of the database beyond one field: CZ_CONSTRAINTS({ .name = "book_pages", .check = "\"pages\" > 0" },
 * { .name = "one_open_loan", .unique = CZ_FIELDS(Loan, book), .condition = "\"returned\" IS NULL" },
 * { .name = "reader_email", .expressions = "lower(\"email\")" }). It has one of .unique, .expressions and .check. The
 * SQL is the same on both databases; SQLite keeps decimals of up to 18 digits as whole numbers of their last place. */
typedef struct cz_constraint {
    const char *name;      /* required; what cz_error.constraint says of it */
    cz_fields unique;      /* no two rows are equal in these ... */
    const char *condition; /* ... among those that fulfil this SQL; NULL: all */
    const char *check;     /* instead: SQL that is true, or NULL, of every row */
    const char
        *expressions; /* instead: SQL no two rows are equal in, written as cz_index.expressions */
} cz_constraint;
typedef struct cz_constraint_list {
    const cz_constraint *items;
    size_t count;
} cz_constraint_list;
#define CZ_CONSTRAINTS(...)                                                                        \
    {                                                                                              \
        (const cz_constraint[]){ __VA_ARGS__ },                                                    \
            sizeof((const cz_constraint[]){ __VA_ARGS__ }) / sizeof(cz_constraint)                 \
    }

/* Something a user may be allowed to do with the rows of a model: { "publish_post", "Can publish posts" }. */
typedef struct cz_model_permission {
    const char *codename; /* no other of its model has it; at most 100 characters */
    const char *name;     /* for people, at most 255 characters */
} cz_model_permission;
typedef struct cz_model_permissions {
    const cz_model_permission *items;
    size_t count;
} cz_model_permissions;
#define CZ_MODEL_PERMISSIONS(...)                                                                  \
    {                                                                                              \
        (const cz_model_permission[]){ __VA_ARGS__ },                                              \
            sizeof((const cz_model_permission[]){ __VA_ARGS__ }) / sizeof(cz_model_permission)     \
    }

struct cz_field_errors;
struct cz__cond; /* a condition, cz_cond of queries.h */

/* A manager: the rows of a model that queries are about, and their order when they name none. A query takes one
 * as `.manager`, else its model's `.manager`:
 *
 *     const cz_manager published = { .where = CZ_Q(Book, state, EXACT, "published") };
 *     CZ_MODEL(Book, BOOK, .manager = CZ_MANAGER(.where = CZ_Q(Book, hidden, EXACT, false)))
 *
 * As in Django, a model's own manager is for what is asked by name and for the many sides of relations; the row
 * a foreign key leads to is found whatever the manager says, and a row that was read can be saved and deleted. */
typedef struct cz_manager {
    const struct cz__cond *where; /* constant; NULL: every row */
    cz_order_list order_by;       /* empty: the model's ordering */
} cz_manager;
#define CZ_MANAGER(...) (&(const cz_manager){ __VA_ARGS__ })
/* Every row, deleted ones too, whatever the model's manager says: Django's _base_manager. */
extern const cz_manager cz_base_manager;

typedef struct cz_meta {
    const char *table; /* NULL: "<app>_<model>" in lower case */
    const char *verbose_name, *verbose_name_plural;
    cz_order_list ordering;    /* of queries that name none */
    const cz_manager *manager; /* of queries that name none, CZ_MANAGER(...); NULL: every row */
    cz_fields unique_together;
    cz_index_list indexes;
    cz_constraint_list constraints;
    cz_fields
        natural_key; /* columns that name a row in fixtures instead of its key, CZ_FIELDS(Book, isbn) */
    /* What users may be allowed to do with its rows, as Django's Meta has them: these, and before them one for each word
     * of .default_permissions, "add_post" of "add"; NULL: "add change delete view"; "": none. */
    const char *default_permissions;
    cz_model_permissions permissions;
    bool unmanaged; /* the table is somebody else's: never created or changed */
    /* Rules over several fields, which serializers and cz_full_clean() ask (validation.h): adds what is wrong with
     * `row`, one of the model's, as it would be stored. May query and raise. */
    void (*clean)(cz_ctx *ctx, void *row, struct cz_field_errors *errors);
    const char *database; /* the alias of the one its table is in (databases.h); NULL: "default" */
    bool
        django; /* Django made the table, or reads it: on SQLite its decimals are numbers and its UUIDs
                       32 digits; elsewhere nothing differs */
} cz_meta;

struct cz_model {
    const char *name;
    const cz_field *fields; /* the key first */
    uint16_t field_count;
    const uint16_t *(*offsets)(void); /* of each field's member in the row; UINT16_MAX: none */
    const uint16_t *(*slots)(void);   /* of each relation's pointer; UINT16_MAX: none */
    size_t row_bytes;
    bool record;        /* declared by CZ_RECORD() */
    cz_model *proxy_of; /* declared by CZ_PROXY(): whose rows they are; NULL: its own */
    cz_meta meta;
    struct cz__model_state *state; /* private; set when the project starts */
};

/* What begins every row. */
typedef struct cz_row {
    cz_model *model;
    struct cz__result *result;     /* the rows it was read with, for loading relations in batches */
    struct cz__database *database; /* where it was read or stored; NULL: nowhere yet */
    /* The numbers of the atomic blocks it was last stored and first stored in; 0: in none. */
    uint32_t stored_in, created_in;
    struct cz__pending *pending; /* what is stored with it, links and rows; NULL: nothing */
    void *kept; /* in development and tests: what it was when it was read, made or stored */
    /* Stored unless it was there already, so nobody knows which row it is; made unless it was there already. */
    bool maybe_stored, maybe_created;
} cz_row;

#define CZ__BIT_WORDS(fields) (((fields) + 63) / 64)

/* Name a model that is declared later, with a 64-bit or a UUID key: for fields of other models that lead to it. */
#define CZ_MODEL_FORWARD(M) CZ__FORWARD(M, int64_t, cz__integer)
#define CZ_MODEL_FORWARD_UUID(M) CZ__FORWARD(M, cz_uuid, cz__uuid)
#define CZ__FORWARD(M, key_type, key_tag)                                                          \
    typedef struct M M;                                                                            \
    typedef key_type M##__key;                                                                     \
    typedef struct key_tag M##__key_tag;                                                           \
    typedef struct M##__path M##__path;                                                            \
    typedef struct M##__index M##__index;                                                          \
    typedef struct M##__rows M##__rows;                                                            \
    extern cz_model M##__model;

/* Declare a model from its field list; further arguments are cz_meta members. */
#define CZ_MODEL(M, LIST, ...)                                                                     \
    CZ_MODEL_FORWARD(M)                                                                            \
    CZ__MODEL(M, LIST, CZ_KIND_big_int_field, ##__VA_ARGS__)
#define CZ_MODEL_UUID(M, LIST, ...)                                                                \
    CZ_MODEL_FORWARD_UUID(M)                                                                       \
    CZ__MODEL(M, LIST, CZ_KIND_uuid_field, ##__VA_ARGS__)

#define CZ__MODEL(M, LIST, key_kind, ...)                                                          \
    LIST(CZ__KIND_CHECK)                                                                           \
    struct M##__path {                                                                             \
        M##__key_tag *id;                                                                          \
        LIST(CZ__PATH)                                                                             \
    };                                                                                             \
    struct M##__index { /* a field's ordinal is its offset */                                      \
        char id;                                                                                   \
        LIST(CZ__INDEX)                                                                            \
    };                                                                                             \
    struct M {                                                                                     \
        cz_row row_;                                                                               \
        uint64_t bits_[3 * CZ__BIT_WORDS(sizeof(M##__index))];                                     \
        M##__path *path_[0];                                                                       \
        M##__index *index_[0];                                                                     \
        M##__key id;                                                                               \
        LIST(CZ__ROW)                                                                              \
    };                                                                                             \
    struct M##__rows {                                                                             \
        M *items;                                                                                  \
        size_t count;                                                                              \
    };                                                                                             \
    extern const cz_field M##__fields[];                                                           \
    __attribute__((weak))                                                                          \
    const cz_field M##__fields[] = { { "id", key_kind, 0, 0, { .read_only = true } },              \
                                     LIST(CZ__META) };                                             \
    const uint16_t *M##__offsets(void);                                                            \
    __attribute__((weak)) const uint16_t *M##__offsets(void)                                       \
    {                                                                                              \
        typedef M cz__self;                                                                        \
        static const uint16_t offsets[] = { offsetof(cz__self, id), LIST(CZ__OFFSET) };            \
        return offsets;                                                                            \
    }                                                                                              \
    const uint16_t *M##__slots(void);                                                              \
    __attribute__((weak)) const uint16_t *M##__slots(void)                                         \
    {                                                                                              \
        enum { CZ__IS_RECORD = 0 };                                                                \
        typedef M cz__self;                                                                        \
        static const uint16_t slots[] = { (uint16_t)(UINT16_MAX + 0 * sizeof(cz__self)),           \
                                          LIST(CZ__SLOT) };                                        \
        return slots;                                                                              \
    }                                                                                              \
    __attribute__((weak)) cz_model M##__model = {                                                  \
        .name = #M,                                                                                \
        .fields = M##__fields,                                                                     \
        .field_count = sizeof(M##__index),                                                         \
        .offsets = M##__offsets,                                                                   \
        .slots = M##__slots,                                                                       \
        .row_bytes = sizeof(M),                                                                    \
        .meta = { __VA_ARGS__ },                                                                   \
    }

/* A proxy, as Django's: the rows of `Base` under another name, with an order, a manager, a `.clean` and a verbose name
 * of its own, and whatever is told by model: receivers of signals, serializers, viewsets.
 *
 *     CZ_PROXY(Draft, Post, .manager = CZ_MANAGER(.where = CZ_Q(Draft, published, ISNULL, true)),
 *              .ordering = CZ_ORDER_BY(CZ_ASC(Draft, created_at)))
 *
 * Draft is another name of the struct Post, so functions of one take rows of the other. Further arguments are cz_meta
 * members; ordering, manager, clean and natural key are the base's where it says none, and what belongs to the table
 * stays the base's. A foreign key may lead to a proxy, whose row it is then; its column refers to the base's table. A
 * proxy may be a proxy's. It stands in an app's .models and in no migration. CZ_PROXY_FORWARD() announces it, as
 * CZ_MODEL_FORWARD() does its base before. */
#define CZ_PROXY(M, Base, ...)                                                                     \
    CZ_PROXY_FORWARD(M, Base)                                                                      \
    __attribute__((weak))                                                                          \
    cz_model M##__model = { .name = #M, .proxy_of = &Base##__model, .meta = { __VA_ARGS__ } }
#define CZ_PROXY_FORWARD(M, Base)                                                                  \
    typedef Base M;                                                                                \
    typedef Base##__key M##__key;                                                                  \
    typedef Base##__key_tag M##__key_tag;                                                          \
    typedef Base##__path M##__path;                                                                \
    typedef Base##__index M##__index;                                                              \
    typedef Base##__rows M##__rows;                                                                \
    extern cz_model M##__model;

/* What users may be allowed to do with the rows of a model, which is in a project that has started: "add_post", "Can add
 * post" and the like of .default_permissions, then .permissions. Of a proxy its own. In ctx's arena. Raises: CZ_ENOMEM. */
cz_model_permissions cz_permissions_of(cz_ctx *ctx, const cz_model *model);

/* A record: the rows cz_values() gives (queries.h). A list of fields like a model's, without key, table or
 * relations, so that a row of computed values has members of known types, NULLs and a serializer. */
#define CZ_RECORD(R, LIST)                                                                         \
    typedef struct R R;                                                                            \
    typedef struct R##__path R##__path;                                                            \
    typedef struct R##__index R##__index;                                                          \
    typedef struct R##__rows R##__rows;                                                            \
    extern cz_model R##__model;                                                                    \
    LIST(CZ__KIND_CHECK)                                                                           \
    struct R##__path {                                                                             \
        LIST(CZ__PATH)                                                                             \
    };                                                                                             \
    struct R##__index {                                                                            \
        LIST(CZ__INDEX)                                                                            \
    };                                                                                             \
    struct R {                                                                                     \
        cz_row row_;                                                                               \
        uint64_t bits_[3 * CZ__BIT_WORDS(sizeof(R##__index))];                                     \
        R##__path *path_[0];                                                                       \
        R##__index *index_[0];                                                                     \
        LIST(CZ__ROW)                                                                              \
    };                                                                                             \
    struct R##__rows {                                                                             \
        R *items;                                                                                  \
        size_t count;                                                                              \
    };                                                                                             \
    extern const cz_field R##__fields[];                                                           \
    __attribute__((weak)) const cz_field R##__fields[] = { LIST(CZ__META) };                       \
    const uint16_t *R##__offsets(void);                                                            \
    __attribute__((weak)) const uint16_t *R##__offsets(void)                                       \
    {                                                                                              \
        typedef R cz__self;                                                                        \
        static const uint16_t offsets[] = { LIST(CZ__OFFSET) };                                    \
        return offsets;                                                                            \
    }                                                                                              \
    const uint16_t *R##__slots(void);                                                              \
    __attribute__((weak)) const uint16_t *R##__slots(void)                                         \
    {                                                                                              \
        enum { CZ__IS_RECORD = 1 };                                                                \
        static const uint16_t slots[] = { LIST(CZ__SLOT) };                                        \
        return slots;                                                                              \
    }                                                                                              \
    __attribute__((weak)) cz_model R##__model = {                                                  \
        .name = #R,                                                                                \
        .fields = R##__fields,                                                                     \
        .field_count = sizeof(R##__index),                                                         \
        .offsets = R##__offsets,                                                                   \
        .slots = R##__slots,                                                                       \
        .row_bytes = sizeof(R),                                                                    \
        .record = true,                                                                            \
    }

/* How a list's entry expands, by what is asked of it and by its kind. */
#define CZ__PATH(kind, ...) CZ__PATH_##kind(__VA_ARGS__)
#define CZ__INDEX(kind, ...) CZ__INDEX_##kind(__VA_ARGS__)
#define CZ__ROW(kind, ...) CZ__ROW_##kind(__VA_ARGS__)
#define CZ__META(kind, ...) CZ__META_##kind(__VA_ARGS__)
#define CZ__OFFSET(kind, ...) CZ__OFFSET_##kind(__VA_ARGS__)
#define CZ__SLOT(kind, ...) CZ__SLOT_##kind(__VA_ARGS__)

/* First of all, so that a kind there is not is the first thing that a compiler names, and what it may be instead. */
#define CZ__KIND_CHECK(kind, ...)                                                                  \
    _Static_assert(CZ_KIND_##kind >= 0, "there is no such kind of field");

#define CZ__INDEX_COLUMN(name, ...) char name;
#define CZ__SLOT_NONE(...) UINT16_MAX,
/* None either, and where `fine` is 0 the compiler says why not. */
#define CZ__SLOT_REFUSED(fine, why)                                                                \
    (uint16_t)(UINT16_MAX + 0 * sizeof(struct {                                                    \
                                _Static_assert(fine, why);                                         \
                                char none_;                                                        \
                            })),
#define CZ__OFFSET_NONE(...) UINT16_MAX,
#define CZ__NOTHING(...)

/* clang-format off */
#define CZ__PATH_char_field(name, ...) struct cz__text *name;
#define CZ__PATH_text_field(name, ...) struct cz__text *name;
#define CZ__PATH_slug_field(name, ...) struct cz__text *name;
#define CZ__PATH_email_field(name, ...) struct cz__text *name;
#define CZ__PATH_url_field(name, ...) struct cz__text *name;
#define CZ__PATH_small_int_field(name, ...) struct cz__integer *name;
#define CZ__PATH_int_field(name, ...) struct cz__integer *name;
#define CZ__PATH_big_int_field(name, ...) struct cz__integer *name;
#define CZ__PATH_bool_field(name, ...) struct cz__boolean *name;
#define CZ__PATH_float_field(name, ...) struct cz__real *name;
#define CZ__PATH_date_field(name, ...) struct cz__day *name;
#define CZ__PATH_datetime_field(name, ...) struct cz__instant *name;
#define CZ__PATH_uuid_field(name, ...) struct cz__uuid *name;
#define CZ__PATH_ip_field(name, ...) struct cz__text *name;
#define CZ__PATH_file_field(name, ...) struct cz__file *name;
#define CZ__PATH_image_field(name, ...) struct cz__text *name;
#define CZ__PATH_decimal_field(name, ...) struct cz__exact *name;
#define CZ__PATH_time_field(name, ...) struct cz__clock *name;
#define CZ__PATH_duration_field(name, ...) struct cz__span *name;
#define CZ__PATH_json_field(name, ...) struct cz__json *name;
#define CZ__PATH_binary_field(name, ...) struct cz__binary *name;
#define CZ__PATH_int_array_field(name, ...) struct cz__integers *name;
#define CZ__PATH_text_array_field(name, ...) struct cz__texts *name;
#define CZ__PATH_encrypted_field(name, ...) struct cz__sealed *name;
#define CZ__PATH_enum_field(name, Enum, ...) struct cz__chosen *name;
#define CZ__PATH_foreign_key(name, Target, ...) Target##__path *name; Target##__key_tag *name##_id;
#define CZ__PATH_reference CZ__PATH_foreign_key
#define CZ__PATH_one_to_one(name, Target, ...) Target##__path *name; Target##__key_tag *name##_id;
#define CZ__PATH_many_to_many(name, Target, ...) Target##__path *name;
#define CZ__PATH_reverse(name, Target, via) Target##__path *name;
#define CZ__PATH_many_to_many_reverse(name, Target, via) Target##__path *name;

#define CZ__INDEX_char_field CZ__INDEX_COLUMN
#define CZ__INDEX_text_field CZ__INDEX_COLUMN
#define CZ__INDEX_slug_field CZ__INDEX_COLUMN
#define CZ__INDEX_email_field CZ__INDEX_COLUMN
#define CZ__INDEX_url_field CZ__INDEX_COLUMN
#define CZ__INDEX_small_int_field CZ__INDEX_COLUMN
#define CZ__INDEX_int_field CZ__INDEX_COLUMN
#define CZ__INDEX_big_int_field CZ__INDEX_COLUMN
#define CZ__INDEX_bool_field CZ__INDEX_COLUMN
#define CZ__INDEX_float_field CZ__INDEX_COLUMN
#define CZ__INDEX_date_field CZ__INDEX_COLUMN
#define CZ__INDEX_datetime_field CZ__INDEX_COLUMN
#define CZ__INDEX_uuid_field CZ__INDEX_COLUMN
#define CZ__INDEX_ip_field CZ__INDEX_COLUMN
#define CZ__INDEX_file_field CZ__INDEX_COLUMN
#define CZ__INDEX_image_field CZ__INDEX_COLUMN
#define CZ__INDEX_decimal_field CZ__INDEX_COLUMN
#define CZ__INDEX_time_field CZ__INDEX_COLUMN
#define CZ__INDEX_duration_field CZ__INDEX_COLUMN
#define CZ__INDEX_json_field CZ__INDEX_COLUMN
#define CZ__INDEX_binary_field CZ__INDEX_COLUMN
#define CZ__INDEX_int_array_field CZ__INDEX_COLUMN
#define CZ__INDEX_text_array_field CZ__INDEX_COLUMN
#define CZ__INDEX_encrypted_field CZ__INDEX_COLUMN
#define CZ__INDEX_enum_field CZ__INDEX_COLUMN
#define CZ__INDEX_foreign_key(name, ...) union { char name, name##_id; };
#define CZ__INDEX_reference CZ__INDEX_foreign_key
#define CZ__INDEX_one_to_one(name, ...) union { char name, name##_id; };
#define CZ__INDEX_many_to_many CZ__INDEX_COLUMN
#define CZ__INDEX_reverse CZ__INDEX_COLUMN
#define CZ__INDEX_many_to_many_reverse CZ__INDEX_COLUMN

#define CZ__ROW_char_field(name, ...) cz_str name;
#define CZ__ROW_text_field(name, ...) cz_str name;
#define CZ__ROW_slug_field(name, ...) cz_str name;
#define CZ__ROW_email_field(name, ...) cz_str name;
#define CZ__ROW_url_field(name, ...) cz_str name;
#define CZ__ROW_small_int_field(name, ...) int16_t name;
#define CZ__ROW_int_field(name, ...) int32_t name;
#define CZ__ROW_big_int_field(name, ...) int64_t name;
#define CZ__ROW_bool_field(name, ...) bool name;
#define CZ__ROW_float_field(name, ...) double name;
#define CZ__ROW_date_field(name, ...) cz_date name;
#define CZ__ROW_datetime_field(name, ...) cz_datetime name;
#define CZ__ROW_uuid_field(name, ...) cz_uuid name;
#define CZ__ROW_ip_field(name, ...) cz_str name;
#define CZ__ROW_file_field(name, ...) cz_upload name;
#define CZ__ROW_image_field(name, ...) cz_str name;
#define CZ__ROW_decimal_field(name, ...) cz_decimal name;
#define CZ__ROW_time_field(name, ...) cz_time name;
#define CZ__ROW_duration_field(name, ...) cz_duration name;
#define CZ__ROW_json_field(name, ...) cz_str name;
#define CZ__ROW_binary_field(name, ...) cz_bytes name;
#define CZ__ROW_int_array_field(name, ...) cz_int_list name;
#define CZ__ROW_text_array_field(name, ...) cz_str_list name;
#define CZ__ROW_encrypted_field(name, ...) cz_str name;
#define CZ__ROW_enum_field(name, Enum, ...) Enum name;
#define CZ__ROW_foreign_key(name, Target, ...) Target##__key name##_id; Target *name##_slot_;
#define CZ__ROW_reference CZ__ROW_foreign_key
#define CZ__ROW_one_to_one(name, Target, ...) Target##__key name##_id; Target *name##_slot_;
#define CZ__ROW_many_to_many CZ__NOTHING
#define CZ__ROW_reverse CZ__NOTHING
#define CZ__ROW_many_to_many_reverse CZ__NOTHING

#define CZ__META_COLUMN(kind, name, ...) { #name, CZ_KIND_##kind, 0, 0, { __VA_ARGS__ } },
#define CZ__META_char_field(...) CZ__META_COLUMN(char_field, __VA_ARGS__)
#define CZ__META_text_field(...) CZ__META_COLUMN(text_field, __VA_ARGS__)
#define CZ__META_slug_field(...) CZ__META_COLUMN(slug_field, __VA_ARGS__)
#define CZ__META_email_field(...) CZ__META_COLUMN(email_field, __VA_ARGS__)
#define CZ__META_url_field(...) CZ__META_COLUMN(url_field, __VA_ARGS__)
#define CZ__META_small_int_field(...) CZ__META_COLUMN(small_int_field, __VA_ARGS__)
#define CZ__META_int_field(...) CZ__META_COLUMN(int_field, __VA_ARGS__)
#define CZ__META_big_int_field(...) CZ__META_COLUMN(big_int_field, __VA_ARGS__)
#define CZ__META_bool_field(...) CZ__META_COLUMN(bool_field, __VA_ARGS__)
#define CZ__META_float_field(...) CZ__META_COLUMN(float_field, __VA_ARGS__)
#define CZ__META_date_field(...) CZ__META_COLUMN(date_field, __VA_ARGS__)
#define CZ__META_datetime_field(...) CZ__META_COLUMN(datetime_field, __VA_ARGS__)
#define CZ__META_uuid_field(...) CZ__META_COLUMN(uuid_field, __VA_ARGS__)
#define CZ__META_ip_field(...) CZ__META_COLUMN(ip_field, __VA_ARGS__)
#define CZ__META_file_field(...) CZ__META_COLUMN(file_field, __VA_ARGS__)
#define CZ__META_image_field(...) CZ__META_COLUMN(image_field, __VA_ARGS__)
#define CZ__META_decimal_field(...) CZ__META_COLUMN(decimal_field, __VA_ARGS__)
#define CZ__META_time_field(...) CZ__META_COLUMN(time_field, __VA_ARGS__)
#define CZ__META_duration_field(...) CZ__META_COLUMN(duration_field, __VA_ARGS__)
#define CZ__META_json_field(...) CZ__META_COLUMN(json_field, __VA_ARGS__)
#define CZ__META_binary_field(...) CZ__META_COLUMN(binary_field, __VA_ARGS__)
#define CZ__META_int_array_field(...) CZ__META_COLUMN(int_array_field, __VA_ARGS__)
#define CZ__META_text_array_field(...) CZ__META_COLUMN(text_array_field, __VA_ARGS__)
#define CZ__META_encrypted_field(...) CZ__META_COLUMN(encrypted_field, __VA_ARGS__)
#define CZ__META_enum_field(name, Enum, ...) { #name, CZ_KIND_enum_field, 0, 0, { .choices = { Enum##__choices, Enum##__count }, ##__VA_ARGS__ } },
#define CZ__META_foreign_key(name, Target, ...) { #name, CZ_KIND_foreign_key, &Target##__model, 0, { __VA_ARGS__ } },
#define CZ__META_reference(name, Target, ...) { #name, CZ_KIND_foreign_key, &Target##__model, 0, { .unconstrained = true, ##__VA_ARGS__ } },
#define CZ__META_one_to_one(name, Target, ...) { #name, CZ_KIND_one_to_one, &Target##__model, 0, { __VA_ARGS__ } },
#define CZ__META_many_to_many(name, Target, ...) { #name, CZ_KIND_many_to_many, &Target##__model, 0, { __VA_ARGS__ } },
#define CZ__META_reverse(name, Target, via) { #name, CZ_KIND_reverse, &Target##__model, #via, { 0 } },
#define CZ__META_many_to_many_reverse(name, Target, via) { #name, CZ_KIND_many_to_many_reverse, &Target##__model, #via, { 0 } },

#define CZ__OFFSET_COLUMN(name, ...) offsetof(cz__self, name),
#define CZ__OFFSET_char_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_text_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_slug_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_email_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_url_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_small_int_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_int_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_big_int_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_bool_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_float_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_date_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_datetime_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_uuid_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_ip_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_file_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_image_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_decimal_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_time_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_duration_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_json_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_binary_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_int_array_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_text_array_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_encrypted_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_enum_field CZ__OFFSET_COLUMN
#define CZ__OFFSET_foreign_key(name, ...) offsetof(cz__self, name##_id),
#define CZ__OFFSET_reference CZ__OFFSET_foreign_key
#define CZ__OFFSET_one_to_one(name, ...) offsetof(cz__self, name##_id),
#define CZ__OFFSET_many_to_many CZ__OFFSET_NONE
#define CZ__OFFSET_reverse CZ__OFFSET_NONE
#define CZ__OFFSET_many_to_many_reverse CZ__OFFSET_NONE

#define CZ__SLOT_char_field CZ__SLOT_NONE
#define CZ__SLOT_text_field CZ__SLOT_NONE
#define CZ__SLOT_slug_field CZ__SLOT_NONE
#define CZ__SLOT_email_field CZ__SLOT_NONE
#define CZ__SLOT_url_field CZ__SLOT_NONE
#define CZ__SLOT_small_int_field CZ__SLOT_NONE
#define CZ__SLOT_int_field CZ__SLOT_NONE
#define CZ__SLOT_big_int_field CZ__SLOT_NONE
#define CZ__SLOT_bool_field CZ__SLOT_NONE
#define CZ__SLOT_float_field CZ__SLOT_NONE
#define CZ__SLOT_date_field CZ__SLOT_NONE
#define CZ__SLOT_datetime_field CZ__SLOT_NONE
#define CZ__SLOT_uuid_field CZ__SLOT_NONE
#define CZ__SLOT_ip_field CZ__SLOT_NONE
#define CZ__SLOT_file_field(name, ...) CZ__SLOT_REFUSED(CZ__IS_RECORD, "a file_field of a model needs a storage, which this version has not; a CZ_RECORD() may have one")
#define CZ__SLOT_image_field(name, ...) CZ__SLOT_REFUSED(0, "an image_field needs a storage, which this version has not; a file_field of a CZ_RECORD() takes images by .content_types")
#define CZ__SLOT_decimal_field CZ__SLOT_NONE
#define CZ__SLOT_time_field CZ__SLOT_NONE
#define CZ__SLOT_duration_field CZ__SLOT_NONE
#define CZ__SLOT_json_field CZ__SLOT_NONE
#define CZ__SLOT_binary_field CZ__SLOT_NONE
#define CZ__SLOT_int_array_field CZ__SLOT_NONE
#define CZ__SLOT_text_array_field CZ__SLOT_NONE
#define CZ__SLOT_encrypted_field CZ__SLOT_NONE
#define CZ__SLOT_enum_field CZ__SLOT_NONE
#define CZ__SLOT_foreign_key(name, ...) offsetof(cz__self, name##_slot_),
#define CZ__SLOT_reference CZ__SLOT_foreign_key
#define CZ__SLOT_one_to_one(name, ...) offsetof(cz__self, name##_slot_),
#define CZ__SLOT_many_to_many CZ__SLOT_NONE
#define CZ__SLOT_reverse CZ__SLOT_NONE
#define CZ__SLOT_many_to_many_reverse CZ__SLOT_NONE
/* clang-format on */

/* Abstract base: created_at and updated_at, kept by the ORM. */
#define CZ_TIMESTAMPED(F)                                                                          \
    F(datetime_field, created_at, .auto_now_add = true, .read_only = true)                         \
    F(datetime_field, updated_at, .auto_now = true, .read_only = true)

/* Abstract base: who made the row and who changed it last, as cz_set_actor() says; kept by the ORM. */
#define CZ_AUDITED(F)                                                                              \
    F(char_field, created_by, .max_length = 150, .blank = true, .auto_actor_add = true,            \
      .read_only = true)                                                                           \
    F(char_field, updated_by, .max_length = 150, .blank = true, .auto_actor = true,                \
      .read_only = true)

/* Abstract base: deleting marks a row and leaves it; it is in no query that does not ask for it by `.deleted` or
 * cz_base_manager. cz_restore() brings it back, cz_purge() deletes it for good (queries.h). */
#define CZ_SOFT_DELETED(F)                                                                         \
    F(datetime_field, deleted_at, .null = true, .index = true, .marks_deleted = true,              \
      .read_only = true)                                                                           \
    F(bool_field, is_deleted, .default_ = cz_bool(false), .marks_deleted = true, .read_only = true)

/* Abstract base for CZ_MODEL_UUID: created_at, updated_at, deleted_at, is_deleted. */
#define CZ_BASE_MODEL(F)                                                                           \
    CZ_TIMESTAMPED(F)                                                                              \
    CZ_SOFT_DELETED(F)

/* ---- rows ---- */

enum cz__row_bits { CZ__BITS_NULL, CZ__BITS_LOADED, CZ__BITS_DIRTY };

static inline uint64_t *cz__row_bits(const cz_row *row, size_t words, enum cz__row_bits which)
{
    return (uint64_t *)(uintptr_t)(row + 1) + (size_t)which * words;
}

#define CZ__INDEX_OF(row, field) __builtin_offsetof(__typeof__((row)->index_[0][0]), field)
#define CZ__ROW_BIT(row, field, which)                                                             \
    ((cz__row_bits(&(row)->row_, CZ__BIT_WORDS(sizeof((row)->index_[0][0])),                       \
                   which)[CZ__INDEX_OF(row, field) / 64] >>                                        \
      (CZ__INDEX_OF(row, field) % 64)) &                                                           \
     1)
/* Whether a row's field is NULL; whether it was read or set at all; whether it was set since. */
#define cz_is_null(row, field) ((bool)CZ__ROW_BIT(row, field, CZ__BITS_NULL))
#define cz_is_loaded(row, field) ((bool)CZ__ROW_BIT(row, field, CZ__BITS_LOADED))
#define cz_is_dirty(row, field) ((bool)CZ__ROW_BIT(row, field, CZ__BITS_DIRTY))

/* An app: a name and the models it owns. */
typedef struct cz_model_list {
    cz_model *const *items;
    size_t count;
} cz_model_list;
#define CZ__MODEL_REF(unused, M) &M##__model
#define CZ_MODELS(...)                                                                             \
    {                                                                                              \
        (cz_model *const[]){ CZ__EACH(CZ__MODEL_REF, 0, __VA_ARGS__) }, CZ__NARG(__VA_ARGS__)      \
    }

#ifdef __cplusplus
}
#endif
#endif
