/* WebP by libwebp. Of an animation the first frame is taken, on black where it does not
 * fill the picture, as Pillow does it. */
#include "image/image.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>

enum { RIFF_HEADER = 12, CHUNK_HEADER = 8, EXTENDED = 10, FRAME_HEADER = 16, ANIMATED = 2 };

/* What is decoded, p[n], and where it lies in an image of h x w. */
struct frame {
    const unsigned char *p;
    size_t n;
    uint32_t h, w, y, x;
};

static uint32_t le24(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

/* The first frame of p[n], what follows the header of an animated file: libwebp's decoder
 * takes the chunks of a frame, but not a file of several. */
static const char *first_frame(struct frame *f, const unsigned char *p, size_t n)
{
    while (n >= CHUNK_HEADER) {
        size_t size = le24(p + 4) | (size_t)p[7] << 24, room = n - CHUNK_HEADER;
        if (size > room)
            return "it ends early";
        const unsigned char *body = p + CHUNK_HEADER;
        if (memcmp(p, "ANMF", 4) == 0) {
            if (size < FRAME_HEADER)
                return "its first frame has no header";
            f->x = 2 * le24(body);
            f->y = 2 * le24(body + 3);
            f->p = body + FRAME_HEADER;
            f->n = size - FRAME_HEADER;
            return NULL;
        }
        size += size % 2 && size < room;
        p = body + size;
        n = room - size;
    }
    return "it has no frames";
}

/* Where the size of the image and the bytes of its frame are; NULL, or what is wrong. */
static const char *find_frame(struct frame *f, const unsigned char *p, size_t n)
{
    size_t size = n < RIFF_HEADER ? 0 : le24(p + 4) | (size_t)p[7] << 24;
    if (n < RIFF_HEADER || size > n - CHUNK_HEADER)
        return "it ends early";
    n = size + CHUNK_HEADER;
    *f = (struct frame){.p = p, .n = n};
    size_t first = RIFF_HEADER + CHUNK_HEADER;
    if (n < first + EXTENDED || memcmp(p + RIFF_HEADER, "VP8X", 4) != 0 || !(p[first] & ANIMATED))
        return NULL;
    f->w = le24(p + first + 4) + 1;
    f->h = le24(p + first + 7) + 1;
    return first_frame(f, p + first + EXTENDED, n - first - EXTENDED);
}

static const char *why(VP8StatusCode code)
{
    return code == VP8_STATUS_NOT_ENOUGH_DATA ? "it ends early" : "it cannot be decoded";
}

/* Decodes a frame of h x w into rgb[3*h*w]. */
static int decode(const struct frame *f, WebPDecoderConfig *c, unsigned char *rgb)
{
    int w = c->input.width, h = c->input.height;
    c->output.colorspace = MODE_RGB;
    c->output.is_external_memory = 1;
    c->output.u.RGBA.rgba = rgb;
    c->output.u.RGBA.stride = 3 * w;
    c->output.u.RGBA.size = 3 * (size_t)w * (size_t)h;
    return WebPDecode(f->p, f->n, c);
}

int image_webp(struct image *im, const unsigned char *p, size_t n, const char *name, struct err *e)
{
    struct frame f;
    WebPDecoderConfig c;
    const char *wrong = find_frame(&f, p, n);
    VP8StatusCode code = VP8_STATUS_OK;
    if (!wrong && !WebPInitDecoderConfig(&c))
        return err_set(e, "%s: WebP images cannot be read: libwebp is of another version", name);
    if (!wrong && (code = WebPGetFeatures(f.p, f.n, &c.input)) != VP8_STATUS_OK)
        wrong = why(code);
    if (wrong)
        return err_set(e, "%s: damaged WebP: %s", name, wrong);
    uint32_t h = (uint32_t)c.input.height, w = (uint32_t)c.input.width;
    if (f.h == 0) {
        f.h = h;
        f.w = w;
    }
    if (image_room(im, f.h, f.w, name, e) != 0)
        return -1;
    if (f.y + h > f.h || f.x + w > f.w)
        return err_set(e, "%s: damaged WebP: its first frame reaches beyond the picture", name);
    size_t plane = (size_t)f.h * f.w;
    unsigned char *rgb = mem_alloc((size_t)h * w, 3);
    code = decode(&f, &c, rgb);
    if (code == VP8_STATUS_OK && (h < f.h || w < f.w))
        memset(im->pixels, 0, 3 * plane);
    for (size_t y = 0; y < h && code == VP8_STATUS_OK; y++)
        for (size_t x = 0; x < w; x++)
            for (size_t k = 0; k < 3; k++)
                im->pixels[k * plane + (y + f.y) * f.w + x + f.x] = rgb[3 * (y * w + x) + k];
    free(rgb);
    return code == VP8_STATUS_OK ? 0 : err_set(e, "%s: damaged WebP: %s", name, why(code));
}
