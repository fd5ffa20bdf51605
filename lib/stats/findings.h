/* What a run shows: measurements, each with the level that chance gives and a verdict
 * under a condition, and images to look at. Texts phrase them and compute nothing. */
#ifndef HP_FINDINGS_H
#define HP_FINDINGS_H

#include "stats/calibration.h"
#include "stats/examples.h"
#include "stats/tables.h"

#include <stdbool.h>
#include <stdint.h>

/* Every test is at this level, after correction for the number of its kind (Holm). */
#define FINDINGS_LEVEL 0.01

/* A difference between two sets of maps matters from the first on; what is small, medium
 * and large is Vargha and Delaney's. */
#define DIFFERENCE_SMALL 0.56
#define DIFFERENCE_MEDIUM 0.64
#define DIFFERENCE_LARGE 0.71

/* When a measurement is worth a recommendation. */
#define ABOVE_CHANCE 0.10      /* of the way from chance to all correct (Cohen's kappa) */
#define MOVED_SHARE 0.50       /* of the images of a class, predicted as one other class */
#define SUPERCLASS_SHARE 0.10  /* of the errors inside superclasses */
#define CALIBRATION_ECE 0.02   /* calibration error */
#define CALIBRATION_PART 0.01  /* of it from bins on one side of the accuracy */
#define REJECT_GAIN 0.01       /* accuracy won by rejecting predictions of low confidence */
#define PAIRS_SHARE 0.25       /* of the errors in a few pairs */
#define PAIRS_LITTLE 0.10      /* of the errors in a pair: less gains little */
#define WEAK_CLASS 0.50        /* accuracy of a class */
#define OVERPREDICTED 1.25     /* predictions of a class for each of its images */
#define ZERO_SHARE 0.10        /* of the errors whose true class's map is mostly zero, and */
                               /* twice the odds of the predicted class in correct ones */
#define OVERLAP_LOW_SHARE 0.25 /* of the errors with maps apart */
enum {
    FINDINGS_FEW = 20, /* fewer images, or maps on a side, are not compared */
    FEW_PAIRS = 5,     /* these are few, however many others occur */
    TOP5_CLASSES = 6
};

enum verdict {
    VERDICT_NONE, /* has no meaning here, or is not known */
    VERDICT_FEW,  /* too few images to tell */
    VERDICT_NO,   /* does not hold */
    VERDICT_YES
};

/* NaN and -1 where there is none. */
struct finding {
    enum verdict verdict;
    double value;
    int64_t count, of;
    double low, high; /* 95 % interval of count / of, or of a value that is not counted */
    double baseline;  /* of the value: what chance, or the other side, gives */
    double p;         /* corrected */

    /* Of the images that count, or that the rows of the list are about; none where it is not
     * about single images. */
    struct examples examples;
};

enum finding_id {
    /* Whether the model does what it was trained for, so that its errors mean something:
     * better than chance, and most errors are not those of another class order. */
    FIND_WORKS,
    FIND_ACCURACY,
    FIND_CLASS_ORDER,
    FIND_TOP5,
    FIND_SUPERCLASS,
    FIND_CLASSES_DIFFER,
    FIND_WEAK_CLASSES,
    FIND_SAME_SUPERCLASS,
    FIND_FEW_PAIRS,
    FIND_ONE_WAY,
    FIND_OVERPREDICTED,
    FIND_CALIBRATION,
    FIND_OVERCONFIDENT,
    FIND_UNDERCONFIDENT,
    /* The temperature, and the calibration error on images that it was not fitted to. */
    FIND_TEMPERATURE,
    FIND_TEMPERATURE_ECE,
    /* Labels that label-check flags, and the accuracy without these images. */
    FIND_FLAGGED_LABELS,
    FIND_ACCURACY_UNFLAGGED,
    FIND_HIGHEST_ERRORS,
    FIND_REJECT_LOW,
    FIND_BLANK,
    FIND_BLANK_TRUE,
    FIND_PLACES,
    FIND_ZERO_TRUE,
    FIND_UNSTABLE,
    FIND_AT_BORDER,
    FIND_BORDER,
    FIND_ENTROPY,
    FIND_OFF_CENTER,
    FIND_OVERLAP_HIGH,
    FIND_OVERLAP_LOW,
    FIND_OVERLAP_CONFIDENT,
    /* Whether the two maps of an error overlap more than one and the mirror image of the other. */
    FIND_OVERLAP_CHANCE,
    /* Errors that turn to the true class when the cells are deleted that favour the wrong one. */
    FIND_TURNED,
    /* Slices that are confirmed and told from chance; columns that go with errors, and those that
       tell the class. */
    FIND_SLICES,
    FIND_COLUMN_ERRORS,
    FIND_COLUMN_CLASS,
    /* Images that are there again, pairs of them under two labels, and those of the training set;
     * the accuracy without them. */
    FIND_DUPLICATES,
    FIND_ACCURACY_DISTINCT,
    FIND_TWO_LABELS,
    FIND_TRAINING_IMAGES,
    FIND_ACCURACY_NEW,
    FINDINGS
};

/* What findings.tsv calls it. */
const char *finding_name(enum finding_id id);

/* "yes", "no", "few", or NULL for none. */
const char *finding_verdict(const struct finding *f);

/* A class, or a pair of classes, that a finding is about. */
struct found {
    int cls;
    int to; /* -1 where there is one class */
    struct finding f;
    int64_t errors; /* that it is about; of FIND_ONE_WAY those of the other way */
};

struct found_list {
    int n;
    struct found *at; /* [n] those with the verdict yes, the largest first */
    int64_t errors;   /* of all */
};

/* The most frequent pairs that occur more than once, at most PAIRS_TOP. */
struct top_pairs {
    int n;
    int same;          /* inside one superclass; 0 where unknown */
    int across;        /* across two superclasses; 0 where unknown */
    int mutual;        /* the reverse is at least half as frequent */
    int reverse_known; /* of how many the reverse is known */
    int64_t errors;    /* that they hold */
    int64_t tied;      /* pairs beyond them with the count of the last */
    bool at_most_half; /* of all pairs */
};

/* The fewest pairs that hold half of the errors, with those that are nearly as frequent. */
struct few_pairs {
    int n;          /* the first of the table, at most those of top_pairs */
    int64_t errors; /* that they hold */
    double possible;
    bool all;    /* they are all pairs there are */
    bool little; /* correcting the most frequent one gains less than PAIRS_LITTLE */
};

/* The weak classes together. */
struct weak_classes {
    double others; /* accuracy of the other classes */
    double gain;   /* of the whole, if theirs were that */
};

enum difference_size { DIFFERENCE_IS_SMALL, DIFFERENCE_IS_MEDIUM, DIFFERENCE_IS_LARGE };

/* The second set of maps against the first; see spread_test. */
struct difference {
    int64_t n[2];
    double median[2];
    double larger; /* probability that the second is larger */
    bool more;     /* it is above one half */
    enum difference_size size;
};

struct findings {
    struct finding of[FINDINGS];
    struct found_list weak, one_way, overpredicted, moved;
    struct found_list slices; /* in the order of their table; `to` is the most frequent error */
    int with_images;          /* classes */
    int classes_tested;       /* of FIND_WEAK_CLASSES */
    int below_half;           /* classes with images and an accuracy below WEAK_CLASS */
    double below_images;      /* that each of these has, on average */
    bool superclasses;        /* they divide the classes: some are together, some apart */
    int offset;               /* predicted less true class ID where all moved classes agree, or 0 */
    int moved_classes;        /* classes that are mostly predicted as one other */
    int only_predicted;       /* the class that all images are predicted as, or -1 */
    bool one_cell;    /* all maps are blank on a grid without places, as those of one cell are */
    int pairs_tested; /* of FIND_ONE_WAY */
    double highest_expected;          /* of FIND_HIGHEST_ERRORS, if the confidences were right */
    struct weak_classes weak_classes; /* of FIND_WEAK_CLASSES, where its verdict is yes */
    struct top_pairs top;
    struct few_pairs few; /* of FIND_FEW_PAIRS, where it has a verdict */
    struct calibration_error calibration;
    struct difference border, entropy, off_center, overlap_confident;
    bool differences_tested; /* one of them at least */
    double overlap_median;   /* of FIND_OVERLAP_HIGH and _LOW */
    bool blunt;              /* the maps of errors overlap, but no more than by chance */
};

void findings_compute(struct findings *f, const struct tables *t);
void findings_free(struct findings *f);

/* FIND_WORKS with the verdict yes. */
bool findings_work(const struct findings *f);

/* Whether p is below FINDINGS_LEVEL: what cannot be told from chance is not. */
bool finding_tells(const struct finding *f);

/* Whether a slice that slices confirmed is told from chance at this level, too. */
bool slice_tells(const struct slice *s);

/* Whether a column goes with errors, also among images of one class, or tells the class: by a test
 * and by enough to matter. */
bool column_goes_with_errors(const struct tested_column *c);
bool column_goes_within_class(const struct tested_column *c);
bool column_tells_class(const struct tested_column *c);

/* How wide the 95 % interval is. */
double finding_width(const struct finding *f);

#endif
