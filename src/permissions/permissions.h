/* permissions/permissions.h: how many people a permission lets, as far as that can be told without a request. */
#ifndef CZ_PERMISSIONS_PERMISSIONS_H
#define CZ_PERMISSIONS_PERMISSIONS_H

#include <calzone/permissions.h>

/* From few to many; of the project's own functions nothing is known, so they stand between nobody and whoever is known. */
typedef enum cz__openness {
    CZ__OPEN_TO_NOBODY,
    CZ__OPEN_TO_SOME,
    CZ__OPEN_TO_KNOWN,
    CZ__OPEN_TO_ALL
} cz__openness;

/* `reads`: for GET. Context: any; does not suspend. */
cz__openness cz__permission_openness(const cz_permission *permission, bool reads);

#endif
