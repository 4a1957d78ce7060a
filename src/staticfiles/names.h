/* staticfiles/names.h: what a path says of a file, without looking for it. */
#ifndef CZ_STATICFILES_NAMES_H
#define CZ_STATICFILES_NAMES_H

#include <calzone/str.h>

/* Whether a path, percent-decoded, may be looked for below a folder: no step is empty or begins with a dot, but ".well-known"
 * where it is served. */
bool cz__static_is_open(cz_str path, bool serves_well_known);

/* Whether a name has a hash of the content, as tools for the web write them: between two dots 8 to 64 hexadecimal digits in lower
 * case, "main.3f2a9c1b.js", "main.3f2a9c1b.chunk.css". A letter and a figure have to be among them: words and dates are none. */
bool cz__static_has_hash(cz_str path);

#endif
