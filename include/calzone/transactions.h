/* calzone/transactions.h: several changes as one, all of them or none.
 *
 *     static void transfer(cz_ctx *ctx, void *arg)
 *     {
 *         const struct order *order = arg;
 *         cz_update(ctx, Account, CZ_Q(Account, id, EXACT, order->from), (balance, order->left));
 *         cz_create(ctx, Booking, (account_id, order->from), (amount, order->amount));
 *         cz_on_commit(ctx, send_receipt, arg);
 *     }
 *     ...
 *     cz_atomic(ctx, transfer, &order);
 *
 * A statement outside any block is a transaction of its own. The outermost block is a transaction, those
 * inside are savepoints. A block that is left by a raise is rolled back, and the raise goes on: catch it
 * outside with cz_try(), never inside around single statements, or the block commits the half that worked.
 *
 * SQLite has one writer at a time, so its transactions hold up every other writer. Inside one, waiting for
 * anything but the database (cz_sleep(), cz_offload(), another service) raises CZ_EINVAL in development and
 * tests and names the line; in production it raises CZ_ETIMEDOUT once the transaction is older than the
 * setting WRITE_HOLD_TIME. Either way the transaction is rolled back.
 */
#ifndef CALZONE_TRANSACTIONS_H
#define CALZONE_TRANSACTIONS_H

#include <calzone/context.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Call `fn(ctx, arg)` in a transaction; inside another, in a savepoint. Committed when it returns, rolled
 * back when it raises. When it fails to commit, nothing of it is kept.
 * Raises: what `fn` raises; CZ_EBUSY: the database stayed locked for its busy time; CZ_EDATABASE,
 * CZ_EINTEGRITY: the commit was refused. Context: may suspend. */
void cz_atomic(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg);

/* How far a transaction sees what others commit meanwhile. SQLite's transactions are serializable; only
 * read_only ones tell the difference there. */
typedef enum cz_isolation {
    CZ_ISOLATION_DEFAULT, /* the database's own: PostgreSQL's is read committed */
    CZ_ISOLATION_READ_COMMITTED,
    CZ_ISOLATION_REPEATABLE_READ,
    CZ_ISOLATION_SERIALIZABLE
} cz_isolation;

typedef struct cz_atomic_options {
    cz_isolation
        isolation;  /* of the outermost block; inside another it must be the default or the same */
    bool durable;   /* refuse to stand inside another block: when it returns it is committed */
    bool read_only; /* changes raise CZ_EINVAL. On SQLite no other writer waits for it; from
                               repeatable read on, all its reads see one state */
    unsigned
        retries; /* how often to run `fn` again, at most 100, after the database found that another
                               transaction got in between (CZ_ESERIALIZATION), or was busy when the
                               transaction was to begin (CZ_EBUSY). Inside another block it does not count:
                               only the whole transaction can run again */
    const char
        *database; /* by its alias (databases.h); NULL: "default". Blocks of two databases may stand
                               inside each other in any order: each is committed or rolled back by itself */
} cz_atomic_options;

/* cz_atomic() with options. Before `fn` runs again the failed try is rolled back, its clean-ups have run and
 * its cz_on_commit() calls are gone; memory it took stays until the unit of work ends, and what it did to
 * anything but the database is for `fn` to do over. The pause before a try doubles from 10 ms to 1 s, of which
 * a random half is left out, so that two that met do not meet again.
 * Raises: as cz_atomic(); CZ_ESERIALIZATION when the tries are used up; CZ_EINVAL: options that cannot be. */
void cz_atomic_with(cz_ctx *ctx, const cz_atomic_options *options,
                    void (*fn)(cz_ctx *ctx, void *arg), void *arg);

/* Call `fn(ctx, arg)` once the outermost block has committed, in the order of the calls; never, when the block
 * this stands in or one around it is rolled back. Outside any block: now. `arg` must live until then. What
 * `fn` raises is logged, and the others run; it cannot undo the commit. They also run when the client has
 * gone away meanwhile, or the request's time is over, and have at least 5 s. They are lost when the process
 * dies. Raises: CZ_ENOMEM; outside any block what `fn` raises. */
void cz_on_commit(cz_ctx *ctx, void (*fn)(cz_ctx *ctx, void *arg), void *arg);

/* Whether a block is open. */
bool cz_in_atomic(const cz_ctx *ctx);

/* Mark the innermost block: it is rolled back when `fn` returns, without a raise, and until then it runs no
 * statement. `rollback` false takes the mark away, also one that a failed savepoint has left; only where it is
 * certain that the block can still be committed. Raises: CZ_EINVAL: no block is open. */
void cz_set_rollback(cz_ctx *ctx, bool rollback);
/* Whether the innermost block is marked. */
bool cz_get_rollback(const cz_ctx *ctx);

/* The same for the blocks of one database by its alias; those above are about the blocks of "default".
 * Raises: CZ_EINVAL: there is no such database. */
void cz_on_commit_on(cz_ctx *ctx, const char *database, void (*fn)(cz_ctx *ctx, void *arg),
                     void *arg);
bool cz_in_atomic_on(cz_ctx *ctx, const char *database);
void cz_set_rollback_on(cz_ctx *ctx, const char *database, bool rollback);
bool cz_get_rollback_on(cz_ctx *ctx, const char *database);

#ifdef __cplusplus
}
#endif
#endif
