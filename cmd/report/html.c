#include "html.h"

#include "base/mem.h"
#include "base/prog.h"
#include "draw/sheet_file.h"
#include "phrases.h"
#include "words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { SLICES_MOST = 1000 }; /* sheets that are looked for */

void put(const char *s)
{
    words_raw(s, strlen(s));
}

void put_text(const char *s)
{
    for (; *s; s++) {
        const char *escaped = *s == '&'         ? "&amp;"
                              : *s == '<'       ? "&lt;"
                              : *s == '>'       ? "&gt;"
                              : *s == '"'       ? "&quot;"
                              : *s == '\''      ? "&#39;"
                              : *s == *WORDS_NB ? "&nbsp;"
                                                : NULL;
        if (escaped)
            put(escaped);
        else
            words_raw(s, 1);
    }
}

static const struct part *part_find(const struct part *parts, const char *name, size_t n)
{
    for (const struct part *p = parts; p->name; p++)
        if (strlen(p->name) == n && memcmp(p->name, name, n) == 0)
            return p;
    prog_die(PROG_ERROR, "no such part of a page: '%.*s'", (int)n, name);
}

void page_write(const char *frame, const struct part *parts, const struct page *page)
{
    for (const char *mark; (mark = strstr(frame, "{{"));) {
        const char *name = mark + 2, *end = strstr(name, "}}");
        words_raw(frame, (size_t)(mark - frame));
        const struct part *part = part_find(parts, name, (size_t)(end - name));
        if (part->asset)
            put(part->asset);
        else
            part->write(page);
        frame = end + 2;
    }
    put(frame);
}

void put_name(const char *shown)
{
    put("<bdi>");
    put_text(shown);
    put("</bdi>");
}

static void put_warning(const char *text)
{
    put("<p class=\"warning\"><b>Warning:</b> ");
    put_text(text);
    put("</p>\n");
}

void put_warnings(const struct page *p)
{
    const struct about *a = &p->known->about;
    char doubt[400];
    for (int i = 0; i < a->facts; i++) {
        if (strcmp(a->fact[i].name, "warning") != 0)
            continue;
        put_warning(a->fact[i].value);
    }
    say_doubt(doubt, sizeof doubt, &p->known->findings);
    if (*doubt)
        put_warning(doubt);
}

void put_about(const struct page *p)
{
    const struct about *a = &p->known->about;
    bool begun = false;
    for (int i = 0; i < a->facts; i++) {
        if (strcmp(a->fact[i].name, "warning") == 0)
            continue;
        if (!begun)
            put("<h2 id=\"about\">About this run</h2>\n<dl class=\"about\">\n");
        begun = true;
        put("<dt>");
        put_text(about_label(a->fact[i].name));
        put("</dt><dd>");
        put_text(a->fact[i].value);
        const char *note = about_note(a->fact[i].name);
        if (note) {
            put(" (");
            put_text(note);
            put(")");
        }
        put("</dd>\n");
    }
    if (begun)
        put("</dl>");
}

void put_overall(const struct page *p)
{
    const struct classes *c = &p->known->tables.classes;
    const struct finding *accuracy = &p->known->findings.of[FIND_ACCURACY];
    const struct finding *top5 = &p->known->findings.of[FIND_TOP5];
    int with_images = p->known->findings.with_images;
    words_put("%" PRId64 " image%s, %d class%s", c->total, c->total == 1 ? "" : "s", c->present,
              c->present == 1 ? "" : "es");
    if (c->superclasses > 1)
        words_put(" in %d superclasses", c->superclasses);
    if (with_images < c->present)
        words_put(", %d with images", with_images);
    if (p->known->tables.summary.unlabelled > 0)
        words_put("; %.0f without a label are ignored", p->known->tables.summary.unlabelled);
    if (accuracy->verdict == VERDICT_NONE) {
        put(".");
        return;
    }
    words_put("; accuracy %.2f&nbsp;%% (%" PRId64 " correct, chance %.2f&nbsp;%%)",
              100 * accuracy->value, accuracy->count, 100 * accuracy->baseline);
    if (top5->verdict != VERDICT_NONE)
        words_put(", top-5 accuracy %.2f&nbsp;%%", 100 * top5->value);
    put(".");
}

/* A sheet and its further pages. */
static void put_sheet(const struct page *p, const char *file, const char *label)
{
    for (int n = 1;; n++) {
        char *sheet = sheet_page_file(file, n);
        bool there = file_list_has(&p->known->about.files, sheet);
        if (there && n == 1)
            words_put("<a href=\"%s\">%s</a>\n", sheet, label);
        else if (there)
            words_put("<a href=\"%s\">page %d</a>\n", sheet, n);
        free(sheet);
        if (!there)
            break;
    }
}

/* The sheets of groups of similar errors, "slice_s1.png": not each group has one. */
static void put_slices(const struct page *p)
{
    const struct file_list *l = &p->known->about.files;
    const char *first;
    int left = file_list_count(l, "slice_s", &first);
    for (int n = 1, shown = 0; shown < left && n <= SLICES_MOST; n++) {
        char *sheet = mem_printf("slice_s%d.png", n);
        if (file_list_has(l, sheet)) {
            words_put("<a href=\"%s\">%ss%d</a>\n", sheet, shown ? "" : "Similar errors: ", n);
            shown++;
        }
        free(sheet);
    }
}

void put_links(const struct page *p)
{
    static const char *const link[][2] = {
        {"explorer.html", "Explorer"},
        {"analysis_summary.txt", "Summary"},
        {"recommendations.txt", "Recommendations"},
        {"per_class_accuracy_interactive.html", "Accuracy as bars"},
        {"confusion_matrix_full.png", "Confusion matrix"},
        {"top_confused_pairs.png", "Pairs as bars"},
        {"reliability_diagram.png", "Reliability"},
        {"faithfulness.png", "What the maps are worth"},
    };
    static const char *const csv[] = {"per_class_accuracy.csv", "most_confused_pairs.csv",
                                      "confident_errors.csv"};
    for (size_t i = 0; i < sizeof link / sizeof *link; i++)
        if (file_list_has(&p->known->about.files, link[i][0]) && strcmp(link[i][0], p->file) != 0)
            words_put("<a href=\"%s\">%s</a>\n", link[i][0], link[i][1]);
    put_sheet(p, "confident_errors.png", "Errors of highest confidence");
    put_sheet(p, "review_labels.png", "Labels to review");
    put_slices(p);
    for (size_t i = 0; i < sizeof csv / sizeof *csv; i++)
        if (file_list_has(&p->known->about.files, csv[i]))
            words_put("<a href=\"%s\">%s</a>\n", csv[i], csv[i]);
}

const char *html_band(const struct class_row *c)
{
    static const char *const word[ACCURACY_BANDS] = {[ACCURACY_BAND_NONE] = "none",
                                                     [ACCURACY_BAND_LOW] = "low",
                                                     [ACCURACY_BAND_MID] = "mid",
                                                     [ACCURACY_BAND_HIGH] = "high"};
    return word[class_band(c)];
}

bool html_linked(const struct page *p, const char *file)
{
    return p->known->about.files.n == 0 || file_list_has(&p->known->about.files, file);
}
