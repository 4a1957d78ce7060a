#include "serializers.h"
#include "models.h"

CZ_SERIALIZER(NoteSerializer, Note,
    .fields = CZ_FIELDS(Note, id, title, body, pinned, created_at, updated_at));
