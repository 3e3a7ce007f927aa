/* error_texts.h - the sentence of each error code of needle_kernels.h, for the libraries of all devices. */
#ifndef ND_ERROR_TEXTS_H
#define ND_ERROR_TEXTS_H
#include "needle_kernels.h"

static inline const char *nd_text_of_code(int code) {
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
#endif
