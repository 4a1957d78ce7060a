/* Private to src/versioning. */
#ifndef CZ_VERSIONING_INTERNAL_H
#define CZ_VERSIONING_INTERNAL_H

#include <calzone/versioning.h>

/* One version as a router has it, once by its path and once by what requests say. */
struct cz__versioned {
    cz_route_guard guard; /* begins it */
    const cz_versions *versions;
    const cz_version *version;
    bool has_path; /* the versions have paths of their own, which is where addresses lead */
    cz_deprecation deprecation;         /* the version's, with its dates read */
    const cz_middleware *middleware[2]; /* that one, if there is one */
};

/* "v1" of version 1, in `room`, which has CZ__VERSION_LABEL bytes. */
enum { CZ__VERSION_LABEL = 64 };
const char *cz__version_label(const cz_version *version, char *room);
/* The version of that name; NULL: there is none. */
const cz_version *cz__version_named(const cz_versions *versions, cz_str name);
/* The scheme's name, or what stands for it. */
const char *cz__scheme_name(const cz_version_scheme *scheme);

/* choice.c: which version a request asks for: sets req->versions, version (NULL: one that is not) and version_scheme (-1: it
 * asks for none). Neither raises nor suspends. */
void cz__version_choose(cz_ctx *ctx, cz_request *req, const cz_versions *versions);
/* Raises what is wrong with it. */
void cz__version_refuse(cz_ctx *ctx, cz_request *req, const cz_versions *versions);

/* deprecation.c: the address of what a request asks for in another version, percent-encoded; "": it is not there. Raises:
 * CZ_ENOMEM. */
cz_str cz__version_successor(cz_ctx *ctx, const cz_request *req);
/* The version a request was led to; NULL: none. */
const struct cz__versioned *cz__versioned_of(const cz_route_guard *guard);

#endif
