/* The app `notes`: what the project needs of it. */
#ifndef NOTES_APP_H
#define NOTES_APP_H

#include <calzone/calzone.h>

extern const cz_app notes_app;
extern const cz_route notes_urls[];

#endif
