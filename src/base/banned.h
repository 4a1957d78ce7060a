/* Calls that do not compile in the library (the idea is git's banned.h). Included before every source by
 * the build. Each has a replacement that knows lengths, threads or locales. */
#ifndef CZ_BASE_BANNED_H
#define CZ_BASE_BANNED_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#undef strcpy
#undef strncpy
#undef strcat
#undef strncat
#undef sprintf
#undef vsprintf
#undef gets
#undef strtok
#undef atoi
#undef atol
#undef atoll
#undef atof
#undef rand
#undef srand
#undef random
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef system
#undef tmpnam
#undef mktemp
#undef alloca
#pragma GCC poison strcpy strncpy strcat strncat sprintf vsprintf gets strtok atoi atol atoll atof
#pragma GCC poison rand srand gmtime localtime ctime asctime tmpnam mktemp alloca
#endif
