/* pool.c - a locked pool of size classes, and scratch memory per thread. See pool.h for the why.
 *
 * Classes: four to each power of two (64, 80, 96, 112, 128, 160, ...), so at most a fifth of a block is unused.
 * Each block carries a 64-byte header that remembers what nd_free needs; the user's pointer follows it and is
 * 64-byte aligned, the width of a cache line and of the widest SIMD register. Blocks of 2 MiB and more ask the
 * kernel for huge pages: one page fault instead of 512.
 *
 * Large blocks begin inside a 4 KiB page, one at 768, the next at 1536, 2304, 3072 bytes, then at 768 again. A
 * processor compares the address of a load with those of the stores before it by their last 12 bits; if they agree, the
 * load waits ("4K aliasing"). malloc hands large arrays out 16 bytes into a page, so NumPy's inputs lie there; an output
 * that began at 64 would make every load of an elementwise loop meet the store just before it (a + b of 1 M floats:
 * 212 us instead of 158). And arrays that all begin at one place of a page share cache sets: 8 % for a + b.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "needle_kernels.h"
#include "pool.h"

enum { ALIGNMENT = 64, CLASSES = 4 * 48, PAGE = 4096, LARGE = 16 * PAGE, BEGINNINGS = 4, APART = 768 };
#define HUGE_PAGE ((int64_t)2 << 20)
#define LARGEST ((int64_t)1 << 46)

typedef struct block {
  void *memory;      /* what the system gave; the header lies at its start or, if large, inside its first page */
  int64_t requested; /* bytes the caller asked for */
  int64_t capacity;  /* bytes of its class */
  int class;
  struct block *next; /* in the free list of its class */
} block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static block *free_list[CLASSES];
static int64_t live_bytes, cached_bytes, limit = (int64_t)1 << 30;

/* A child forked while another thread held the lock would wait for it for ever: take it before, release after. */
static void lock_pool(void) { pthread_mutex_lock(&lock); }
static void unlock_pool(void) { pthread_mutex_unlock(&lock); }
__attribute__((constructor)) static void survive_fork(void) { pthread_atfork(lock_pool, unlock_pool, unlock_pool); }

/* The smallest class that holds nbytes, and its capacity: 4..7 times a power of two. */
static int class_of(int64_t nbytes, int64_t *capacity) {
  int64_t unit = 16;
  int class = 0;
  while (unit * 7 < nbytes) {
    unit *= 2;
    class += 4;
  }
  int quarters = 4;
  while (unit * quarters < nbytes) quarters++;
  *capacity = unit * quarters;
  return class + quarters - 4;
}

static block *take_from_system(int64_t capacity) {
  void *memory = NULL;
  const int large = capacity >= LARGE, huge = capacity >= HUGE_PAGE;
  static unsigned blocks = 0;
  const size_t turn = large ? __atomic_fetch_add(&blocks, 1, __ATOMIC_RELAXED) % BEGINNINGS + 1 : 0;
  const size_t lead = large ? turn * APART : ALIGNMENT, total = (size_t)capacity + lead;
  if (posix_memalign(&memory, huge ? HUGE_PAGE : large ? PAGE : ALIGNMENT, total)) return NULL;
#ifdef MADV_HUGEPAGE
  if (huge) madvise(memory, total, MADV_HUGEPAGE);
#endif
  block *b = (block *)((char *)memory + lead - ALIGNMENT);
  b->memory = memory;
  return b;
}

void *nd_alloc(int64_t nbytes) {
  if (nbytes < 0 || nbytes > LARGEST) return NULL;
  int64_t capacity;
  const int class = class_of(nbytes, &capacity);
  lock_pool();
  block *b = free_list[class];
  if (b) {
    free_list[class] = b->next;
    cached_bytes -= capacity;
    live_bytes += nbytes;
  }
  unlock_pool();
  if (!b) {
    b = take_from_system(capacity);
    if (!b) { /* what is kept for reuse may be what is missing */
      nd_pool_trim();
      b = take_from_system(capacity);
    }
    if (!b) return NULL;
    b->capacity = capacity;
    b->class = class;
    lock_pool();
    live_bytes += nbytes;
    unlock_pool();
  }
  b->requested = nbytes;
  return (char *)b + ALIGNMENT;
}

void nd_free(void *pointer) {
  if (!pointer) return;
  block *b = (block *)((char *)pointer - ALIGNMENT);
  lock_pool();
  live_bytes -= b->requested;
  const int keep = cached_bytes + b->capacity <= limit;
  if (keep) {
    b->next = free_list[b->class];
    free_list[b->class] = b;
    cached_bytes += b->capacity;
  }
  unlock_pool();
  if (!keep) free(b->memory);
}

static int64_t read_locked(const int64_t *counter) {
  lock_pool();
  const int64_t value = *counter;
  unlock_pool();
  return value;
}

int64_t nd_pool_live_bytes(void) { return read_locked(&live_bytes); }
int64_t nd_pool_cached_bytes(void) { return read_locked(&cached_bytes); }

void nd_pool_trim(void) {
  lock_pool();
  for (int class = 0; class < CLASSES; class++)
    while (free_list[class]) {
      block *b = free_list[class];
      free_list[class] = b->next;
      cached_bytes -= b->capacity;
      free(b->memory);
    }
  unlock_pool();
}

void nd_pool_set_limit(int64_t nbytes) {
  lock_pool();
  limit = nbytes < 0 ? 0 : nbytes;
  const int over = cached_bytes > limit;
  unlock_pool();
  if (over) nd_pool_trim();
}

/* ---- scratch: a few growing buffers per thread, freed when the thread ends -------------------------------- */
typedef struct {
  void *memory[ND_SCRATCH_SLOTS];
  int64_t size[ND_SCRATCH_SLOTS];
} scratch_set;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static __thread scratch_set *own_scratch;

static void free_scratch(void *set) {
  for (int slot = 0; slot < ND_SCRATCH_SLOTS; slot++) free(((scratch_set *)set)->memory[slot]);
  free(set);
}
static void make_scratch_key(void) { pthread_key_create(&scratch_key, free_scratch); }

void *nd_scratch(int slot, int64_t nbytes) {
  if (!own_scratch) {
    pthread_once(&scratch_once, make_scratch_key);
    own_scratch = calloc(1, sizeof *own_scratch);
    if (!own_scratch) return NULL;
    pthread_setspecific(scratch_key, own_scratch);
  }
  scratch_set *s = own_scratch;
  if (nbytes < 1) nbytes = 1; /* nothing is wanted: not NULL, which says that memory is exhausted */
  if (s->size[slot] < nbytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, ALIGNMENT, (size_t)nbytes)) return NULL;
    free(s->memory[slot]);
    s->memory[slot] = memory;
    s->size[slot] = nbytes;
  }
  return s->memory[slot];
}
