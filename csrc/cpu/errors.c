/* errors.c - error codes become sentences; the offending number is kept per thread. */
#include "errors.h"

static __thread int64_t last_detail;

int nd_fail(int code, int64_t detail) {
  last_detail = detail;
  return code;
}

int64_t nd_error_detail(void) { return last_detail; }

const char *nd_error_text(int code) {
  switch (code) {
    case ND_OK: return "no error";
    case ND_EDTYPE: return "this kernel does not know this combination of element types";
    case ND_ENOMEM: return "out of memory: a working buffer could not be allocated";
    case ND_EINDEX: return "an index is out of range";
    case ND_EPLAN: return "malformed plan: too many dimensions, a negative extent or a bad argument";
    case ND_EISA: return "unknown instruction set, or one this processor lacks";
    default: return "unknown error code";
  }
}

int nd_check_plan(const nd_plan *p) {
  if (p->ndim < 0 || p->ndim > ND_MAX_NDIM) return nd_fail(ND_EPLAN, p->ndim);
  for (int d = 0; d < p->ndim; d++)
    if (p->shape[d] < 0) return nd_fail(ND_EPLAN, p->shape[d]);
  return ND_OK;
}
