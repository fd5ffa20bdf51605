#include "engine/plugin.h"

#include "base/mem.h"
#include "base/pool.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    pthread_mutex_t lock;
    const struct plugin *plugin; /* once loaded; it stays to the program's end */
    pthread_t thread;
    bool warming;
    int ordinal;
    enum engine_precision precision;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

int plugin_ordinal(const char *device)
{
    const char *colon = strchr(device, ':');
    long n = colon ? strtol(colon + 1, NULL, 10) : 0;
    return n < INT_MAX ? (int)n : INT_MAX;
}

/* HEATPIPE_CUDA; or cuda.so beside the folder that the program is in, as it is installed, or in
 * lib/heatpipe there, as it is built. */
static int find(char *path, size_t n, struct err *e)
{
    const char *given = getenv("HEATPIPE_CUDA");
    char self[PATH_MAX] = "";
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    for (int i = 0; i < 2 && len > 0; i++) {
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = '\0';
    }
    /* dlopen() takes a name without a slash for a library of the system. */
    int r = given ? snprintf(path, n, "%s%s", strchr(given, '/') ? "" : "./", given)
                  : snprintf(path, n, "%s/lib/heatpipe/cuda.so", self);
    if (!given && access(path, F_OK) != 0)
        r = snprintf(path, n, "%s/cuda.so", self);
    struct stat at;
    if (!given && len <= 0)
        return err_set(
            e, "no CUDA backend is installed: this system does not say where the program is");
    if (r >= (int)n || stat(path, &at) != 0 || !S_ISREG(at.st_mode) || access(path, R_OK) != 0)
        return err_set(e, "no CUDA backend is installed: expected it in %s", path);
    return 0;
}

bool plugin_installed(void)
{
    char path[PATH_MAX + 32];
    struct err ignored;
    return find(path, sizeof path, &ignored) == 0;
}

/* Under the lock. */
static int load(struct err *e)
{
    char path[PATH_MAX + 32];
    if (state.plugin)
        return 0;
    if (find(path, sizeof path, e) != 0)
        return -1;
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!object)
        return err_set(e, "the CUDA backend does not load: %s", dlerror());
    const struct plugin *p = dlsym(object, "heatpipe_plugin");
    int found = p ? p->version : 0;
    if (found != PLUGIN_VERSION) {
        dlclose(object);
        return err_set(e, "%s: expected a CUDA backend of version %d, found %d", path,
                       PLUGIN_VERSION, found);
    }
    state.plugin = p;
    return 0;
}

static void join(void)
{
    pthread_mutex_lock(&state.lock);
    bool warming = state.warming;
    state.warming = false;
    pthread_mutex_unlock(&state.lock);
    if (warming)
        pthread_join(state.thread, NULL);
}

static void *warm(void *arg)
{
    struct err ignored;
    (void)arg;
    pthread_mutex_lock(&state.lock);
    int r = load(&ignored);
    pthread_mutex_unlock(&state.lock);
    if (r != 0)
        return NULL;
    state.plugin->warm(state.ordinal, state.precision);
    return NULL;
}

void plugin_warm(const char *device, enum engine_precision p)
{
    pthread_mutex_lock(&state.lock);
    if (!state.warming && plugin_installed()) {
        state.ordinal = plugin_ordinal(device);
        state.precision = p;
        state.warming = pool_thread(&state.thread, warm, NULL) == 0;
    }
    pthread_mutex_unlock(&state.lock);
}

/* Loaded, and no thread at work on it. */
static const struct plugin *loaded(struct err *e)
{
    join();
    pthread_mutex_lock(&state.lock);
    int r = load(e);
    pthread_mutex_unlock(&state.lock);
    if (r == 0)
        return state.plugin;
    e->no_device = true;
    return NULL;
}

int plugin_find(const char *device, struct err *e)
{
    const struct plugin *p = loaded(e);
    return p ? p->find(plugin_ordinal(device), e) : -1;
}

const struct engine_backend *plugin_backend(struct err *e)
{
    const struct plugin *p = loaded(e);
    return p ? p->backend : NULL;
}

int plugin_built(char *buf, size_t n, struct err *e)
{
    const struct plugin *p = loaded(e);
    if (p)
        p->built(buf, n);
    return p ? 0 : -1;
}
