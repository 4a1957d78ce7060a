/* The schemas of errors, in the forms of the setting ERROR_FORMAT and of RFC 9457, which any client may ask for. */
#include "openapi/openapi_internal.h"
#include "routing/errors.h"

#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

static const struct {
    const char *name, *schema;
    bool in[CZ__ERRORS_FASTAPI + 1]; /* the forms that have it */
} schemas[] = {
    { "Error",
      "{\"type\":\"object\",\"description\":\"What went wrong, for people and for programs.\","
      "\"properties\":{\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"}},"
      "\"required\":[\"detail\",\"code\"],"
      "\"examples\":[{\"detail\":\"Not found.\",\"code\":\"not_found\"}]}",
      { [CZ__ERRORS_DRF] = true } },
    { "Error",
      "{\"type\":\"object\",\"description\":\"What went wrong.\","
      "\"properties\":{\"detail\":{\"type\":\"string\"}},\"required\":[\"detail\"],"
      "\"examples\":[{\"detail\":\"Not found.\"}]}",
      { [CZ__ERRORS_FASTAPI] = true } },
    { "HTTPValidationError",
      "{\"type\":\"object\",\"properties\":{\"detail\":{\"type\":\"array\",\"items\":" REF(
          "ValidationError") "}},\"required\":[\"detail\"]}",
      { [CZ__ERRORS_FASTAPI] = true } },
    { "ValidationError",
      "{\"type\":\"object\",\"description\":\"What is wrong, and where: `body`, then names and "
      "indexes.\",\"properties\":{\"type\":{\"type\":\"string\"},\"loc\":{\"type\":\"array\","
      "\"items\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"}]}},"
      "\"msg\":{\"type\":\"string\"}},\"required\":[\"type\",\"loc\",\"msg\"],"
      "\"examples\":[{\"type\":\"required\",\"loc\":[\"body\",\"name\"],"
      "\"msg\":\"This field is required.\"}]}",
      { [CZ__ERRORS_FASTAPI] = true } },
    { "ValidationErrors",
      "{\"type\":\"object\",\"description\":\"What is wrong with each field, nested as the input "
      "is.\",\"additionalProperties\":{\"anyOf\":[{\"type\":\"array\",\"items\":{\"anyOf\":["
      "{\"type\":\"string\"}," REF("ValidationErrors") "]}}," REF(
          "ValidationErrors") "]},"
                              "\"examples\":[{\"name\":[\"This field is required.\"]}]}",
      { true, true, true } }, /* of Problem, too */
    { "Problem",
      "{\"type\":\"object\",\"description\":\"What went wrong, as RFC 9457 has it.\","
      "\"properties\":{\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},"
      "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},"
      "\"detail\":{\"type\":\"string\"},\"code\":{\"type\":\"string\"},"
      "\"errors\":{\"anyOf\":[" REF("ValidationErrors") ",{\"type\":\"array\",\"items\":" REF(
          "ValidationErrors") "}]}},\"required\":[\"type\",\"title\",\"status\"],"
                              "\"examples\":[{\"type\":\"about:blank\",\"title\":"
                              "\"Not Found\",\"status\":404,"
                              "\"detail\":\"Not found.\",\"code\":\"not_found\"}]}",
      { true, true, true } },
};

bool cz__error_schema_is_named(cz_str name)
{
    for (size_t i = 0; i < CZ_COUNT(schemas); i++)
        if (cz_str_eq(name, cz_str_from(schemas[i].name)))
            return true;
    return false;
}

void cz__error_schemas_write(struct cz__document *doc)
{
    for (size_t i = 0; i < CZ_COUNT(schemas); i++) {
        if (!schemas[i].in[cz__errors_format()])
            continue;
        cz_json_key(&doc->json, cz_str_from(schemas[i].name));
        cz_json_raw(&doc->json, cz_str_from(schemas[i].schema));
    }
}
