/* versioning/versioning.h: what documents about the API ask of versions. */
#ifndef CZ_VERSIONING_VERSIONING_H
#define CZ_VERSIONING_VERSIONING_H

#include <calzone/versioning.h>

/* Whether a step of a route's path is the label of the route's version, "v2". */
bool cz__version_is_step(const cz_route_info *info, cz_str step);

#endif
