/* Resizing and post-processing against OpenCV and pytorch-grad-cam. */
#include "cam/cam.h"

#include "check.h"

#include <stdlib.h>

enum { CELLS = 256 };

static int read_values(FILE *f, float *v, int n)
{
    for (int i = 0; i < n; i++)
        if (fscanf(f, "%f", &v[i]) != 1)
            return -1;
    return 0;
}

int main(void)
{
    const char *path = "tests/golden/cam/functions.txt";
    FILE *f = fopen(path, "r");
    char kind[16];
    int sh, sw, dh, dw, lines = 0;
    float src[CELLS], want[CELLS], got[CELLS];

    if (!f) {
        fprintf(stderr, "%s: not found\n", path);
        return 1;
    }
    while (fscanf(f, "%15s %d %d %d %d", kind, &sh, &sw, &dh, &dw) == 5) {
        CHECK(sh * sw <= CELLS && dh * dw <= CELLS);
        if (check_failures || read_values(f, src, sh * sw) != 0 || fscanf(f, " ->") != 0 ||
            read_values(f, want, dh * dw) != 0)
            break;
        struct resize *r = resize_new(sh, sw, dh, dw);
        if (strcmp(kind, "resize") == 0)
            resize_run(r, src, got);
        else
            cam_finish(src, sh * sw, CAM_EPSILON, r, got, dh * dw);
        for (int i = 0; i < dh * dw; i++)
            CHECK_NEAR(got[i], want[i], 1e-6);
        resize_free(r);
        lines++;
    }
    fclose(f);
    CHECK(lines == 13);
    return CHECK_DONE();
}
