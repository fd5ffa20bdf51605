/* Compiled again when the state of the sources changes; COMMIT is that, or "". */
#include "base/prog.h"

#include <stddef.h>

#ifndef COMMIT
#define COMMIT ""
#endif

const char *prog_commit(void)
{
    return *COMMIT ? COMMIT : NULL;
}
