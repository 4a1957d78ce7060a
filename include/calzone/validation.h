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

/* Check a row as it would be stored: NULL, blank, length, choices, range, form (of an email address, a URL, a
 * slug) and the field's validator; then the model's `.clean`; then, where that found nothing, that its unique
 * fields, those unique for a date, a month or a year and unique_together are no other row's. Fields that are not
 * loaded are passed over, but for those a new row lacks. Constraints the model has in SQL are the database's to
 * check. The sentences are those serializers give. Raises: CZ_EVALIDATION with all that is wrong (errors.h); as queries do. */
#define cz_full_clean(ctx, row) cz__full_clean((ctx), &(row)->row_)
void cz__full_clean(cz_ctx *ctx, cz_row *row);

#ifdef __cplusplus
}
#endif
#endif
