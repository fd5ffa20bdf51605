#include "rows/put.h"

#include <stdio.h>

void put_class(struct tsv_out *t, int cls)
{
    if (cls < 0)
        tsv_put_string(t, NULL);
    else
        tsv_put_int(t, cls);
}

void put_class_name(struct tsv_out *t, const struct names *names, int cls)
{
    tsv_put_string(t, cls >= 0 && cls < names->classes ? names->name[cls] : NULL);
}

void put_superclass_name(struct tsv_out *t, const struct names *names, int superclass)
{
    const char *name = superclass >= 0 && superclass < names->superclasses
                           ? names->superclass_name[superclass]
                           : NULL;
    char number[16];
    snprintf(number, sizeof number, "%d", superclass);
    tsv_put_string(t, superclass < 0 ? NULL : name ? name : number);
}
