/* The layers of a network that maps can be made of. */
#ifndef LAYERS_H
#define LAYERS_H

#include "session/session.h"

/* Their table to standard output; the images give the size alone. */
int layers_list(const struct session_opts *s, const struct data_opts *o, struct err *e);

#endif
