/* nccl_stub.c - stands in for NVIDIA's NCCL in tests, where there is no card: the functions that needle_edu calls, for
 * processes of one machine whose "cards" are simulated, so that their memory is the host's. It is no part of the package.
 *
 * Sums are made at once, in shared memory: each rank copies a piece into its place, all wait for each other, each adds up
 * all places in the order of ranks, all wait again. A rank that waits longer than a minute reports a system error.
 * NCCL_STUB_FAIL=NAME makes one function report "internal error"; NCCL_STUB_LATE=1 reports it later, as on a card. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 16, RANKS = 8, SYSTEM = 2, INTERNAL = 3, ARGUMENT = 4 };
typedef struct { char internal[128]; } ncclUniqueId;
typedef struct {
  atomic_int came, round; /* a barrier: how many have come, and how often all were there */
  char places[RANKS][PIECE];
} Shared;
typedef struct ncclComm {
  Shared *shared;
  int ranks, rank;
} *ncclComm_t;

static const char *last = "";
static int groups;

static int fails(const char *name) {
  const char *wanted = getenv("NCCL_STUB_FAIL");
  if (!wanted || strcmp(wanted, name)) return 0;
  last = "as the test wanted it";
  return INTERNAL;
}

static int meet(ncclComm_t comm) {
  Shared *shared = comm->shared;
  const int round = atomic_load(&shared->round);
  if (atomic_fetch_add(&shared->came, 1) + 1 == comm->ranks) {
    atomic_store(&shared->came, 0);
    atomic_fetch_add(&shared->round, 1);
    return 0;
  }
  const time_t end = time(NULL) + 60;
  while (atomic_load(&shared->round) == round) {
    if (time(NULL) > end) return SYSTEM;
    sched_yield();
  }
  return 0;
}

int ncclGetVersion(int *version) { return *version = 10203, 0; }
const char *ncclGetErrorString(int code) { return code == INTERNAL ? "internal error" : "another error"; }
const char *ncclGetLastError(ncclComm_t comm) { return (void)comm, last; }

int ncclGetUniqueId(ncclUniqueId *id) {
  static int made;
  memset(id, 0, sizeof *id);
  snprintf(id->internal, sizeof id->internal, "/needle_edu_stub_%d_%d", (int)getpid(), made++);
  return fails("ncclGetUniqueId");
}

int ncclCommInitRank(ncclComm_t *made, int ranks, ncclUniqueId id, int rank) {
  if (fails("ncclCommInitRank")) return INTERNAL;
  if (ranks > RANKS || rank >= ranks) return ARGUMENT;
  const int file = shm_open(id.internal, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof(Shared))) return SYSTEM;
  Shared *shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (shared == MAP_FAILED) return SYSTEM;
  ncclComm_t comm = *made = malloc(sizeof *comm);
  *comm = (struct ncclComm){shared, ranks, rank};
  const int met = meet(comm); /* all have opened it: the name can go */
  shm_unlink(id.internal);
  return met;
}

int ncclCommGetAsyncError(ncclComm_t comm, int *result) {
  (void)comm;
  *result = fails("later");
  return fails("ncclCommGetAsyncError");
}
int ncclCommDestroy(ncclComm_t comm) {
  munmap(comm->shared, sizeof(Shared));
  free(comm);
  return 0;
}
int ncclCommAbort(ncclComm_t comm) { return ncclCommDestroy(comm); }
int ncclGroupStart(void) { return groups++, 0; }
int ncclGroupEnd(void) { return --groups < 0 ? ARGUMENT : 0; }

static int width(int type) { return type == 1 ? 1 : type == 6 ? 2 : type == 7 ? 4 : type == 8 ? 8 : 0; }

static int add(char *to, const char *from, size_t bytes, int type) {
#define ADD(T) for (size_t k = 0; k < bytes / sizeof(T); k++) ((T *)to)[k] += ((const T *)from)[k]
  if (type == 7) ADD(float);
  else if (type == 8) ADD(double);
#ifdef __FLT16_MAX__
  else if (type == 6) ADD(_Float16);
#endif
  else return ARGUMENT;
  return 0;
}

int ncclAllReduce(const void *from, void *to, size_t count, int type, int op, ncclComm_t comm, void *stream) {
  if (fails("ncclAllReduce")) return INTERNAL;
  if (op || stream || !groups || !width(type)) return ARGUMENT; /* what needle_edu asks for: a sum, in a group */
  const size_t bytes = count * width(type);
  for (size_t at = 0; at < bytes; at += PIECE) {
    const size_t part = bytes - at < PIECE ? bytes - at : PIECE;
    int error;
    memcpy(comm->shared->places[comm->rank], (const char *)from + at, part);
    if ((error = meet(comm))) return error;
    memcpy((char *)to + at, comm->shared->places[0], part);
    for (int rank = 1; rank < comm->ranks; rank++)
      if ((error = add((char *)to + at, comm->shared->places[rank], part, type))) return error;
    if ((error = meet(comm))) return error;
  }
  return 0;
}

int ncclBroadcast(const void *from, void *to, size_t count, int type, int root, ncclComm_t comm, void *stream) {
  if (fails("ncclBroadcast")) return INTERNAL;
  if (stream || !groups || !width(type)) return ARGUMENT;
  const size_t bytes = count * width(type);
  for (size_t at = 0; at < bytes; at += PIECE) {
    const size_t part = bytes - at < PIECE ? bytes - at : PIECE;
    int error;
    if (comm->rank == root) memcpy(comm->shared->places[root], (const char *)from + at, part);
    if ((error = meet(comm))) return error;
    memcpy((char *)to + at, comm->shared->places[root], part);
    if ((error = meet(comm))) return error;
  }
  return 0;
}
