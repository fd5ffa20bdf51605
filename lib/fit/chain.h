/* Plain nets that no family names (model/chain.h): what is between their convolutions, found from
 * the first to the last, as the norm of each shows what stands before it; and by labels what is
 * behind the last norm. */
#ifndef HP_FIT_CHAIN_H
#define HP_FIT_CHAIN_H

#include "fit/trial.h"

/* Adds the networks that a reading of that many convolutions may be, if any. */
int fit_chain(struct trial *p, int reading, int units, struct err *e) ERR_CHECKED;

/* Behind all norms are the last pooling, a last sum and a factor of the logits. Where the
 * candidates that the list begins with differ in these alone, keeps the one under which labels are
 * clearly likelier, and says so in `text`; else, or without labels, all of them stay. */
enum { FIT_CHAIN_TEXT = 160 };
int fit_chain_ends(struct trial *p, char text[FIT_CHAIN_TEXT], struct err *e) ERR_CHECKED;

#endif
