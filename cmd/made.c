/* Of what and with what a program was made, for --version. Compiled again when the state of the
 * sources changes; COMMIT is that, or "". */
#include "base/prog.h"

#include <stdio.h>

#include <cairo.h>
#include <jansson.h>
#include <jpeglib.h>
#include <libdeflate.h>
#include <pango/pango.h>
#include <png.h>
#include <stdbool.h>
#include <webp/decode.h>
#include <zlib.h>

/* A function that every use of the library needs. Where it is weak, it is there only if the rest of
 * the program is linked with the library; asking for it links nothing. */
#ifdef __ELF__
#pragma weak cairo_create
#pragma weak cairo_version_string
#pragma weak json_object
#pragma weak jpeg_std_error
#pragma weak libdeflate_free_decompressor
#pragma weak pango_layout_new
#pragma weak pango_version_string
#pragma weak png_get_libpng_ver
#pragma weak WebPGetDecoderVersion
#pragma weak zlibVersion
#define LINKED(function) ((function) != NULL)
#else
#define LINKED(function) true
#endif

#ifndef COMMIT
#define COMMIT ""
#endif

#define WORD(x) #x
#define STRING(x) WORD(x)
#ifdef LIBJPEG_TURBO_VERSION
#define JPEG "libjpeg-turbo"
#define JPEG_VERSION STRING(LIBJPEG_TURBO_VERSION)
#else
#define JPEG "libjpeg"
#define JPEG_VERSION STRING(JPEG_LIB_VERSION_MAJOR)
#endif

/* Names and versions into buf[n]; how many there are. */
static int libraries(char *buf, size_t n)
{
    char webp[32] = "";
    if (LINKED(WebPGetDecoderVersion)) {
        int v = WebPGetDecoderVersion();
        snprintf(webp, sizeof webp, "%d.%d.%d", v >> 16, v >> 8 & 255, v & 255);
    }
    const struct {
        const char *name, *version; /* NULL where it is not linked */
    } all[] = {
        {"zlib", LINKED(zlibVersion) ? zlibVersion() : NULL},
        {"libdeflate", LINKED(libdeflate_free_decompressor) ? LIBDEFLATE_VERSION_STRING : NULL},
        {"libpng", LINKED(png_get_libpng_ver) ? png_get_libpng_ver(NULL) : NULL},
        {JPEG, LINKED(jpeg_std_error) ? JPEG_VERSION : NULL},
        {"libwebp", *webp ? webp : NULL},
        {"jansson", LINKED(json_object) ? JANSSON_VERSION : NULL},
        {"cairo", LINKED(cairo_create) ? cairo_version_string() : NULL},
        {"pango", LINKED(pango_layout_new) ? pango_version_string() : NULL},
    };
    int count = 0;
    size_t at = 0;
    *buf = '\0';
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].version)
            continue;
        int r =
            snprintf(buf + at, n - at, "%s%s %s", count ? ", " : "", all[i].name, all[i].version);
        at = (size_t)r < n - at ? at + (size_t)r : n - 1;
        count++;
    }
    return count;
}

void prog_made(void)
{
    char used[512];
    if (*COMMIT)
        printf("commit     %s\n", COMMIT);
    if (libraries(used, sizeof used) > 0)
        printf("libraries  %s\n", used);
}
