/* calzone/factories.h: rows for tests, with plausible values in the fields a test does not care about.
 *
 *     Book *book = cz_make(ctx, Book, (title, "Dune"));
 *     Book__rows books = cz_make_many(ctx, Book, 10, (author_id, author->id));
 *
 * What is given is taken. Every other field that has to have a value gets one by its kind and options: within
 * `.max_length`, `.min` and `.max`, one of `.choices`, accepted by `.validator`, and of a unique field a value no
 * other row has. A foreign key gets a row of its own, made in the same way. Fields that have a default, may be
 * NULL or may be blank keep their default, NULL or "". Texts follow the field's name: "email", "name",
 * "first_name", "city", "title", "phone" and the like look like what they say.
 *
 * A model's own values, in a test's file or one that all tests share:
 *
 *     static void fake_isbn(const cz_fake *fake, void *out)
 *     {
 *         *(cz_str *)out = cz_format(fake->ctx, "978-%05" PRIu64, fake->number);
 *     }
 *     CZ_FACTORY(Book, (isbn, fake_isbn), (title, cz_fake_sentence))
 *
 * Values are the same in every run of a test, whatever ran before: each test starts with the same seed.
 * Rows are saved as cz_create() saves, signals included. Context: fiber, may suspend.
 */
#ifndef CALZONE_FACTORIES_H
#define CALZONE_FACTORIES_H

#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a value is made for. */
typedef struct cz_fake {
    cz_ctx *ctx;
    const cz_field *field;
    uint32_t max_length; /* characters; 0: no limit */
    uint64_t number;     /* 1, 2, 3: counts the values made for this field in the test */
} cz_fake;

/* Write a value of the row member's type at `out`; what it points to lives in fake->ctx. May raise. */
typedef void (*cz_fake_fn)(const cz_fake *fake, void *out);

/* For text fields, no longer than the field allows: "Ada Lindgren", "Ada", "Lindgren",
 * "ada.lindgren7@example.com", two to four words, a sentence ("Quiet rivers follow the old garden."), three of
 * them, a place. */
void cz_fake_name(const cz_fake *fake, void *out);
void cz_fake_first_name(const cz_fake *fake, void *out);
void cz_fake_last_name(const cz_fake *fake, void *out);
void cz_fake_email(const cz_fake *fake, void *out);
void cz_fake_words(const cz_fake *fake, void *out);
void cz_fake_sentence(const cz_fake *fake, void *out);
void cz_fake_paragraph(const cz_fake *fake, void *out);
void cz_fake_city(const cz_fake *fake, void *out);
/* The next number of the test's sequence; from `low` to `high`, both included. */
uint64_t cz_fake_u64(void);
int64_t cz_fake_between(int64_t low, int64_t high);
/* Begin the sequence anew from another seed. */
void cz_fake_seed(uint64_t seed);

typedef struct cz__factory_field {
    uint16_t field; /* ordinal in the model */
    cz_fake_fn fn;
} cz__factory_field;
typedef struct cz__factory {
    cz_model *model;
    const cz__factory_field *fields;
    size_t count;
    struct cz__factory *next;
} cz__factory;
void cz__factory_register(cz__factory *factory);

/* The fields' own values; one factory a model, at file scope. */
#define CZ_FACTORY(M, ...)                                                                         \
    __attribute__((constructor)) static void M##__factory_register(void)                           \
    {                                                                                              \
        static const cz__factory_field fields[] = { CZ__EACH(CZ__FACTORY_FIELD, M, __VA_ARGS__) }; \
        static cz__factory factory = { &M##__model, fields, CZ_COUNT(fields), NULL };              \
        cz__factory_register(&factory);                                                            \
    }
#define CZ__FACTORY_FIELD(M, pair) CZ__FACTORY_FIELD_(M, CZ__UNPAIR pair)
#define CZ__FACTORY_FIELD_(M, ...) CZ__FACTORY_FIELD__(M, __VA_ARGS__)
#define CZ__FACTORY_FIELD__(M, at, function)                                                       \
    {                                                                                              \
        (uint16_t) __builtin_offsetof(M##__index, at), (function)                                  \
    }

/* Make and save a row; the pairs are those of cz_create().
 * Raises: as cz_create(); CZ_EINVAL: no value can be found for a field, or models need each other's rows: give
 * the field or write a function for it. */
#define cz_make(ctx, M, ...)                                                                       \
    ((M *)cz__make((ctx), &M##__model, CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__)))
/* The same `rows` times, in one transaction. */
#define cz_make_many(ctx, M, rows, ...)                                                            \
    __extension__({                                                                                \
        size_t cz__count = (size_t)(rows);                                                         \
        (M##__rows){ (M *)cz__make_many((ctx), &M##__model, cz__count,                             \
                                        CZ__ASSIGNS(M __VA_OPT__(, ) __VA_ARGS__)),                \
                     cz__count };                                                                  \
    })

void *cz__make(cz_ctx *ctx, cz_model *model, const struct cz__assign *assigns, size_t count);
void *cz__make_many(cz_ctx *ctx, cz_model *model, size_t rows, const struct cz__assign *assigns,
                    size_t count);

#ifdef __cplusplus
}
#endif
#endif
