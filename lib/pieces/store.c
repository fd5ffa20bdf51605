#include "pieces/store.h"

#include "base/io.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* By this file a folder is known as one that may be replaced. */
#define MARK "README.txt"
static const char mark_text[] =
    "Pieces of the page beside this folder, made by report(1) of heatpipe.\n"
    "They are replaced as a whole; keep no file of yours here.\n";

/* Of libdeflate: more finds little more. */
enum { TABLE_LEVEL = 6, VALUES_LEVEL = 3 };

struct piece {
    char *name, *text;
    size_t n;
};

struct store {
    char *folder, *unfinished; /* NULL in memory */
    char *stamp;
    pthread_mutex_t lock;
    size_t bytes;
    struct piece *piece; /* in memory */
    size_t pieces;
};

/* --- encoding --- */

static char *base64(const uint8_t *p, size_t n, size_t *length)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = mem_alloc((n + 2) / 3 * 4 + 1, 1), *q = text;
    for (; n >= 3; n -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *q++ = digit[v >> 18];
        *q++ = digit[v >> 12 & 63];
        *q++ = digit[v >> 6 & 63];
        *q++ = digit[v & 63];
    }
    if (n > 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);
        *q++ = digit[v >> 18];
        *q++ = digit[v >> 12 & 63];
        *q++ = '=';
        if (n > 1)
            q[-1] = digit[v >> 6 & 63];
        *q++ = '=';
    }
    *q = '\0';
    *length = (size_t)(q - text);
    return text;
}

/* Bytes as characters of 15 bits, from U+3400 on: a script in UTF-16 takes up 7 % more room than
 * its bytes, base64 33 %. None of these is a surrogate or means anything in a string. */
static void wide(uint16_t *out, const uint8_t *p, size_t n)
{
    uint32_t held = 0;
    int bits = 0;
    for (size_t i = 0; i < n; i++) {
        held = held << 8 | p[i];
        bits += 8;
        if (bits < 15)
            continue;
        bits -= 15;
        *out++ = (uint16_t)(0x3400 + (held >> bits & 0x7fff));
    }
    if (bits > 0)
        *out = (uint16_t)(0x3400 + (held << (15 - bits) & 0x7fff));
}

static size_t wide_length(size_t n)
{
    return (8 * n + 14) / 15;
}

/* ASCII. Returns what follows it. */
static uint16_t *wide_text(uint16_t *out, const char *s)
{
    while (*s)
        *out++ = (unsigned char)*s++;
    return out;
}

static int compress_bytes(const void *p, size_t n, enum store_kind kind, uint8_t **out,
                          size_t *size, const char *name, struct err *e)
{
    struct libdeflate_compressor *z =
        libdeflate_alloc_compressor(kind == STORE_TABLE ? TABLE_LEVEL : VALUES_LEVEL);
    if (!z)
        return err_set(e, "%s: cannot compress: out of memory", name);
    size_t room = libdeflate_gzip_compress_bound(z, n);
    *out = mem_alloc(room, 1);
    *size = libdeflate_gzip_compress(z, p, n, *out, room);
    libdeflate_free_compressor(z);
    return 0;
}

/* --- opening --- */

struct store *store_memory(void)
{
    struct store *s = mem_zero(1, sizeof *s);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static bool has_mark(const char *folder)
{
    char *mark = mem_printf("%s/" MARK, folder);
    bool there = access(mark, F_OK) == 0;
    free(mark);
    return there;
}

/* Calls `each` with the path of every file of a folder, until it returns -1. */
static int each_file(const char *folder, int (*each)(const char *path))
{
    DIR *d = opendir(folder);
    if (!d)
        return -1;
    int r = 0;
    for (struct dirent *f; r == 0 && (f = readdir(d));) {
        if (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0)
            continue;
        char *path = mem_printf("%s/%s", folder, f->d_name);
        r = each(path);
        free(path);
    }
    int code = errno;
    closedir(d);
    errno = code;
    return r;
}

static int any(const char *path)
{
    (void)path;
    return -1;
}

static void remove_folder(const char *folder)
{
    if (each_file(folder, unlink) == 0)
        (void)rmdir(folder);
}

/* Whether a folder may be replaced. */
static int check_folder(const char *folder, struct err *e)
{
    struct stat st;
    if (lstat(folder, &st) != 0)
        return errno == ENOENT ? 0 : err_errno(e, "%s", folder);
    if (!S_ISDIR(st.st_mode) || (!has_mark(folder) && each_file(folder, any) != 0))
        return err_set(
            e, "%s: expected no such file, or a folder of an earlier page, found another", folder);
    return 0;
}

int store_folder(struct store **store, const char *folder, const char *stamp, struct err *e)
{
    if (check_folder(folder, e) != 0)
        return -1;
    struct store *s = store_memory();
    s->folder = mem_dup(folder);
    s->stamp = mem_dup(stamp);
    s->unfinished = mem_printf("%s.tmp-%ld", folder, (long)getpid());
    /* Of a process of this number that was killed. */
    if (has_mark(s->unfinished))
        remove_folder(s->unfinished);
    bool made = mkdir(s->unfinished, 0777) == 0;
    if (!made || out_folder(s->unfinished) != 0) {
        err_record_errno(e, "%s", s->unfinished);
        if (made)
            (void)rmdir(s->unfinished);
        free(s->unfinished);
        s->unfinished = NULL;
        store_drop(s);
        return -1;
    }
    struct out *o;
    char *mark = mem_printf("%s/" MARK, s->unfinished);
    int r = out_open(&o, mark, e);
    free(mark);
    if (r == 0 && (r = out_write(o, mark_text, strlen(mark_text), e)) != 0)
        out_abort(o);
    else if (r == 0)
        r = out_close(o, e);
    if (r != 0)
        store_drop(s);
    else
        *store = s;
    return r;
}

/* --- pieces --- */

static void count(struct store *s, size_t n)
{
    pthread_mutex_lock(&s->lock);
    s->bytes += n;
    pthread_mutex_unlock(&s->lock);
}

/* Takes the name and the text. */
static void keep(struct store *s, struct piece p)
{
    pthread_mutex_lock(&s->lock);
    s->piece = mem_extend(s->piece, s->pieces, s->pieces + 1, sizeof *s->piece);
    s->piece[s->pieces++] = p;
    s->bytes += p.n;
    pthread_mutex_unlock(&s->lock);
}

static int write_file(struct store *s, const char *name, const void *p, size_t n, struct err *e)
{
    struct out *o;
    char *path = mem_printf("%s/%s", s->unfinished, name);
    int r = out_open(&o, path, e);
    free(path);
    if (r != 0)
        return -1;
    if (out_write(o, p, n, e) != 0) {
        out_abort(o);
        return -1;
    }
    count(s, n);
    return out_close(o, e);
}

/* The byte order mark tells any browser what the script is written in. */
static int write_script(struct store *s, const char *name, const uint8_t *p, size_t n,
                        struct err *e)
{
    static const char after[] = "\");\n";
    char *file = mem_printf("%s.js", name);
    char *before = mem_printf("heatpipePiece(\"%s\",\"%s\",%zu,\"", name, s->stamp, n);
    size_t length = 1 + strlen(before) + wide_length(n) + strlen(after);
    uint16_t *text = mem_alloc(length, sizeof *text);
    text[0] = 0xfeff;
    uint16_t *data = wide_text(text + 1, before);
    wide(data, p, n);
    (void)wide_text(data + wide_length(n), after);
    int r = write_file(s, file, text, length * sizeof *text, e);
    free(text);
    free(before);
    free(file);
    return r;
}

int store_piece(struct store *s, const char *name, enum store_kind kind, const void *p, size_t n,
                struct err *e)
{
    uint8_t *packed;
    size_t size, length;
    if (compress_bytes(p, n, kind, &packed, &size, name, e) != 0)
        return -1;
    int r = 0;
    if (s->unfinished) {
        r = write_script(s, name, packed, size, e);
    } else {
        char *text = base64(packed, size, &length);
        keep(s, (struct piece){mem_dup(name), text, length});
    }
    free(packed);
    return r;
}

int store_picture(struct store *s, const char *name, const char *ending, const void *p, size_t n,
                  struct err *e)
{
    if (!s->unfinished) {
        size_t length;
        char *text = base64(p, n, &length);
        keep(s, (struct piece){mem_dup(name), text, length});
        return 0;
    }
    char *file = mem_printf("%s.%s", name, ending);
    int r = write_file(s, file, p, n, e);
    free(file);
    return r;
}

size_t store_bytes(const struct store *s)
{
    return s->bytes;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct piece *)a)->name, ((const struct piece *)b)->name);
}

void store_each(const struct store *s, void *self,
                void (*each)(void *self, const char *name, const char *text, size_t n))
{
    if (s->pieces > 0)
        qsort(s->piece, s->pieces, sizeof *s->piece, by_name);
    for (size_t i = 0; i < s->pieces; i++)
        each(self, s->piece[i].name, s->piece[i].text, s->piece[i].n);
}

void store_forget(struct store *s, const char *name)
{
    pthread_mutex_lock(&s->lock);
    size_t i = 0;
    while (i < s->pieces && strcmp(s->piece[i].name, name) != 0)
        i++;
    if (i < s->pieces) {
        s->bytes -= s->piece[i].n;
        free(s->piece[i].name);
        free(s->piece[i].text);
        s->piece[i] = s->piece[--s->pieces];
    }
    pthread_mutex_unlock(&s->lock);
}

/* --- the end --- */

int store_publish(struct store *s, struct err *e)
{
    if (check_folder(s->folder, e) != 0)
        return -1;
    char *old = mem_printf("%s.old-%ld", s->folder, (long)getpid());
    bool replaced = rename(s->folder, old) == 0;
    int r = 0;
    if (!replaced && errno != ENOENT)
        r = err_errno(e, "%s", s->folder);
    else if (rename(s->unfinished, s->folder) != 0)
        r = err_errno(e, "%s", s->folder);
    if (r != 0 && replaced)
        (void)rename(old, s->folder);
    if (r == 0) {
        out_folder_renamed(s->folder);
        free(s->unfinished);
        s->unfinished = NULL;
        if (replaced)
            remove_folder(old);
    }
    free(old);
    return r;
}

void store_drop(struct store *s)
{
    if (!s)
        return;
    if (s->unfinished)
        remove_folder(s->unfinished);
    if (s->folder)
        (void)!out_folder(NULL);
    for (size_t i = 0; i < s->pieces; i++) {
        free(s->piece[i].name);
        free(s->piece[i].text);
    }
    free(s->piece);
    free(s->folder);
    free(s->unfinished);
    free(s->stamp);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
