/* Which libraries of others a program is linked with. */
#ifndef HP_LIBRARIES_H
#define HP_LIBRARIES_H

#include <stddef.h>

/* Their names and versions, "zlib 1.3.1, libpng 1.6.48", into buf[n]; how many there are. */
int libraries_used(char *buf, size_t n);

#endif
