#include "views.h"
#include "models.h"
#include "serializers.h"

/* Everybody may read and write: name another permission before this leaves your machine. */
CZ_VIEWSET(note_views, Note,
    .serializer  = &NoteSerializer,
    .permissions = &cz_allow_any);
