/* errors.c - error codes become sentences; the offending number is kept per thread. */
#include "errors.h"
#include "error_texts.h"

static __thread int64_t last_detail;

int nd_fail(int code, int64_t detail) {
  last_detail = detail;
  return code;
}

int64_t nd_error_detail(void) { return last_detail; }

const char *nd_error_text(int code) { return nd_text_of_code(code); }

int nd_check_plan(const nd_plan *p) {
  if (p->ndim < 0 || p->ndim > ND_MAX_NDIM) return nd_fail(ND_EPLAN, p->ndim);
  for (int d = 0; d < p->ndim; d++)
    if (p->shape[d] < 0) return nd_fail(ND_EPLAN, p->shape[d]);
  return ND_OK;
}
