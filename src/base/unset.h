/* base/unset.h: locals that are not zeroed.
 *
 * Builds zero every local that has no value (-ftrivial-auto-var-init=zero), so that what was on the stack leaves by no mistake. A large buffer
 * whose bytes are written before they are read says that it needs none: `char bytes[65536] CZ__UNSET;` */
#ifndef CZ_BASE_UNSET_H
#define CZ_BASE_UNSET_H

#if defined(__has_attribute) && __has_attribute(uninitialized)
#define CZ__UNSET __attribute__((uninitialized))
#else
#define CZ__UNSET
#endif

#endif
