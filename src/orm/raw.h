/* orm/raw.h: SQL written by hand, read and checked before it runs; for raw.c, raw_sql.c and `check`. */
#ifndef CZ_ORM_RAW_H
#define CZ_ORM_RAW_H

#include <calzone/raw.h>
#include "db/database.h"

enum { CZ__RAW_BYTES_MAX = 64 * 1024, CZ__RAW_VERB_BYTES = 32 };

/* What was read of a statement. */
struct cz__raw_text {
    char verb[CZ__RAW_VERB_BYTES]; /* the first word in capitals: "SELECT" */
    bool changes; /* it inserts, updates or deletes somewhere inside, or writes into a table */
    bool locks;   /* SELECT ... FOR UPDATE and its like */
    size_t param_count;
};

struct cz__raw_statement {
    const cz__db_features *features;
    struct cz__raw_text text;
    cz__db_statement statement;
};

/* raw_sql.c: read one statement, its "?" numbered and its lists written as the database has them into `out`, which
 * may be NULL. `kinds` are the values'.
 * Errors: CZ_EINVAL: no statement, several, another number of values, a list and other values in one IN, "$1";
 * CZ_ETOOBIG; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__raw_read(cz_str sql, const cz__db_features *features,
                                    const uint8_t *kinds, size_t kind_count,
                                    struct cz__raw_text *out, cz_buf *out_sql, cz_error *err);
/* Whether such a statement is for the call. Errors: CZ_EINVAL. */
CZ_NODISCARD cz_status cz__raw_suits(const struct cz__raw_text *text, enum cz__raw_use use,
                                     cz_error *err);
/* The type of a parameter, by the kind of its value. Errors: CZ_EINVAL: the database has no way to take it. */
CZ_NODISCARD cz_status cz__raw_type(const cz__db_features *features, uint8_t kind, size_t at,
                                    cz__db_type *out, cz_error *err);

/* raw.c: what the literals that were used keep as long as the process, in bytes. */
size_t cz__raw_kept_bytes(void);
/* The program's literals, in the order the linker gave them. */
size_t cz__raw_count(void);
struct cz__raw *cz__raw_at(size_t index);
/* Prepare the literals in the database the context is at home in, but those of models that live in another, and
 * compare the columns they give with their models and records. Runs none of them. Raises what the database gives that
 * is about none of them; CZ_ENOMEM. Context: a command. */
void cz__raw_check(cz_ctx *ctx);
/* After all databases, or, without `all`, after some: call `tell(sentence, arg)` for each literal that one refused and
 * none took; a sentence begins with "file:line: ". Returns how many there are. */
size_t cz__raw_check_end(bool all, void (*tell)(const char *sentence, void *arg), void *arg);
/* The program's literals are those of several projects, as in one of tests: only those of models are checked, by the
 * project that has the model. */
extern bool cz__raw_mixed;

#endif
