/* Which calls in a pickle are taken for the making of plain data. Nothing is ever
 * called; the rule tells files that want to act on the machine from checkpoints. */
#ifndef HP_CALLS_H
#define HP_CALLS_H

#include <stdbool.h>

/* Whether a pickle may ask for a call of `name` ("module.name"): a function known
 * to rebuild tensors, arrays or plain values, or a class by the look of its name
 * outside of the modules that reach the system. */
bool calls_allowed(const char *name);

/* Whether it may ask for an instance of `name` to be made without a call of it. */
bool calls_class_allowed(const char *name);

#endif
