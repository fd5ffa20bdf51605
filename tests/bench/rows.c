/* rows COUNT [FIRST [STEP [CLASSES]]]: rows as cifar-predict writes them, of the ids FIRST,
 * FIRST + STEP, ...: a row depends on its id alone, so that the rows of N shards are those of one
 * run. Prints several million rows per second. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 1 << 14, ROW = 512, BUFFER = 1 << 20 };

static struct {
    char text[ROW]; /* a row behind its id */
    size_t n;
} kind[KINDS];

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 29) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 32;
}

/* From 0 to 1. */
static double real(uint64_t *state)
{
    *state = mix(*state + UINT64_C(0x9e3779b97f4a7c15));
    return (double)(*state >> 11) / 9007199254740992.0;
}

static void make_kind(int k, int classes)
{
    uint64_t state = (uint64_t)k;
    int truth = (int)(real(&state) * classes), wrong = real(&state) < 1. / 6;
    int pred = wrong ? (truth + 1 + (int)(real(&state) * (classes - 1))) % classes : truth;
    double doubt = real(&state), conf = 1 - doubt * doubt * doubt;
    double p_true = wrong ? (1 - conf) * real(&state) : conf;
    int n = snprintf(kind[k].text, ROW,
                     "\t%d\t%d\t%d\t%.9g\t%.9g\t%d\t%.9g\t%.9g\t%.9g\tclass_%d\tclass_%d\tgroup_%d"
                     "\tgroup_%d\t%d\t%d\t%d\t%d\t%.9g\t%.9g\t%.9g\t%.9g\n",
                     truth, pred, !wrong, conf, p_true, wrong ? 2 + (int)(real(&state) * 5) : 1,
                     8 * real(&state) - 2, 2 * real(&state), 5 * real(&state) + 1e-7, truth, pred,
                     truth / 5, pred / 5, (pred + 1) % classes, (pred + 2) % classes,
                     (pred + 3) % classes, (pred + 4) % classes, real(&state) / 5, real(&state) / 9,
                     real(&state) / 20, real(&state) / 50);
    kind[k].n = n > 0 && n < ROW ? (size_t)n : 0;
}

static char *put_id(char *to, int64_t id)
{
    char digits[20];
    int n = 0;
    do
        digits[n++] = (char)('0' + id % 10);
    while ((id /= 10) > 0);
    while (n > 0)
        *to++ = digits[--n];
    return to;
}

int main(int argc, char **argv)
{
    static char buffer[BUFFER + ROW + 32];
    char *to = buffer;
    if (argc < 2)
        return 2;
    int64_t count = atoll(argv[1]), first = argc > 2 ? atoll(argv[2]) : 0,
            step = argc > 3 ? atoll(argv[3]) : 1;
    int classes = argc > 4 ? atoi(argv[4]) : 100;
    for (int k = 0; k < KINDS; k++)
        make_kind(k, classes);
    to = stpcpy(to,
                "id\ttrue\tpred\tcorrect\tconf\tp_true\trank_true\tmargin\tentropy\tloss\ttrue_name"
                "\tpred_name\ttrue_group\tpred_group\tpred2\tpred3\tpred4\tpred5\tconf2\tconf3"
                "\tconf4\tconf5\n");
    for (int64_t i = 0, id = first; i < count; i++, id += step) {
        int k = (int)(mix((uint64_t)id) % KINDS);
        to = put_id(to, id);
        memcpy(to, kind[k].text, kind[k].n);
        to += kind[k].n;
        if (to - buffer >= BUFFER) {
            if (fwrite(buffer, 1, (size_t)(to - buffer), stdout) == 0)
                return 1;
            to = buffer;
        }
    }
    return fwrite(buffer, 1, (size_t)(to - buffer), stdout) == (size_t)(to - buffer) ? 0 : 1;
}
