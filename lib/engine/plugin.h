/* The CUDA backend lies in a shared object of its own, so that programs link nothing
 * of CUDA and start at once on machines without it. What it needs of the library it
 * finds in the program (cuda/host.syms). */
#ifndef HP_ENGINE_PLUGIN_H
#define HP_ENGINE_PLUGIN_H

#include "engine/backend.h"

/* Of what passes between a program and the object: raise it with every change of a struct or a
 * function that both know (err, graph, engine, backend, plan, work, plugin). */
enum { PLUGIN_VERSION = 5 };

/* What the shared object offers, under the name `heatpipe_plugin`. */
struct plugin {
    int version; /* PLUGIN_VERSION of the sources it was built from; stays the first member */
    const struct engine_backend *backend;
    void (*built)(char *buf, size_t n); /* what it was made with: "CUDA 12.9, cuDNN 9.19.0" */
    /* Looks for device `ordinal`, quickly; without one sets e->no_device. */
    int (*find)(int ordinal, struct err *e);
    /* Does early what takes long about device `ordinal`, in a precision; failures show in open().
     */
    void (*warm)(int ordinal, enum engine_precision p);
};

/* The device's number in "cuda" or "cuda:N"; 0 for "auto". */
int plugin_ordinal(const char *device);

/* Whether there is a shared object to load. */
bool plugin_installed(void);

/* What it was made with, into buf[n]; -1 where it does not load. No device is looked for. */
int plugin_built(char *buf, size_t n, struct err *e) ERR_CHECKED;

/* Whether the device is there, as far as can be told quickly. */
int plugin_find(const char *device, struct err *e) ERR_CHECKED;

/* Starts loading it and the device in a thread, if it is there. */
void plugin_warm(const char *device, enum engine_precision p);

/* The backend, or NULL with e->no_device set. */
const struct engine_backend *plugin_backend(struct err *e) ERR_CHECKED;

#endif
