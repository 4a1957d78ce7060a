/* A value from text, as query strings, fixtures and defaults give it, with the sentences DRF uses. */
#include "orm/orm_internal.h"
#include <calzone/json.h>

static cz_status integer_from_text(cz_str text, int64_t min, int64_t max, int64_t *out,
                                   cz_error *err)
{
    cz_status status = cz_str_to_i64(cz_str_trim(text), out);
    if (status == CZ_EVALIDATION)
        return cz_error_set(err, CZ_EVALIDATION, "A valid integer is required.");
    if (status || *out < min || *out > max)
        return cz_error_set(err, CZ_EVALIDATION, "This number is out of range.");
    return CZ_OK;
}

static cz_status bool_from_text(cz_str text, bool *out, cz_error *err)
{
    static const char *const truths[] = { "true", "1", "yes", "on", "t", "y" };
    static const char *const lies[] = { "false", "0", "no", "off", "f", "n" };
    for (size_t i = 0; i < CZ_COUNT(truths); i++) {
        if (cz_str_eq_icase(text, cz_str_from(truths[i]))) {
            *out = true;
            return CZ_OK;
        }
        if (cz_str_eq_icase(text, cz_str_from(lies[i]))) {
            *out = false;
            return CZ_OK;
        }
    }
    return cz_error_set(err, CZ_EVALIDATION, "Must be a valid boolean.");
}

static cz_status real_from_text(cz_str text, double *out, cz_error *err)
{
    text = cz_str_trim(text);
    cz_json_reader reader;
    cz_json_reader_init(&reader, NULL, text, NULL);
    cz_json_kind kind = cz_json_next(&reader);
    if (reader.status || (kind != CZ_JSON_INT && kind != CZ_JSON_REAL))
        return cz_error_set(err, CZ_EVALIDATION, "A valid number is required.");
    *out = kind == CZ_JSON_INT ? (double)reader.integer : reader.real;
    return cz_json_next(&reader) == CZ_JSON_END && !reader.status
               ? CZ_OK
               : cz_error_set(err, CZ_EVALIDATION, "A valid number is required.");
}

static cz_status decimal_from_text(cz__db_type type, cz_str text, cz_decimal *out, cz_error *err)
{
    cz_decimal value;
    int digits = CZ__DB_DIGITS(type), places = CZ__DB_PLACES(type);
    if (cz_decimal_parse(cz_str_trim(text), &value))
        return cz_error_set(err, CZ_EVALIDATION, "A valid number is required.");
    /* Django's DecimalValidator: zeros behind the last place count as digits, zeros before it do not */
    int given = cz_decimal_digits(value) > value.places ? cz_decimal_digits(value) : value.places;
    if (given > digits)
        return cz_error_set(err, CZ_EVALIDATION,
                            "Ensure that there are no more than %d digits in total.", digits);
    if (value.places > places)
        return cz_error_set(err, CZ_EVALIDATION,
                            "Ensure that there are no more than %d decimal places.", places);
    if (given - value.places > digits - places)
        return cz_error_set(
            err, CZ_EVALIDATION,
            "Ensure that there are no more than %d digits before the decimal point.",
            digits - places);
    return cz_decimal_round(value, places, out);
}

static cz_status json_from_text(cz_str text, cz_str *out, cz_error *err)
{
    cz_status status = cz__json_check(text);
    if (status == CZ_ENOMEM)
        return cz_error_set(err, CZ_ENOMEM, "no memory to check a document");
    if (status)
        return cz_error_set(err, CZ_EVALIDATION, "Value must be valid JSON.");
    *out = text;
    return CZ_OK;
}

static cz_status ip_from_text(cz_str text, cz_str *out, cz_error *err)
{
    char copy[CZ__IP_TEXT];
    text = cz_str_trim(text);
    if (!cz__ip_write(copy, text))
        return cz_error_set(err, CZ_EVALIDATION, "Enter a valid IPv4 or IPv6 address.");
    *out = text;
    return CZ_OK;
}

cz_status cz__value_from_text(const cz__column *column, cz_str text, void *out, cz_error *err)
{
    int64_t integer;
    cz_status status;
    switch (CZ__DB_KIND(column->type)) {
    case CZ__DB_TEXT:
        if (column->type & CZ__DB_CHOSEN) {
            *(int *)out = cz__choice_find(column->type, text);
            return *(int *)out < 0
                       ? cz_error_set(err, CZ_EVALIDATION, "\"%.*s\" is not a valid choice.",
                                      (int)(text.len < 100 ? text.len : 100), text.ptr)
                       : CZ_OK;
        }
        *(cz_str *)out = text;
        return CZ_OK;
    case CZ__DB_INT16:
        status = integer_from_text(text, INT16_MIN, INT16_MAX, &integer, err);
        if (!status)
            *(int16_t *)out = (int16_t)integer;
        return status;
    case CZ__DB_INT32:
        status = integer_from_text(text, INT32_MIN, INT32_MAX, &integer, err);
        if (!status)
            *(int32_t *)out = (int32_t)integer;
        return status;
    case CZ__DB_INT64:
        return integer_from_text(text, INT64_MIN, INT64_MAX, out, err);
    case CZ__DB_BOOL:
        return bool_from_text(text, out, err);
    case CZ__DB_REAL:
        return real_from_text(text, out, err);
    case CZ__DB_DATE:
        return cz_date_parse(text, out)
                   ? cz_error_set(err, CZ_EVALIDATION,
                                  "Date has wrong format. Use one of these formats "
                                  "instead: YYYY-MM-DD.")
                   : CZ_OK;
    case CZ__DB_DATETIME:
        return cz_datetime_parse(text, out)
                   ? cz_error_set(err, CZ_EVALIDATION,
                                  "Datetime has wrong format. Use one of these formats instead: "
                                  "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].")
                   : CZ_OK;
    case CZ__DB_UUID:
        return cz_uuid_parse(text, out) ? cz_error_set(err, CZ_EVALIDATION, "Must be a valid UUID.")
                                        : CZ_OK;
    case CZ__DB_DECIMAL:
        return decimal_from_text(column->type, text, out, err);
    case CZ__DB_TIME:
        return cz_time_parse(text, out)
                   ? cz_error_set(err, CZ_EVALIDATION,
                                  "Time has wrong format. Use one of these formats instead: "
                                  "hh:mm[:ss[.uuuuuu]].")
                   : CZ_OK;
    case CZ__DB_DURATION:
        return cz_duration_parse(cz_str_trim(text), out)
                   ? cz_error_set(err, CZ_EVALIDATION,
                                  "Duration has wrong format. Use one of these formats instead: "
                                  "[DD] [HH:[MM:]]ss[.uuuuuu].")
                   : CZ_OK;
    case CZ__DB_JSON:
        return json_from_text(text, out, err);
    case CZ__DB_IP:
        return ip_from_text(text, out, err);
    case CZ__DB_BINARY:
    case CZ__DB_INT_LIST:
    case CZ__DB_TEXT_LIST:
    case CZ__DB_UUID_LIST:
    case CZ__DB_TYPE_COUNT:
        break; /* these need memory: cz__value_from_json() */
    }
    return cz_error_set(err, CZ_EINVAL, "%s has no value of its own", column->field->name);
}

cz_str cz__key_text(const cz_model *model, const void *key, char *text)
{
    if (CZ__DB_KIND(model->state->key->type) != CZ__DB_UUID)
        return cz_str_of(text, cz_i64_write(text, *(const int64_t *)key));
    cz_uuid_write(text, *(const cz_uuid *)key);
    return cz_str_of(text, CZ_UUID_TEXT);
}
