/* openapi/diff.h: what changed between two OpenAPI documents, and whether clients of the older one break.
 *
 * A client breaks when something it asks for is gone, when what it may send is taken no more, or when it is answered what it
 * does not know. So a schema that got narrower breaks where clients send it, one that got wider where they are answered it.
 */
#ifndef CZ_OPENAPI_DIFF_H
#define CZ_OPENAPI_DIFF_H

#include <calzone/context.h>
#include <calzone/json.h>
#include <calzone/map.h>

struct cz__change {
    bool breaking;
    cz_str where; /* "POST /books, body /title" */
    cz_str what;  /* a sentence without its beginning: "is required" */
};

struct cz__diff {
    cz_ctx *ctx;
    const cz_json_value *old, *new_; /* the documents */
    struct cz__change *changes;
    size_t count, cap, breaking;
    cz_map compared; /* pairs of schemas, each way once */
    unsigned depth;  /* private */
};

/* Compare two documents of OpenAPI 3. Owns: the changes are in the context's arena. Errors: CZ_EVALIDATION: one is none; `err`
 * says which. Raises: CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__openapi_diff(cz_ctx *ctx, const cz_json_value *old,
                                        const cz_json_value *new_, struct cz__diff *out,
                                        cz_error *err);

/* ---- between the files of the comparison ---- */

/* Who sends what a schema describes. */
enum cz__sent { CZ__SENT_BY_CLIENTS, CZ__SENT_BY_THE_SERVER };

/* Remember a change. */
void cz__diff_add(struct cz__diff *diff, bool breaking, cz_str where, cz_str what);
/* One operation in both documents. */
struct cz__diff_pair {
    struct cz__diff *diff;
    cz_str where;
    const cz_json_value *old, *new_;
    const cz_json_value *old_path, *new_path; /* what they stand in */
    cz_str old_template, new_template;
};

/* diff_parameters.c: what it takes beside a body. */
void cz__diff_parameters(const struct cz__diff_pair *pair);
/* A text, "" for what is none; and whether a value is true. */
cz_str cz__diff_string(const cz_json_value *value);
bool cz__diff_is_true(const cz_json_value *value);
/* The items of a value of this kind; 0 of another. */
uint32_t cz__diff_count(const cz_json_value *value, cz_json_kind kind);
/* diff_security.c: what an operation asks callers to prove; and what the schemes are that documents name. */
void cz__diff_security(struct cz__diff *diff, cz_str where, const cz_json_value *old_operation,
                       const cz_json_value *new_operation);
void cz__diff_security_schemes(struct cz__diff *diff);
/* diff_schemas.c: compare two schemas, each NULL where nothing is said, so that anything is as they say. */
void cz__diff_schemas(struct cz__diff *diff, enum cz__sent sent, cz_str where,
                      const cz_json_value *old, const cz_json_value *new_);
/* What a reference leads to, or the value itself; NULL: nowhere. */
const cz_json_value *cz__diff_resolve(struct cz__diff *diff, const cz_json_value *document,
                                      const cz_json_value *value);

/* What values a change touches: some are no longer as the schema says, or some are that were not. */
enum cz__values_change { CZ__NARROWED = 1, CZ__WIDENED = 2 };

struct cz__comparing {
    struct cz__diff *diff;
    enum cz__sent sent;
    cz_str where;
    const cz_json_value *old, *new_;          /* objects, resolved */
    const cz_json_value *old_said, *new_said; /* as they stand, maybe references */
};

/* diff_values.c: what the schemas say of single values. */
void cz__diff_values(const struct cz__comparing *c);
/* Tell of a change to the schema, which breaks or not by who sends it. */
void cz__diff_tell(const struct cz__comparing *c, int change, cz_str what);
cz_str cz__diff_text(const struct cz__comparing *c, const cz_json_value *value);
const cz_json_value *cz__diff_rule(const cz_json_value *schema, const char *keyword);
/* Whether a list has an item; what is no list has none. */
bool cz__diff_has(const cz_json_value *list, const cz_json_value *item);

#endif
