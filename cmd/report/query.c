/* A selection in words as the address of a view: "class 42 conf>0.9 sort=-conf" as
 * "explorer.html#class/42?where=conf%3E0.9&sort=-conf". */
#include "explorer.h"

#include "words.h"

#include "base/mem.h"
#include "base/prog.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The views, and how many numbers follow their names. */
static const struct view {
    const char *name;
    int numbers;
} views[] = {
    {"overview", 0}, {"grid", 0},  {"matrix", 0},  {"classes", 0}, {"class", 1},
    {"pair", 2},     {"image", 1}, {"scatter", 0}, {"tags", 0},    {"about", 0},
};
#define VIEW_WORDS "overview|grid|matrix|classes|class|pair|image|scatter|tags|about"

/* What else an address may say, beside conditions. */
static const char *const settings[] = {"sort", "map", "size", "part", "order", "rates",
                                       "x",    "y",   "area", "by",   "other", "cells"};

/* The next word, in which blanks between double quotes belong to it; NULL at the end. */
static char *next_word(const char **s)
{
    while (isspace((unsigned char)**s))
        ++*s;
    if (!**s)
        return NULL;
    char *word = mem_alloc(strlen(*s) + 1, 1), *q = word;
    for (bool quoted = false; **s && (quoted || !isspace((unsigned char)**s)); ++*s) {
        if (**s == '"')
            quoted = !quoted;
        else
            *q++ = **s;
    }
    *q = '\0';
    return word;
}

static void put_encoded(const char *s)
{
    for (; *s; s++) {
        if (isalnum((unsigned char)*s) || strchr("-_.~", *s))
            words_raw(s, 1);
        else
            words_put("%%%02X", (unsigned char)*s);
    }
}

static const struct view *find_view(const char *word)
{
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        if (strcmp(views[i].name, word) == 0)
            return &views[i];
    return NULL;
}

/* Length of the column at the beginning of a condition, 0 where it is none. */
static size_t column_length(const char *word)
{
    size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
    return strchr("=<>!~", word[n]) && word[n] ? n : 0;
}

static bool is_setting(const char *word, size_t n)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strlen(settings[i]) == n && memcmp(settings[i], word, n) == 0 && word[n] == '=')
            return true;
    return false;
}

/* A condition must be one that the page can follow. */
static void check_condition(const char *word, size_t n)
{
    const char *op = word + n;
    size_t length =
        strncmp(op, "!=", 2) == 0 || strncmp(op, "<=", 2) == 0 || strncmp(op, ">=", 2) == 0 ? 2 : 1;
    if (*op == '!' && length == 1)
        prog_usage("--open: expected one of = != < <= > >= ~ in a condition, found '%s'", word);
    if (*op == '<' || *op == '>') {
        char *end;
        (void)strtod(op + length, &end);
        if (end == op + length || *end)
            prog_usage("--open: expected a number behind %.*s, found '%s'", (int)length, op,
                       op + length);
    }
}

static void put_view(const struct view *v, const char **query)
{
    words_put("#%s", v->name);
    for (int i = 0; i < v->numbers; i++) {
        char *word = next_word(query);
        if (!word || !*word || strspn(word, "0123456789") != strlen(word))
            prog_usage("--open: %s: expected a number, found '%s'", v->name, word ? word : "");
        words_put("/%s", word);
        free(word);
    }
}

void explorer_open(const char *query, const char *page)
{
    const char *rest = query;
    char *word = next_word(&rest);
    const struct view *v = word ? find_view(word) : NULL;
    if (word && !v && column_length(word) == 0) {
        struct nearest near = {.word = word, .n = strlen(word)};
        nearest_offer_all(&near, VIEW_WORDS, '|');
        prog_usage_word(&near, "", "--open: expected a view (%s) or a condition, found '%s'",
                        VIEW_WORDS, word);
    }
    words_open("-");
    words_raw(page, strlen(page));
    put_view(v ? v : find_view("grid"), &rest);
    if (v) {
        free(word);
        word = next_word(&rest);
    }
    for (char mark = '?'; word; mark = '&', word = next_word(&rest)) {
        size_t n = column_length(word);
        if (n == 0)
            prog_usage("--open: expected a condition such as conf>0.9, found '%s'", word);
        words_raw(&mark, 1);
        if (is_setting(word, n)) {
            words_raw(word, n + 1);
            put_encoded(word + n + 1);
        } else {
            check_condition(word, n);
            words_put("%s", "where=");
            put_encoded(word);
        }
        free(word);
    }
    words_raw("\n", 1);
    words_close();
}
