/* calzone/validation.h: whether a row may be stored.
 *
 * Saving does not validate, as in Django; serializers and the admin do, and so does who asks:
 *
 *     static void clean_loan(cz_ctx *ctx, void *row, cz_field_errors *errors)
 *     {
 *         const Loan *loan = row;
 *         if (!cz_is_null(loan, returned) && loan->returned.days < loan->lent.days)
 *             cz_field_errors_add(ctx, errors, CZ_STR("returned"), "invalid", "That is before it was lent.");
 *     }
 *     CZ_MODEL(Loan, LOAN, .clean = clean_loan)
 *
 *     cz_full_clean(ctx, loan);
 */
#ifndef CALZONE_VALIDATION_H
#define CALZONE_VALIDATION_H

#include <calzone/errors.h>
#include <calzone/queries.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Check a row as it would be stored, which its texts with .html are made first, so cz_save() writes what is left of them: NULL, blank,
 * length, pattern, choices, range, form (of an email address, a URL, a
 * slug), the field's validator, and that a foreign key leads to a row; then the model's `.clean`; then its rules about
 * other rows (unique fields, a new row's key if it has one, those unique for a date, a month or a year,
 * unique_together) and its constraints, which the database is asked about the row's values, those with a `.condition` for
 * rows that fulfil it. A rule is passed over where the value of a field it names is wrong already, and so are fields that
 * are not loaded, but for those a new row lacks. The sentences are those serializers give; of a `.check` Django's. Raises:
 * CZ_EVALIDATION with all that is wrong (errors.h); as queries do. */
#define cz_full_clean(ctx, row) cz__full_clean((ctx), &(row)->row_)
void cz__full_clean(cz_ctx *ctx, cz_row *row);

#ifdef __cplusplus
}
#endif
#endif
