/* Summary, recommendations and findings as JSON, for scripts: the sentences of the texts, and the
 * numbers under the names of findings.tsv. */
#include "advice.h"
#include "report.h"
#include "words.h"

#include "base/text.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* jansson takes UTF-8 alone. */
static json_t *text(const char *s)
{
    char *plain = words_plain(s), *clean = text_clean(plain, '?');
    json_t *j = json_string(clean);
    free(plain);
    free(clean);
    return j ? j : json_null();
}

static json_t *count(int64_t n)
{
    return n < 0 ? json_null() : json_integer(n);
}

static json_t *real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

/* --- texts --- */

/* What is collected, as sections; forgets it. What stands before the first has no title. */
static json_t *sections(void)
{
    size_t n;
    const struct words_block *b = words_collected(&n);
    json_t *all = json_array(), *lines = NULL;
    for (size_t i = 0; i < n; i++) {
        bool titled = b[i].kind == WORDS_SECTION;
        if (b[i].kind == WORDS_TITLE || b[i].kind == WORDS_GAP)
            continue;
        if (!lines || titled) {
            json_t *section = json_object();
            lines = json_array();
            json_object_set_new(section, "title", titled ? text(b[i].text) : json_null());
            json_object_set_new(section, "text", lines);
            json_array_append_new(all, section);
        }
        if (!titled)
            json_array_append_new(lines, text(b[i].text));
    }
    words_forget();
    return all;
}

/* --- findings --- */

static json_t *finding(const struct finding *f)
{
    json_t *j = json_object(), *examples = json_array();
    const char *verdict = finding_verdict(f);
    json_object_set_new(j, "value", real(f->value));
    json_object_set_new(j, "count", count(f->count));
    json_object_set_new(j, "of", count(f->of));
    json_object_set_new(j, "low", real(f->low));
    json_object_set_new(j, "high", real(f->high));
    json_object_set_new(j, "baseline", real(f->baseline));
    json_object_set_new(j, "p", real(f->p));
    json_object_set_new(j, "verdict", verdict ? json_string(verdict) : json_null());
    for (int i = 0; i < f->examples.n; i++)
        json_array_append_new(examples, json_integer(f->examples.id[i]));
    json_object_set_new(j, "examples", examples);
    return j;
}

/* The classes or pairs of a finding. */
static void add_items(json_t *to, enum finding_id id, const struct found_list *items,
                      const struct classes *c)
{
    json_t *list = json_array();
    for (int i = 0; i < items->n; i++) {
        const struct found *it = &items->at[i];
        json_t *j = finding(&it->f);
        json_object_set_new(j, "class", json_integer(it->cls));
        json_object_set_new(j, "class_name", text(c->row[it->cls].text));
        if (it->to >= 0) {
            json_object_set_new(j, "to", json_integer(it->to));
            json_object_set_new(j, "to_name", text(c->row[it->to].text));
        }
        json_array_append_new(list, j);
    }
    json_object_set_new(json_object_get(to, finding_name(id)), "items", list);
}

static json_t *findings(const struct known *k)
{
    const struct findings *f = &k->findings;
    const struct classes *c = &k->tables.classes;
    json_t *all = json_object();
    for (int i = 0; i < FINDINGS; i++)
        json_object_set_new(all, finding_name((enum finding_id)i), finding(&f->of[i]));
    add_items(all, FIND_CLASS_ORDER, &f->moved, c);
    add_items(all, FIND_WEAK_CLASSES, &f->weak, c);
    add_items(all, FIND_ONE_WAY, &f->one_way, c);
    add_items(all, FIND_OVERPREDICTED, &f->overpredicted, c);
    add_items(all, FIND_SLICES, &f->slices, c);
    return all;
}

/* --- recommendations --- */

static json_t *recommendations(const struct advice *a)
{
    json_t *all = json_array();
    for (int i = 0; i < a->n; i++) {
        const struct recommendation *r = &a->at[i];
        json_t *j = json_object(), *list = json_array();
        char *measured = advice_evidence(r);
        for (int k = 0; r->list[k]; k++)
            json_array_append_new(list, text(r->list[k]));
        json_object_set_new(j, "errors", count(r->errors));
        json_object_set_new(j, "do", text(r->doing));
        json_object_set_new(j, "finding", json_string(finding_name(r->finding)));
        json_object_set_new(j, "measured", text(measured));
        json_object_set_new(j, "list", list);
        json_object_set_new(j, "it_worked_if", text(r->worked));
        json_array_append_new(all, j);
        free(measured);
    }
    return all;
}

/* --- the whole --- */

static json_t *run(const struct about *about)
{
    json_t *all = json_object();
    for (int i = 0; i < about->facts; i++)
        if (strcmp(about->fact[i].name, "warning") != 0)
            json_object_set_new(all, about->fact[i].name, text(about->fact[i].value));
    return all;
}

static json_t *warnings(const struct about *about)
{
    json_t *all = json_array();
    for (int i = 0; i < about->facts; i++)
        if (strcmp(about->fact[i].name, "warning") == 0)
            json_array_append_new(all, text(about->fact[i].value));
    return all;
}

static json_t *files(const struct about *about)
{
    json_t *all = json_array();
    for (int i = 0; i < about->files.n; i++)
        json_array_append_new(all, text(about->files.name[i]));
    return all;
}

void json_write(const struct known *k)
{
    struct advice a;
    json_t *all = json_object();
    words_open("-");
    json_object_set_new(all, "run", run(&k->about));
    json_object_set_new(all, "warnings", warnings(&k->about));
    summary_make(k);
    json_object_set_new(all, "summary", sections());
    advice_make(&a, k);
    json_object_set_new(all, "recommendations", recommendations(&a));
    json_object_set_new(all, "sections", sections());
    json_object_set_new(all, "findings", findings(k));
    json_object_set_new(all, "files", files(&k->about));
    char *s = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    words_raw(s, strlen(s));
    words_raw("\n", 1);
    free(s);
    json_decref(all);
    advice_free(&a);
    words_close();
}
