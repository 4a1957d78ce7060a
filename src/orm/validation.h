/* orm/validation.h: the checks of values and rows, for cz_full_clean() and for serializers. Each adds what is wrong
 * to `errors`, under `name`, with DRF's sentences, because clients match on them. All raise CZ_ENOMEM. */
#ifndef CZ_ORM_VALIDATION_H
#define CZ_ORM_VALIDATION_H

#include <calzone/errors.h>
#include "orm/orm.h"

/* A text as the field would store it: of HTML what its rules allow. In the arena. Raises: CZ_ENOMEM. */
cz_str cz__text_as_stored(cz_ctx *ctx, const cz__column *column, cz_str text);
/* A text: blank, choices, form, the field's validator, length. Returns false when it is none of the choices. */
bool cz__check_text(cz_ctx *ctx, const cz__column *column, cz_str name, cz_str text,
                    cz_field_errors *errors);
/* A number: range and the field's validator. */
void cz__check_number(cz_ctx *ctx, const cz__column *column, cz_str name, double value,
                      cz_field_errors *errors);
/* The same of a row's column that is neither NULL nor a relation. */
void cz__check_value(cz_ctx *ctx, const cz_row *row, const cz__column *column, cz_str name,
                     cz_field_errors *errors);
/* That a number is beyond `bound`, which is written as text. */
void cz__out_of_range(cz_ctx *ctx, cz_str name, bool above, cz_str bound, cz_field_errors *errors);
/* That no row has the key `text` a reference was given. */
void cz__not_there(cz_ctx *ctx, cz_str name, cz_str text, cz_field_errors *errors);
/* The value of a column that was set and is unique, by its field or by a constraint of the model's over it alone: that
 * no other row has it. `existing`: the row is stored, and does not count. Raises as a query. */
void cz__check_unique(cz_ctx *ctx, const cz_row *row, const cz__column *column, cz_str name,
                      bool existing, cz_field_errors *errors);
/* A column's unique_for_date, _month and _year, when it and the date are known: of the rows that the model's manager
 * gives none else has the value then. `changed_alone`: only where the value or the date was set. Raises as a
 * query. */
void cz__check_unique_for(cz_ctx *ctx, const cz_row *row, const cz__column *column, cz_str name,
                          bool existing, bool changed_alone, cz_field_errors *errors);
/* The model's unique_together and its unique constraints over several fields, each when all of its columns have a value
 * and nothing else is wrong with them. A constraint with a condition is for rows that fulfil it. Raises as a query. */
void cz__check_unique_together(cz_ctx *ctx, const cz_row *row, bool existing,
                               cz_field_errors *errors);
/* constraints.c: whether the row as it would be stored breaks a .check, a .unique with a .condition, or .expressions,
 * which the database is asked. Raises as a query. */
bool cz__constraint_broken(cz_ctx *ctx, const cz_row *row, const cz_constraint *constraint,
                           bool existing);
/* Whether SQL has a word that is the column's name. */
bool cz__sql_names(const char *sql, const char *column);
/* Whether `name` has an error. */
bool cz__has_error(const cz_field_errors *errors, cz_str name);

#endif
