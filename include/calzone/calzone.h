/* calzone/calzone.h: all of it. */
#ifndef CALZONE_CALZONE_H
#define CALZONE_CALZONE_H

#include <calzone/base64.h>
#include <calzone/buf.h>
#include <calzone/bulk.h>
#include <calzone/cache.h>
#include <calzone/context.h>
#include <calzone/databases.h>
#include <calzone/decimal.h>
#include <calzone/errors.h>
#include <calzone/filters.h>
#include <calzone/http.h>
#include <calzone/json.h>
#include <calzone/log.h>
#include <calzone/lookups.h>
#include <calzone/macros.h>
#include <calzone/map.h>
#include <calzone/memory.h>
#include <calzone/middleware.h>
#include <calzone/migrations.h>
#include <calzone/models.h>
#include <calzone/notifications.h>
#include <calzone/openapi.h>
#include <calzone/pagination.h>
#include <calzone/parsers.h>
#include <calzone/permissions.h>
#include <calzone/project.h>
#include <calzone/queries.h>
#include <calzone/random.h>
#include <calzone/raw.h>
#include <calzone/relations.h>
#include <calzone/renderers.h>
#include <calzone/routing.h>
#include <calzone/runtime.h>
#include <calzone/serializers.h>
#include <calzone/settings.h>
#include <calzone/signals.h>
#include <calzone/status.h>
#include <calzone/str.h>
#include <calzone/throttling.h>
#include <calzone/time.h>
#include <calzone/transactions.h>
#include <calzone/validation.h>
#include <calzone/views.h>

#endif
