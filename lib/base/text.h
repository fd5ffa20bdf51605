/* Text that came from elsewhere. */
#ifndef HP_TEXT_H
#define HP_TEXT_H

#include <stddef.h>

/* Length of the UTF-8 character at p (n > 0 bytes there); 0 where there is none, or a
 * control one: C0, DEL or C1, which a terminal may obey. */
size_t text_char(const char *p, size_t n);

#endif
