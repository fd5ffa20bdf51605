/* Files that hold a model in another form than the readers know, by their content. */
#ifndef HP_FOREIGN_H
#define HP_FOREIGN_H

#include "ckpt/zip.h"

#include <stdbool.h>
#include <stddef.h>

/* "an ONNX model", and "; ..." with what to do about it, or "". */
struct foreign {
    const char *found, *advice;
    bool model; /* PyTorch could write it in a form that is read */
};

struct foreign foreign_file(const unsigned char *p, size_t n);

/* A zip archive that torch.save did not write. */
struct foreign foreign_archive(const struct zip *z);

/* A folder, which is never a checkpoint. */
struct foreign foreign_folder(const char *path);

#endif
