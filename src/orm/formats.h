/* orm/formats.h: text formats fields check. Each is linear in its input and refuses what is longer
 * than the format allows. Context: any thread. */
#ifndef CZ_ORM_FORMATS_H
#define CZ_ORM_FORMATS_H

#include <calzone/str.h>

/* local@domain as Django's EmailValidator takes it: at most 320 bytes, an ASCII dot-atom or quoted local
 * part, a domain name with a dot, "localhost", or an address in brackets. */
bool cz__is_email(cz_str text);
/* http, https, ftp or ftps, a host name or address, optional port, path, query and fragment without
 * spaces; at most 2,048 bytes (Django's URLValidator). */
bool cz__is_url(cz_str text);
/* Letters, digits, underscores and hyphens. */
bool cz__is_slug(cz_str text);

#endif
