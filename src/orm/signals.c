/* Receivers: one list a signal, in order; a model has a bit for each signal somebody listens to. */
#include <calzone/signals.h>
#include "orm/orm_internal.h"

enum { RECEIVERS_MAX = 1024 };

static struct {
    const cz_receiver *items[RECEIVERS_MAX];
    size_t count;
    uint32_t of_all; /* signals somebody listens to for every model */
} registry;

void (*cz__changes_told)(cz_ctx *ctx, const char *alias, const cz_model *model);

static bool stands_twice(const cz_receiver *receiver)
{
    for (size_t i = 0; i < registry.count; i++) {
        const cz_receiver *other = registry.items[i];
        if (other->signal == receiver->signal && other->model == receiver->model &&
            other->fn == receiver->fn)
            return true;
    }
    return false;
}

static cz_status add(const char *app, size_t number, const cz_receiver *receiver, cz_error *err)
{
    bool migrates = receiver->signal == CZ_PRE_MIGRATE || receiver->signal == CZ_POST_MIGRATE;
    bool requests =
        receiver->signal == CZ_REQUEST_STARTED || receiver->signal == CZ_REQUEST_FINISHED;
    const char *wrong = NULL;
    if (receiver->signal < 0 || receiver->signal >= CZ__SIGNAL_COUNT)
        wrong = "there is no such signal";
    else if (!receiver->fn)
        wrong = "it has no function";
    else if (migrates && receiver->model)
        wrong = "a migration's signal is of no model";
    else if (requests && receiver->model)
        wrong = "a request's signal is of no model";
    else if (receiver->model && !receiver->model->state)
        wrong = "its model is in no app's .models";
    else if (stands_twice(receiver))
        wrong = "it stands there twice";
    if (wrong)
        return cz_error_set(err, CZ_EVALIDATION, "%s: receiver %zu%s%s: %s", app, number + 1,
                            receiver->model ? " of " : "",
                            receiver->model ? receiver->model->name : "", wrong);
    if (registry.count == RECEIVERS_MAX)
        return cz_error_set(err, CZ_ETOOBIG, "more than %d receivers", RECEIVERS_MAX);
    registry.items[registry.count++] = receiver;
    uint32_t bit = (uint32_t)1 << receiver->signal;
    if (receiver->model)
        receiver->model->state->signals |= bit;
    else
        registry.of_all |= bit;
    return CZ_OK;
}

cz_status cz__receivers_add(const char *app, const cz_receiver_list *receivers, cz_error *err)
{
    for (size_t i = 0; i < receivers->count; i++) {
        cz_status status = add(app, i, &receivers->items[i], err);
        if (status)
            return status;
    }
    for (size_t i = 0; i < cz__models_count(); i++)
        cz__models_at(i)->state->signals |= registry.of_all;
    return CZ_OK;
}

bool cz__signal_heard(cz_signal signal)
{
    return registry.of_all >> signal & 1;
}

void cz__signal_send(cz_ctx *ctx, const cz_event *event)
{
    for (size_t i = 0; i < registry.count; i++) {
        const cz_receiver *receiver = registry.items[i];
        if (receiver->signal == event->signal &&
            (!receiver->model || receiver->model == event->model))
            receiver->fn(ctx, event);
    }
}

void *cz__event_row(cz_ctx *ctx, const cz_event *event, const cz_model *model)
{
    if (!event->row || !cz__same_table(event->row->model, model))
        cz_raise(ctx, CZ_EINVAL, "an event's row is taken for a %s and is %s", model->name,
                 event->row ? event->row->model->name : "none");
    return event->row;
}
