/* calzone/signals.h: being told when rows are made, saved and deleted.
 *
 *     static void index_book(cz_ctx *ctx, const cz_event *event)
 *     {
 *         Book *book = CZ_EVENT_ROW(ctx, event, Book);
 *         ...
 *     }
 *     static const cz_receiver receivers[] = {
 *         CZ_RECEIVER(CZ_POST_SAVE, Book, index_book),
 *         CZ_RECEIVER_OF_ALL(CZ_PRE_DELETE, note_deletion),
 *     };
 *     static const cz_app store = { "store", .models = ..., .receivers = CZ_RECEIVERS(receivers) };
 *
 * Receivers run at once, in order of the apps and their tables, on the caller's fiber and in its transaction.
 * What one raises goes on to the caller, and those after it do not run: inside cz_atomic() nothing of the save
 * or delete is kept then; outside, a row whose CZ_POST_SAVE raises stays saved, as in Django. What belongs after
 * the commit calls cz_on_commit() (transactions.h).
 *
 * As in Django, cz_update() and whatever changes many rows in one statement send nothing. A delete sends for
 * each row, those it cascades to included. A model without receivers pays one test of a bit.
 */
#ifndef CALZONE_SIGNALS_H
#define CALZONE_SIGNALS_H

#include <calzone/models.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cz_signal {
    CZ_PRE_INIT, /* a row is about to be made, by cz_row_new() or cz_create(); there is no row yet */
    CZ_POST_INIT, /* a row was made, or read from the database as a whole; one that is only written to a
                       response is not made */
    CZ_PRE_SAVE, /* what it changes in the row is saved along */
    CZ_POST_SAVE,
    CZ_PRE_DELETE,  /* before the first row of the delete goes */
    CZ_POST_DELETE, /* when those of its model are gone */
    CZ_M2M_CHANGED,
    CZ_PRE_MIGRATE, /* once for each app with models, around all of `migrate`, pending or not; outside its
                       transactions */
    CZ_POST_MIGRATE,
    /* Around all that is done about a request, middleware included, outside its transaction. What a receiver raises
     * becomes the answer. CZ_REQUEST_FINISHED sees the answer; it is not sent when the client has gone away meanwhile or
     * the request was cancelled. No signal is sent for what is no request: malformed, or of an unknown method. */
    CZ_REQUEST_STARTED,
    CZ_REQUEST_FINISHED,
    CZ__SIGNAL_COUNT
} cz_signal;

/* What is done to the links of a many-to-many, before and after. */
typedef enum cz_m2m_action {
    CZ_M2M_NONE,
    CZ_M2M_PRE_ADD,
    CZ_M2M_POST_ADD,
    CZ_M2M_PRE_REMOVE,
    CZ_M2M_POST_REMOVE,
    CZ_M2M_PRE_CLEAR,
    CZ_M2M_POST_CLEAR
} cz_m2m_action;

typedef struct cz_event {
    cz_signal signal;
    cz_model
        *model;  /* of the row; of the field's owner for CZ_M2M_CHANGED; NULL for the migrations' */
    cz_row *row; /* NULL for CZ_PRE_INIT, the migrations' and the requests' */
    struct cz_request *request; /* the requests' (http.h), with its response; else NULL */
    bool created;               /* CZ_PRE_SAVE, CZ_POST_SAVE: by an INSERT */
    bool
        raw; /* by `loaddata`: other rows may not be there yet, so neither ask for nor change them */
    const char *app; /* the migrations': "store" */
    const char
        *database; /* the alias of the one that is changed; NULL for CZ_PRE_INIT and CZ_POST_INIT */
    /* CZ_M2M_CHANGED: which links of `row`, to rows of `other` with these keys (int64_t or cz_uuid by its
     * model; none for a clear) */
    cz_m2m_action action;
    const cz_field *field;
    cz_model *other;
    const void *keys;
    size_t key_count;
} cz_event;

typedef void (*cz_receiver_fn)(cz_ctx *ctx, const cz_event *event);

typedef struct cz_receiver {
    cz_signal signal;
    cz_model *model; /* NULL: every model */
    cz_receiver_fn fn;
} cz_receiver;
typedef struct cz_receiver_list {
    const cz_receiver *items;
    size_t count;
} cz_receiver_list;

/* A line of such a table: for one model, and for all. The migrations' signals are of no model. */
#define CZ_RECEIVER(which, M, function)                                                            \
    {                                                                                              \
        .signal = (which), .model = &M##__model, .fn = (function)                                  \
    }
#define CZ_RECEIVER_OF_ALL(which, function)                                                        \
    {                                                                                              \
        .signal = (which), .fn = (function)                                                        \
    }
/* A table of receivers for cz_app.receivers. It is checked at start: its models belong to an app, nothing stands
 * in it twice. */
#define CZ_RECEIVERS(array)                                                                        \
    {                                                                                              \
        (array), CZ_COUNT(array)                                                                   \
    }

/* The row of an event, as a Book*. Raises: CZ_EINVAL: it is of another model, or has none. */
#define CZ_EVENT_ROW(ctx, event, M) ((M *)cz__event_row((ctx), (event), &M##__model))
void *cz__event_row(cz_ctx *ctx, const cz_event *event, const cz_model *model);

#ifdef __cplusplus
}
#endif
#endif
