#ifndef NOTES_VIEWS_H
#define NOTES_VIEWS_H

#include <calzone/calzone.h>

extern cz_viewset note_views;

#endif
