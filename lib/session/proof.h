/* The proof of a network that was read by structure, by the session's images. */
#ifndef HP_SESSION_PROOF_H
#define HP_SESSION_PROOF_H

#include "session/session.h"

/* Builds the proved network in place of the session's, whose constants and assumptions become
 * those of the proof. -1 where there is no proof. */
int proof_make(struct session *s, struct err *e) ERR_CHECKED;

#endif
