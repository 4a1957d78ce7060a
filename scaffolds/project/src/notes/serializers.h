#ifndef NOTES_SERIALIZERS_H
#define NOTES_SERIALIZERS_H

#include <calzone/calzone.h>

extern cz_serializer NoteSerializer;

#endif
