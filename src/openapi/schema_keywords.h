/* openapi/schema_keywords.h: what the keywords of a schema are checked by; between schema_check.c and schema_values.c. */
#ifndef CZ_OPENAPI_SCHEMA_KEYWORDS_H
#define CZ_OPENAPI_SCHEMA_KEYWORDS_H

#include "openapi/schema_check.h"

/* The steps that lead to the value in question, innermost first. */
struct cz__schema_step {
    const struct cz__schema_step *outer;
    cz_str key;
    uint32_t index;
    bool is_index;
};

struct cz__schema_checking {
    cz_ctx *ctx;
    const cz_json_value *document;
    const struct cz__schema_step *at;
    bool shows_values; /* in what is told of them */
    unsigned depth;
    bool broken; /* the schema itself can't be checked by: no alternative makes up for that */
    struct cz__schema_fault fault;
};

/* Remember what is wrong with the value, or with the schema, and answer false. */
bool cz__keyword_fail(struct cz__schema_checking *check, cz_str what);
bool cz__keyword_fail_schema(struct cz__schema_checking *check, cz_str what);
/* What of a schema a message says, as JSON cut at 100 bytes. */
cz_str cz__keyword_text(struct cz__schema_checking *check, const cz_json_value *value);

/* Whether `value` is as the keyword of `schema` says whose value is `rule`. */
#define CZ__KEYWORD(name)                                                                          \
    bool name(struct cz__schema_checking *check, const cz_json_value *schema,                      \
              const cz_json_value *rule, const cz_json_value *value)

/* schema_values.c: those about a value without what is in it. */
CZ__KEYWORD(cz__keyword_type);
CZ__KEYWORD(cz__keyword_enum);
CZ__KEYWORD(cz__keyword_format);
CZ__KEYWORD(cz__keyword_encoding);
CZ__KEYWORD(cz__keyword_pattern);
CZ__KEYWORD(cz__keyword_minimum);
CZ__KEYWORD(cz__keyword_maximum);
CZ__KEYWORD(cz__keyword_min_length);
CZ__KEYWORD(cz__keyword_max_length);
CZ__KEYWORD(cz__keyword_max_items);

#endif
