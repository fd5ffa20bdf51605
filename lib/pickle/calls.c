#include "pickle/calls.h"

#include <stddef.h>
#include <string.h>

/* What torch, numpy and the standard library write for plain data. A '*' stands
 * for any ending without a dot. */
static const char *const functions[] = {
    "torch._utils._rebuild_*",
    "torch._tensor._rebuild_*",
    "torch.storage._load_from_bytes",
    "torch.serialization._get_layout",
    "torch.device",
    "torch.dtype",
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy.core.numeric._frombuffer",
    "numpy._core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy._core.numeric._frombuffer",
    "numpy.ma.core._mareconstruct",
    "numpy.random.bit_generator.__pyx_unpickle_*",
    "numpy.random._pickle.__randomstate_ctor",
    "numpy.random._pickle.__generator_ctor",
    "numpy.random._pickle.__bit_generator_ctor",
    "builtins.bool",
    "builtins.bytearray",
    "builtins.bytes",
    "builtins.complex",
    "builtins.dict",
    "builtins.float",
    "builtins.frozenset",
    "builtins.int",
    "builtins.list",
    "builtins.object",
    "builtins.range",
    "builtins.set",
    "builtins.slice",
    "builtins.str",
    "builtins.tuple",
    "builtins.xrange",
    "_codecs.encode",
    "array._array_reconstructor",
    "array.array",
    "collections.defaultdict",
    "collections.deque",
    "copyreg._reconstructor",
    "copyreg.__newobj__",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "functools.partial",
    "operator.or_",
    "random.Random",
    "re._compile",
    "types.SimpleNamespace",
};

/* Modules whose classes act on the machine or run code. */
static const char *const modules[] = {
    "_posixsubprocess",
    "_thread",
    "asyncio",
    "bdb",
    "builtins",
    "cProfile",
    "code",
    "codeop",
    "commands",
    "concurrent",
    "ctypes",
    "distutils",
    "ftplib",
    "http",
    "imp",
    "importlib",
    "io",
    "marshal",
    "multiprocessing",
    "nt",
    "os",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "platform",
    "posix",
    "profile",
    "pty",
    "runpy",
    "setuptools",
    "shutil",
    "signal",
    "smtplib",
    "socket",
    "subprocess",
    "sys",
    "telnetlib",
    "tempfile",
    "threading",
    "timeit",
    "trace",
    "types",
    "urllib",
    "webbrowser",
    "zipimport",
};

static bool matches(const char *name, const char *pattern)
{
    size_t n = strlen(pattern);
    if (pattern[n - 1] != '*')
        return strcmp(name, pattern) == 0;
    return strncmp(name, pattern, n - 1) == 0 && !strchr(name + n - 1, '.');
}

static bool known(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (matches(name, functions[i]))
            return true;
    return false;
}

static bool reaches_out(const char *name)
{
    size_t n = strcspn(name, ".");
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
        if (strlen(modules[i]) == n && memcmp(modules[i], name, n) == 0)
            return true;
    return false;
}

static bool capital(const char *word)
{
    word += strspn(word, "_");
    return *word >= 'A' && *word <= 'Z';
}

/* A class is written with a capital; so is the owner of a method that makes one. */
static bool looks_like_class(const char *name)
{
    const char *last = strrchr(name, '.');
    if (!last)
        return false;
    if (capital(last + 1))
        return true;
    const char *owner = last;
    while (owner > name && owner[-1] != '.')
        owner--;
    return owner > name && capital(owner);
}

bool calls_allowed(const char *name)
{
    return known(name) || (looks_like_class(name) && !reaches_out(name));
}

bool calls_class_allowed(const char *name)
{
    return known(name) || !reaches_out(name);
}
