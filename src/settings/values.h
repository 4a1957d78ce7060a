/* settings/values.h: texts that mean the same in a setting and on a command line. */
#ifndef CZ_SETTINGS_VALUES_H
#define CZ_SETTINGS_VALUES_H

#include <calzone/str.h>

/* "10s", "50ms", "5m", "1h", "2d" or "0", in milliseconds. Errors: CZ_EVALIDATION. */
CZ_NODISCARD cz_status cz__duration_ms_read(cz_str text, int64_t *out);
/* A finite number such as "0.25", with a point in every locale. Errors: CZ_EVALIDATION; CZ_ENOMEM. */
CZ_NODISCARD cz_status cz__real_read(cz_str text, double *out);

#endif
