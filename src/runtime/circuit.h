/* runtime/circuit.h: not asking a server again and again that was just found away.
 *
 * Closed, everybody asks. After a failure it is open: for a second nobody does, then one tries for all. */
#ifndef CZ_RUNTIME_CIRCUIT_H
#define CZ_RUNTIME_CIRCUIT_H

#include <calzone/time.h>

enum { CZ__CIRCUIT_OPEN_US = 1000000 };

typedef struct cz__circuit {
    bool is_away;
    int64_t retry_at_us; /* while it is away: when one tries */
} cz__circuit;

/* Whether to ask. True while it is away: this one tries, and nobody else until it is known. */
static inline bool cz__circuit_may_ask(cz__circuit *circuit)
{
    if (!circuit->is_away)
        return true;
    int64_t now_us = cz_monotonic_us();
    if (now_us < circuit->retry_at_us)
        return false;
    circuit->retry_at_us = now_us + CZ__CIRCUIT_OPEN_US;
    return true;
}

/* What came of asking. */
static inline void cz__circuit_set(cz__circuit *circuit, bool answered)
{
    circuit->is_away = !answered;
    if (!answered)
        circuit->retry_at_us = cz_monotonic_us() + CZ__CIRCUIT_OPEN_US;
}

#endif
