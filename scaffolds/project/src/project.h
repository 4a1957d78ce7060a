/* The project: its apps and addresses. */
#ifndef PROJECT_H
#define PROJECT_H

#include <calzone/calzone.h>

extern const cz_project project;

#endif
