/* test_runtime.c - what is not arithmetic: the pool under threads, forked children, instruction sets,
 * error texts. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include "caches.h"
#include "check.h"

static void *use_pool(void *seed) {
  uint64_t state = (uint64_t)(uintptr_t)seed;
  unsigned char *held[16] = {0};
  int64_t size[16];
  intptr_t bad = 0;
  for (int i = 0; i < 3000; i++) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const int k = (int)(state >> 60);
    if (held[k]) {
      bad += held[k][0] != (unsigned char)k || held[k][size[k] - 1] != (unsigned char)k;
      nd_free(held[k]);
      held[k] = NULL;
    } else {
      size[k] = 1 + (int64_t)(state >> 33) % 100000;
      held[k] = nd_alloc(size[k]);
      bad += (uintptr_t)held[k] % 64 != 0;
      held[k][0] = held[k][size[k] - 1] = (unsigned char)k; /* the first and last byte are ours */
    }
  }
  for (int k = 0; k < 16; k++) nd_free(held[k]);
  return (void *)bad;
}

static void pool(void) {
  const int64_t before = nd_pool_live_bytes();
  pthread_t thread[4];
  for (int i = 0; i < 4; i++) pthread_create(&thread[i], NULL, use_pool, (void *)(uintptr_t)(i + 1));
  for (int i = 0; i < 4; i++) {
    void *bad;
    pthread_join(thread[i], &bad);
    CHECK(bad == NULL, "thread %d found %ld blocks overwritten or misaligned", i, (long)(intptr_t)bad);
  }
  CHECK(nd_pool_live_bytes() == before, "all was freed: %ld live bytes", (long)nd_pool_live_bytes());
  nd_pool_trim();
  CHECK(nd_pool_cached_bytes() == 0, "trimmed");
  void *block = nd_alloc(5 << 20);
  CHECK(nd_pool_live_bytes() == before + (5 << 20), "live bytes count what was asked for");
  memset(block, 1, 5 << 20);
  nd_free(block);
  CHECK(nd_alloc(5 << 20) == block, "the same block is used again");
  nd_free(block);
  nd_pool_set_limit(0);
  CHECK(nd_pool_cached_bytes() == 0, "limit 0 keeps nothing");
  nd_pool_set_limit(1 << 30);
  CHECK(nd_alloc(-1) == NULL && nd_alloc(INT64_MAX) == NULL, "impossible sizes give NULL");
  block = nd_alloc(0);
  CHECK(block != NULL, "no bytes are a block, too");
  nd_free(block);
  nd_free(NULL);
}

/* The parent has workers, the child has none of them: it must not wait for their help. */
static void fork_after_threads(void) {
  enum { N = 200000 };
  float *a = nd_alloc(N * 4), *out = nd_alloc(N * 4);
  for (int i = 0; i < N; i++) a[i] = (float)i;
  nd_exp_dense(ND_F32, N, out, a);
  fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    alarm(20); /* instead of hanging */
    float *own = nd_alloc(N * 4);
    nd_add_dense(ND_F32, N, own, a, a);
    int wrong = nd_get_num_threads() != 1;
    for (int i = 0; i < N; i++) wrong |= own[i] != a[i] + a[i];
    _exit(wrong);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the forked child failed or hung (status %d)", status);
  nd_free(a), nd_free(out);
}

/* Threads are inside kernels, the pool and its scratch memory when the process forks: no child may wait for what one of
 * them held, since it does not exist there. */
static int stop;

static void *hammer(void *unused) {
  enum { N = 160, M = N * N };
  float *a = nd_alloc(M * 4), *b = nd_alloc(M * 4);
  for (int i = 0; i < M; i++) a[i] = 1;
  nd_plan p;
  memset(&p, 0, sizeof p);
  p.ndim = 3, p.size = (int64_t)N * N * N;
  const int64_t stride[3][3] = {{N, 1, 0}, {N, 0, 1}, {0, 1, N}};
  for (int d = 0; d < 3; d++) {
    p.shape[d] = N;
    for (int k = 0; k < 3; k++) p.stride[k][d] = stride[k][d];
  }
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    float *out = nd_alloc(M * 4);
    nd_matmul(&p, out, a, a);
    nd_add_dense(ND_F32, M, b, out, a);
    nd_free(out);
  }
  nd_free(a), nd_free(b);
  return unused;
}

static int product_in_child(float *a, float *out) {
  enum { N = 160, M = N * N };
  if (!a) a = nd_alloc(M * 4), out = nd_alloc(M * 4);
  for (int i = 0; i < M; i++) a[i] = (float)(i % 5);
  nd_add_dense(ND_F32, M, out, a, a);
  nd_exp_dense(ND_F32, M, a, out);
  int wrong = nd_get_num_threads() != 1;
  for (int i = 0; i < M; i++) wrong |= out[i] != 2 * (float)(i % 5);
  nd_free(a), nd_free(out);
  return wrong;
}

// The address sanitizer's own allocator keeps its locks across a fork, held or not (GCC 12): there the child is given its
// arrays, elsewhere it allocates them.
static void fork_while_others_compute(void) {
  pthread_t thread[3];
  float *a = NULL, *out = NULL;
#if defined(__SANITIZE_ADDRESS__)
  a = nd_alloc(160 * 160 * 4), out = nd_alloc(160 * 160 * 4);
#endif
  for (int i = 0; i < 3; i++) pthread_create(&thread[i], NULL, hammer, NULL);
  fflush(stdout);
  int failed = 0;
  for (int i = 0; i < 50; i++) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      _exit(product_in_child(a, out));
    }
    int status = -1;
    waitpid(child, &status, 0);
    failed += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  for (int i = 0; i < 3; i++) pthread_join(thread[i], NULL);
  nd_free(a), nd_free(out);
  CHECK(failed == 0, "%d of 50 children forked beside busy threads failed or hung", failed);
}

int main(void) {
  nd_set_num_threads(3);
  pool();
  fork_after_threads();
  fork_while_others_compute();
  CHECK(nd_set_num_threads(0) == ND_EPLAN && nd_get_num_threads() >= 1, "no fewer than one thread");
  CHECK(nd_set_isa("z80") == ND_EISA && !nd_isa_supported("z80"), "an unknown instruction set");
  CHECK(8 << 10 <= nd_cache_sizes.l1 && nd_cache_sizes.l1 < nd_cache_sizes.l2 && nd_cache_sizes.l2 <= 64 << 20,
        "caches of %lld and %lld bytes", (long long)nd_cache_sizes.l1, (long long)nd_cache_sizes.l2);
  for (int code = ND_OK; code <= ND_EISA; code++)
    CHECK(strcmp(nd_error_text(code), nd_error_text(-1)) != 0, "error %d has a text of its own", code);
  return finish("runtime");
}
