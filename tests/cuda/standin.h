/* A stand-in of the CUDA runtime and of cuDNN that runs on the host, for testing the
 * CUDA backend without a GPU. Device memory is host memory that can be touched only
 * while the "device" works; what is queued runs when somebody waits for it and not
 * before, blocks and threads in falling order (`early`: at once, in rising order).
 *
 * CUDA_STANDIN or standin_set() hold settings, separated by commas:
 *   early            as above
 *   devices=N        how many there are, 1
 *   capability=NN    compute capability, 90 for 9.0
 *   driver=N         the driver's version, 13000 for 13.0; 0 for none
 *   memory=BYTES     of the device, 16 GB
 *   open             memory can always be touched: faster
 *   fail=CALL:N      the Nth call of that name fails, as such calls do
 *   fail=CALL:N+     and all that follow
 *   none             cuDNN has no engine for anything
 *   engines=FILE     appends a line for each plan that is made
 * A use that CUDA leaves undefined ends the program with a message. */
#ifndef STANDIN_H
#define STANDIN_H

#ifdef __cplusplus
extern "C" {
#endif

/* Settings from now on; counts start again. */
void standin_set(const char *settings);

/* Calls of that name since the settings were made. */
long standin_calls(const char *name);

/* Allocations, streams, events, handles and descriptors that exist. */
long standin_live(void);

#ifdef __cplusplus
}
#endif

#endif
