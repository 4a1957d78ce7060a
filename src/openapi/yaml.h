/* openapi/yaml.h: JSON as YAML (1.2, and read alike by parsers of 1.1). */
#ifndef CZ_OPENAPI_YAML_H
#define CZ_OPENAPI_YAML_H

#include <calzone/buf.h>
#include <calzone/json.h>

/* Append a tree as a YAML document in block style. Texts that YAML would read as something else are quoted. Failures stay in the
 * buffer. */
void cz__yaml_write(cz_buf *out, const cz_json_value *value);

#endif
