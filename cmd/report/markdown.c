/* A collected text as Markdown, for comments on a pull request: what is a name or a number there
 * stays one here, whatever characters it holds. */
#include "advice.h"
#include "phrases.h"
#include "report.h"

#include "words.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void put_blanks(int n)
{
    for (; n > 0; n--)
        words_raw(" ", 1);
}

/* What a renderer may take for markup, a mention, a reference or a link. */
static void put_escaped(const char *s)
{
    bool begins = true;
    for (const char *p = s; *p; p++) {
        bool number = begins && isdigit((unsigned char)*p);
        if (*p == '&' || *p == '<' || *p == '>')
            words_put("%s", *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : "&gt;");
        else if (strchr("\\`*_{}[]|~$^", *p))
            words_put("\\%c", *p);
        else if (*p == '@' || *p == '#')
            words_put("%c<!-- -->", *p);
        else if (strncmp(p, "://", 3) == 0)
            words_put(":<!-- -->");
        else if (*p == '.' && p - s >= 3 && strncmp(p - 3, "www", 3) == 0)
            words_put("<!-- -->.");
        else if ((p == s && strchr("-+=", *p)) ||
                 (begins && p > s && (*p == '.' || *p == ')') && isdigit((unsigned char)p[-1])))
            words_put("\\%c", *p);
        else
            words_raw(p, 1);
        begins = number;
    }
}

static void put_paragraph(const struct words_block *b)
{
    char *plain = words_plain(b->text);
    words_put("\n%s", b->mark);
    put_blanks(b->indent - words_width(b->mark));
    put_escaped(plain);
    words_put("\n");
    free(plain);
}

/* The longest run of backquotes in lines, which the fence must be longer than. */
static size_t longest_run(const struct words_block *b, size_t n)
{
    size_t longest = 0;
    for (size_t i = 0; i < n; i++)
        for (const char *p = b[i].text; *p; p++) {
            size_t run = strspn(p, "`");
            longest = run > longest ? run : longest;
        }
    return longest;
}

/* Lines as they are aligned, inside the item that they belong to. */
static void put_lines(const struct words_block *b, size_t n, int indent)
{
    size_t run = longest_run(b, n), fence = run < 3 ? 3 : run + 1, least = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        size_t blanks = strspn(b[i].text, " ");
        least = blanks < least ? blanks : least;
    }
    words_put("\n");
    for (size_t i = 0; i < n + 2; i++) {
        put_blanks(indent);
        if (i == 0 || i == n + 1)
            for (size_t k = 0; k < fence; k++)
                words_put("`");
        else
            for (const char *p = b[i - 1].text + least; *p; p++)
                words_raw(*p == *WORDS_NB ? " " : p, 1);
        words_put("\n");
    }
}

static void write_collected(void)
{
    size_t n;
    const struct words_block *b = words_collected(&n);
    int indent = 0;
    for (size_t i = 0; i < n; i++) {
        size_t lines = 0;
        switch (b[i].kind) {
        case WORDS_TITLE:
        case WORDS_SECTION:
            words_put("%s%s ", i > 0 ? "\n" : "", b[i].kind == WORDS_TITLE ? "#" : "##");
            put_escaped(b[i].text);
            words_put("\n");
            indent = 0;
            break;
        case WORDS_PARA:
            put_paragraph(&b[i]);
            indent = b[i].indent;
            break;
        case WORDS_LINE:
            while (i + lines < n && b[i + lines].kind == WORDS_LINE)
                lines++;
            put_lines(&b[i], lines, indent);
            i += lines - 1;
            break;
        case WORDS_GAP:
            indent = 0;
            break;
        }
    }
    words_forget();
}

void markdown_write(const struct known *k)
{
    struct advice a;
    words_open("-");
    summary_make(k);
    advice_make(&a, k);
    advice_free(&a);
    about_write(&k->about);
    say_files(&k->about);
    write_collected();
    words_close();
}
