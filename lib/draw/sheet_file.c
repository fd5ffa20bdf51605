#include "draw/sheet_file.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 80 };

static char *safe(const char *name)
{
    char *s = mem_dup(name);
    size_t n = strlen(s);
    if (n > NAME_MAX_BYTES)
        s[NAME_MAX_BYTES] = '\0';
    for (char *c = s; *c; c++) {
        unsigned char u = (unsigned char)*c;
        *c = u < 0x80 && (isalnum(u) || u == '-') ? (char)tolower(u) : '_';
    }
    return s;
}

char *sheet_class_file(int cls, const char *name)
{
    char *a = safe(name), *file = mem_printf("class_%03d_%s.png", cls, a);
    free(a);
    return file;
}

char *sheet_pair_file(int number, const char *from, const char *to)
{
    char *a = safe(from), *b = safe(to);
    char *file = mem_printf("confused_pair_%d_%s_to_%s.png", number, a, b);
    free(a);
    free(b);
    return file;
}

char *sheet_page_file(const char *file, int page)
{
    int stem = (int)(strlen(file) - strlen(".png"));
    return page == 1 ? mem_dup(file) : mem_printf("%.*s_p%d.png", stem, file, page);
}
