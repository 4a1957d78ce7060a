/* serializers/serializers.h: what a serializer's declaration came to, for documents about the API. */
#ifndef CZ_SERIALIZERS_SERIALIZERS_H
#define CZ_SERIALIZERS_SERIALIZERS_H

#include <calzone/serializers.h>
#include "orm/orm.h"

/* How a member is written. */
enum cz__representation {
    CZ__AS_VALUE, /* the column's value; of a relation to one row its key, to several a list of keys */
    CZ__AS_NESTED, /* the rows of a relation */
    CZ__AS_SLUG,   /* a field of theirs */
    CZ__AS_LINK,   /* their addresses; without a column that of the row itself */
    CZ__AS_COMPUTED
};

struct cz__serializer_field {
    enum cz__representation as;
    const cz__column *const *way; /* foreign keys to follow first */
    size_t way_count;
    const cz__column *column;           /* where they lead; NULL: nowhere */
    const cz__column *slug;             /* CZ__AS_SLUG: of the relation's target */
    const cz_serializer_member *member; /* what the serializer says of it beside; NULL: nothing */
    cz_str name;                        /* of the member */
    cz_str key; /* `"name":`, with the comma that goes before all but the first that is shown */
    bool list;  /* several rows */
    bool read_only, write_only, required;
};

struct cz__serializer_state {
    cz_serializer *serializer;
    struct cz__serializer_field *fields;
    size_t count;
    size_t fixed_bytes;                     /* room for everything but text, when it is plain */
    bool plain;                             /* shows columns of the row alone */
    const struct cz__serializer_field *key; /* the model's key, when it is shown */
};

/* Prepared at first use when start-up has not. Raises. */
const struct cz__serializer_state *cz__serializer_state(cz_ctx *ctx, cz_serializer *serializer);

/* read.c: the request's body as JSON, whatever its format is. Raises: CZ_EMEDIATYPE; CZ_EPROTOCOL; CZ_EVALIDATION. */
cz_str cz__serializer_input(cz_ctx *ctx, cz_request *req, cz_serializer *serializer, bool partial);

/* ---- lists.c: a list of objects as input, taken one after the other ---- */

struct cz__list {
    cz_ctx *ctx;
    cz_serializer *serializer;
    struct cz__document **documents;
    size_t count;
    cz_field_errors errors; /* of all, as a list */
};
/* Raises: as cz_read_rows(), of what is no list. */
struct cz__list *cz__list_read(cz_ctx *ctx, cz_str json, cz_serializer *serializer);
/* Write the key that item `n` names to `key`, which has the room of a cz_uuid; where it names none, that is told: false. */
bool cz__list_key(struct cz__list *list, size_t n, void *key);
/* Tell that no row has the key of item `n`, or that another item has it. */
void cz__list_not_there(struct cz__list *list, size_t n);
void cz__list_twice(struct cz__list *list, size_t n);
/* Check item `n` and put it into a row, a new one when `instance` is NULL. Raises as a query. */
cz_row *cz__list_take(struct cz__list *list, size_t n, cz_row *instance, bool partial);
/* Raise what is wrong, if anything is. */
void cz__list_raise(struct cz__list *list);

#endif
