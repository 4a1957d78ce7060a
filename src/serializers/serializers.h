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

#endif
