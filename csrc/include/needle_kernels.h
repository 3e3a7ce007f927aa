/* needle_kernels.h - the one contract between Python and every native backend.
 *
 * A backend (csrc/cpu, later csrc/cuda and the CUDA simulator; the NumPy reference in
 * needle_edu/backend/reference/ has the same interface) implements exactly the functions listed here.
 * Python takes its cffi declarations from this very file: keep it free of macros in declarations,
 * one declaration ends at one semicolon, `#` lines are skipped by the reader.
 *
 * How an array reaches a kernel. A kernel never sees an "array object". It sees
 *   - opaque data pointers (the start of a storage), and
 *   - a plan: the iteration space and, for each operand, how its elements lie in memory.
 * The point (i0, i1, ...) of the iteration space touches, in operand k, the element number
 *       offset[k] + i0*stride[k][0] + i1*stride[k][1] + ...
 * Strides count ELEMENTS (not bytes), may be 0 (broadcasting) or negative (reversed views). Operand 0 is
 * always the output. Python builds a plan once for each combination of layouts and keeps it.
 *
 * Entry points called *_dense need no plan: every operand is compact (row-major, offset 0) with n elements.
 *
 * Return value: 0, or an ND_E* code; nd_error_text() turns it into a sentence. Kernels never print, never
 * exit, never throw, and leave the output unspecified after an error.
 */
#ifndef NEEDLE_KERNELS_H
#define NEEDLE_KERNELS_H
#include <stdint.h>

#ifndef ND_API
#define ND_API
#endif
enum { ND_MAX_NDIM = 8, ND_MAX_OPERANDS = 10 };

/* Element types. bool is one byte, 0 or 1. */
enum nd_dtype { ND_F32 = 0, ND_F64 = 1, ND_I32 = 2, ND_I64 = 3, ND_BOOL = 4 };

enum nd_error {
  ND_OK = 0,
  ND_EDTYPE = 1,  /* this kernel does not know this (combination of) element type(s) */
  ND_ENOMEM = 2,  /* a scratch buffer could not be allocated */
  ND_EINDEX = 3,  /* an index is out of range; nd_error_detail() is the offending index */
  ND_EPLAN = 4,   /* malformed plan: too many dimensions, negative extent */
  ND_EISA = 5     /* unknown instruction set, or one this processor lacks */
};

typedef struct nd_plan {
  int32_t ndim;                    /* dimensions of the iteration space; Python has merged what can be merged */
  int32_t dtype[ND_MAX_OPERANDS];  /* element type of each operand (enum nd_dtype) */
  int64_t size;                    /* number of points: product of shape (1 when ndim is 0, 0 when empty) */
  int64_t shape[ND_MAX_NDIM];
  int64_t offset[ND_MAX_OPERANDS];               /* of each operand, in elements */
  int64_t stride[ND_MAX_OPERANDS][ND_MAX_NDIM];  /* of each operand, in elements */
} nd_plan;

/* ---- 1. library: errors, threads, instruction sets, memory ------------------------------------------------ */
ND_API const char *nd_error_text(int code);
ND_API int64_t nd_error_detail(void);            /* thread-local; see ND_EINDEX */
ND_API int nd_get_num_threads(void);
ND_API int nd_set_num_threads(int n);            /* n < 1 is refused with ND_EPLAN; returns 0 */
ND_API const char *nd_isa_names(void);           /* compiled in, weakest first: "base avx2 avx512" / "base neon" */
ND_API int nd_isa_supported(const char *name);   /* 1 if compiled in and this processor has it */
ND_API const char *nd_get_isa(void);             /* the one in use; at load the strongest supported */
ND_API int nd_set_isa(const char *name);
/* Cuts 0 .. n-1 into pieces of at least `grain`, and has the threads call body(context, lo, hi) for each; see parallel.h. */
typedef void (*nd_body)(void *context, int64_t lo, int64_t hi);
ND_API void nd_parallel_for(int64_t n, int64_t grain, nd_body body, void *context);
/* 64-byte aligned blocks from a locked pool of size classes; nd_free keeps the block for the next nd_alloc. */
ND_API void *nd_alloc(int64_t nbytes);           /* NULL when memory is exhausted */
ND_API void nd_free(void *block);
ND_API int64_t nd_pool_live_bytes(void);         /* handed out and not yet freed */
ND_API int64_t nd_pool_cached_bytes(void);       /* kept for reuse */
ND_API void nd_pool_trim(void);                  /* gives the kept blocks back to the system */
ND_API void nd_pool_set_limit(int64_t nbytes);   /* keep at most this many bytes for reuse */

/* ---- 2. fill, copy, cast ---------------------------------------------------------------------------------- */
ND_API int nd_fill(const nd_plan *p, void *out, double value);                         /* out[...] = value */
ND_API int nd_fill_dense(int dtype, int64_t n, void *out, double value);
/* out[...] = a[...], converting dtype[1] -> dtype[0]: compact, setitem, cast and broadcast are all this one.
 * float -> int truncates toward zero (what does not fit becomes any number); anything -> bool is (x != 0).
 * out and a must not overlap. */
ND_API int nd_copy(const nd_plan *p, void *out, const void *a);

/* ---- 3. elementwise, one operand: out = f(a) --------------------------------------------------------------
 * dtype[0] == dtype[1] except logical_not (any -> bool). exp..log10 and sqrt, reciprocal: f32, f64 only.
 * negative, abs, sign, square, relu, floor, ceil, trunc, round: f32 f64 i32 i64. */
ND_API int nd_negative(const nd_plan *p, void *out, const void *a);
ND_API int nd_abs(const nd_plan *p, void *out, const void *a);
ND_API int nd_sign(const nd_plan *p, void *out, const void *a);          /* -1, 0, 1; nan stays nan */
ND_API int nd_square(const nd_plan *p, void *out, const void *a);
ND_API int nd_sqrt(const nd_plan *p, void *out, const void *a);
ND_API int nd_reciprocal(const nd_plan *p, void *out, const void *a);
ND_API int nd_exp(const nd_plan *p, void *out, const void *a);
ND_API int nd_log(const nd_plan *p, void *out, const void *a);
ND_API int nd_sin(const nd_plan *p, void *out, const void *a);
ND_API int nd_cos(const nd_plan *p, void *out, const void *a);
ND_API int nd_tanh(const nd_plan *p, void *out, const void *a);
ND_API int nd_sigmoid(const nd_plan *p, void *out, const void *a);       /* 1/(1+exp(-a)), stable on both sides */
ND_API int nd_relu(const nd_plan *p, void *out, const void *a);          /* max(a, 0); nan stays nan */
ND_API int nd_erf(const nd_plan *p, void *out, const void *a); /* the error function */
ND_API int nd_gelu(const nd_plan *p, void *out, const void *a); /* a times the normal distribution up to a; 0 at -inf */
ND_API int nd_silu(const nd_plan *p, void *out, const void *a); /* a sigmoid(a); 0 at -inf */
ND_API int nd_softplus(const nd_plan *p, void *out, const void *a); /* log(1 + exp(a)) */
ND_API int nd_tan(const nd_plan *p, void *out, const void *a);
ND_API int nd_asin(const nd_plan *p, void *out, const void *a);
ND_API int nd_acos(const nd_plan *p, void *out, const void *a);
ND_API int nd_atan(const nd_plan *p, void *out, const void *a);
ND_API int nd_sinh(const nd_plan *p, void *out, const void *a);
ND_API int nd_cosh(const nd_plan *p, void *out, const void *a);
ND_API int nd_asinh(const nd_plan *p, void *out, const void *a);
ND_API int nd_acosh(const nd_plan *p, void *out, const void *a);
ND_API int nd_atanh(const nd_plan *p, void *out, const void *a);
ND_API int nd_log1p(const nd_plan *p, void *out, const void *a);
ND_API int nd_expm1(const nd_plan *p, void *out, const void *a);
ND_API int nd_log2(const nd_plan *p, void *out, const void *a);
ND_API int nd_log10(const nd_plan *p, void *out, const void *a);
ND_API int nd_floor(const nd_plan *p, void *out, const void *a);
ND_API int nd_ceil(const nd_plan *p, void *out, const void *a);
ND_API int nd_trunc(const nd_plan *p, void *out, const void *a);
ND_API int nd_round(const nd_plan *p, void *out, const void *a); /* half to even */
ND_API int nd_logical_not(const nd_plan *p, void *out, const void *a);
ND_API int nd_negative_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_abs_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_sign_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_square_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_sqrt_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_reciprocal_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_exp_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_log_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_sin_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_cos_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_tanh_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_sigmoid_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_relu_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_erf_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_gelu_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_silu_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_softplus_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_tan_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_asin_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_acos_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_atan_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_sinh_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_cosh_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_asinh_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_acosh_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_atanh_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_log1p_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_expm1_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_log2_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_log10_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_floor_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_ceil_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_trunc_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_round_dense(int dtype, int64_t n, void *out, const void *a);
ND_API int nd_logical_not_dense(int dtype, int64_t n, void *out, const void *a);

/* ---- 4. elementwise, two operands: out = f(a, b) ----------------------------------------------------------
 * Arithmetic: dtype[0] == dtype[1] == dtype[2]; divide, atan2 are f32/f64 only; integer power of a negative exponent
 * gives 0 (1 for base 1, +-1 for base -1). bool: maximum, minimum, logical_* and comparisons only.
 * maximum/minimum propagate nan. Comparisons: dtype[1] == dtype[2], out is bool; dense takes the INPUT type.
 * The *_backward kernels are the fused products of the chain rule; g is the incoming adjoint. */
ND_API int nd_add(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_subtract(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_multiply(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_divide(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_floor_divide(const nd_plan *p, void *out, const void *a, const void *b); /* an integer by 0: 0 */
ND_API int nd_remainder(const nd_plan *p, void *out, const void *a, const void *b); /* has the sign of b; an integer by 0: 0 */
ND_API int nd_fmod(const nd_plan *p, void *out, const void *a, const void *b); /* has the sign of a; an integer by 0: 0 */
ND_API int nd_atan2(const nd_plan *p, void *out, const void *a, const void *b); /* the angle of (b, a) */
ND_API int nd_power(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_maximum(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_minimum(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_equal(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_not_equal(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_less(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_less_equal(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_greater(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_greater_equal(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_logical_and(const nd_plan *p, void *out, const void *a, const void *b); /* all three bool */
ND_API int nd_logical_or(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_logical_xor(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_relu_backward(const nd_plan *p, void *out, const void *g, const void *x);    /* g where x > 0, else 0 */
ND_API int nd_tanh_backward(const nd_plan *p, void *out, const void *g, const void *y);    /* g (1 - y^2) */
ND_API int nd_sigmoid_backward(const nd_plan *p, void *out, const void *g, const void *y); /* g y (1 - y) */
ND_API int nd_gelu_backward(const nd_plan *p, void *out, const void *g, const void *x);
ND_API int nd_silu_backward(const nd_plan *p, void *out, const void *g, const void *x);
ND_API int nd_prelu(const nd_plan *p, void *out, const void *a, const void *b); /* a where a > 0, else a * b */
ND_API int nd_add_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_subtract_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_multiply_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_divide_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_floor_divide_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_remainder_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_fmod_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_atan2_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_power_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_maximum_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_minimum_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_equal_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_not_equal_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_less_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_less_equal_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_greater_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_greater_equal_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_logical_and_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_logical_or_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_logical_xor_dense(int dtype, int64_t n, void *out, const void *a, const void *b);
ND_API int nd_relu_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *x);
ND_API int nd_tanh_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *y);
ND_API int nd_sigmoid_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *y);
ND_API int nd_gelu_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *x);
ND_API int nd_silu_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *x);
ND_API int nd_prelu_dense(int dtype, int64_t n, void *out, const void *a, const void *b);

/* ---- 5. elementwise with a scalar: out = f(a, s) ----------------------------------------------------------
 * s is converted to the element type of a first, which it must fit. rsubtract = s - a, rdivide = s / a,
 * rpower = s ** a. Types as in section 4, but bool: comparisons only. */
ND_API int nd_add_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_multiply_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_rsubtract_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_divide_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_rdivide_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_power_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_rpower_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_maximum_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_minimum_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_equal_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_not_equal_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_less_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_less_equal_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_greater_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_greater_equal_scalar(const nd_plan *p, void *out, const void *a, double s);
ND_API int nd_add_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_multiply_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_rsubtract_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_divide_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_rdivide_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_power_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_rpower_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_maximum_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_minimum_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_equal_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_not_equal_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_less_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_less_equal_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_greater_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);
ND_API int nd_greater_equal_scalar_dense(int dtype, int64_t n, void *out, const void *a, double s);

/* out = cond ? a : b. Operand 1 (cond) is bool, dtype[0] == dtype[2] == dtype[3]. */
ND_API int nd_where(const nd_plan *p, void *out, const void *cond, const void *a, const void *b);

/* ---- 6. reductions ----------------------------------------------------------------------------------------
 * The iteration space is the INPUT's; the output (operand 0) has stride 0 in every reduced dimension of extent
 * above 1 and non-zero strides elsewhere. Empty reductions: sum, sum_squares 0, prod 1; max, min, arg*: Python refuses.
 * sum, prod: f32->f32, f64->f64, i32/i64/bool->i64. max, min: same type. sum_squares, of a times a: f32, f64. argmax, argmin: any -> i64, the
 * first extreme (nan counts as extreme) as row-major position within the reduced dimensions, which Python
 * keeps in their order. logsumexp: f32, f64, stable. */
ND_API int nd_sum(const nd_plan *p, void *out, const void *a);
ND_API int nd_prod(const nd_plan *p, void *out, const void *a);
ND_API int nd_sum_squares(const nd_plan *p, void *out, const void *a);
ND_API int nd_max(const nd_plan *p, void *out, const void *a);
ND_API int nd_min(const nd_plan *p, void *out, const void *a);
ND_API int nd_argmax(const nd_plan *p, void *out, const void *a);
ND_API int nd_argmin(const nd_plan *p, void *out, const void *a);
ND_API int nd_logsumexp(const nd_plan *p, void *out, const void *a);

/* ---- 7. matrix product ------------------------------------------------------------------------------------
 * The iteration space is (batch..., m, n, k), ndim >= 3; out has stride 0 along k, a along n, b along m:
 *     out[..., i, j] = sum over k of a[..., i, k] * b[..., k, j]
 * so transposed and broadcast operands are just strides. All three share one type (not bool). k may be 0. */
ND_API int nd_matmul(const nd_plan *p, void *out, const void *a, const void *b);

/* ---- 8. gather and scatter --------------------------------------------------------------------------------
 * index is i64. At each point of the iteration space, i = index[point] (+ limit if negative) must lie in
 * [0, limit), and
 *   gather:   out[point] = src[ offset + strides.point + i*step ]        operands: out, src, index
 *   scatter:  dst[ offset + strides.point + i*step ] (=, +=) val[point]  operands: dst, val, index
 * The same place may be hit twice: the last point in row-major order wins (=), all are added (+=). */
ND_API int nd_gather(const nd_plan *p, void *out, const void *src, const void *index, int64_t step, int64_t limit);
ND_API int nd_scatter(const nd_plan *p, void *dst, const void *val, const void *index, int64_t step, int64_t limit, int add);

/* taps, f32 or f64: a is (outer, n, inner), out (outer, m, inner), both compact, and
 *     out[o, j, i] = sum over k from start[j] up to start[j+1] of weight[k] * a[o, place[k], i]
 * start (m + 1 of them, rising) and place are int64; a place outside of [0, n) is an ND_EINDEX error. */
ND_API int nd_taps_dense(int dtype, int64_t outer, void *out, const void *a, const void *start, const void *place,
                         const void *weight, int64_t n, int64_t m, int64_t inner);

/* ---- 9. along one dimension -------------------------------------------------------------------------------
 * The iteration space is (batch..., n), ndim >= 1, out and a of the same extents, which must not overlap; each line
 * along the LAST dimension is worked on by itself.
 * cumsum, cumprod: running sum and product; types as for sum and prod. sort: any type, the same. argsort: any -> i64,
 * positions in the line. Both are stable; nan is the largest number; descending != 0 reverses the order. argsort writes the
 * first `most` positions of each line (0 <= most <= n), and leaves out as it is behind them.
 * cumargmax, cumargmin: any -> i64, where the extreme so far is, the latest of equals; the latest nan is both.
 * linear_scan, f32 or f64: out[k] = a[k] out[k-1] + b[k], without the first term (and without reading a) at k = 0. */
ND_API int nd_cumsum(const nd_plan *p, void *out, const void *a);
ND_API int nd_cumprod(const nd_plan *p, void *out, const void *a);
ND_API int nd_cumargmax(const nd_plan *p, void *out, const void *a);
ND_API int nd_cumargmin(const nd_plan *p, void *out, const void *a);
ND_API int nd_linear_scan(const nd_plan *p, void *out, const void *a, const void *b);
ND_API int nd_sort(const nd_plan *p, void *out, const void *a, int descending);
ND_API int nd_argsort(const nd_plan *p, void *out, const void *a, int descending, int64_t most);

/* ---- 10. optimiser steps, f32 or f64 --------------------------------------------------------------------------
 * One call makes one step of several parameters, as if they were one long array. Of each parameter p with gradient g,
 * n elements each: out (which may be p) becomes the new p, and up to three memories, such as Adam's averages, are
 * updated. With the numbers below by name, d = sign*g + decay*p, and x, y, z for the memories in their order:
 *   SGD        out = p - rate*d                       MOMENTUM  x <- keep1*x + fresh1*d;  out = p - rate*x
 *   NESTEROV   x as MOMENTUM;  out = p - rate*(d + keep1*x)
 *   ADAM       x as MOMENTUM;  y <- keep2*y + fresh2*d*d;  out = shrink*p - rate*x / (sqrt(scale*y) + eps)
 *   AMSGRAD    the same, but divided by the root of scale*z, where z <- max(z, y)
 *   NADAM      as ADAM;  out = shrink*p - (rate*x + bonus*d) / (sqrt(scale*y) + eps)
 *   RADAM_START  x, y as ADAM;  out = shrink*p - rate*x
 *   ADAMAX     x as MOMENTUM;  y <- max(keep2*y, |d| + eps);  out = p - rate*x / y
 *   ADAGRAD    x <- x + d*d;  out = p - rate*d / (sqrt(x) + eps)
 *   RMSPROP    x <- keep2*x + fresh2*d*d;  out = p - rate*w  with  w = d / (sqrt(x) + eps)
 *   RMSPROP_MOMENTUM  the same with y <- keep1*y + w in place of w
 *   RMSPROP_CENTERED  RMSPROP, but the root is of x - y*y, where y <- keep2*y + fresh2*d;
 *   RMSPROP_CENTERED_MOMENTUM  the same with z <- keep1*z + w in place of w
 *   ADADELTA   x <- keep2*x + fresh2*d*d;  w = sqrt(y + eps) / sqrt(x + eps) * d;  y <- keep2*y + fresh2*w*w;
 *              out = p - rate*w
 *   ASGD       out = shrink*p - rate*d;  x <- x + scale*(out - x), out itself where scale >= 1
 *   RPROP      y <- y * (keep1 where d*x < 0, keep2 where d*x > 0, else 1), at least fresh1, at most fresh2;
 *              x <- d, 0 where d*x < 0;  out = p - y*sign(x)
 *   LION       out = shrink*p - rate*sign(keep1*x + fresh1*d);  x <- keep2*x + fresh2*d
 * A memory below the smallest normal number may become 0: a backend is free to compute on with it, which takes longer.
 * A kind that there is not is ND_EPLAN. */
enum nd_step_kind {
  ND_STEP_SGD = 0, ND_STEP_MOMENTUM = 1, ND_STEP_NESTEROV = 2, ND_STEP_ADAM = 3, ND_STEP_AMSGRAD = 4, ND_STEP_NADAM = 5,
  ND_STEP_RADAM_START = 6, ND_STEP_ADAMAX = 7, ND_STEP_ADAGRAD = 8, ND_STEP_RMSPROP = 9, ND_STEP_RMSPROP_MOMENTUM = 10,
  ND_STEP_RMSPROP_CENTERED = 11, ND_STEP_RMSPROP_CENTERED_MOMENTUM = 12, ND_STEP_ADADELTA = 13, ND_STEP_ASGD = 14,
  ND_STEP_RPROP = 15, ND_STEP_LION = 16, ND_STEP_KINDS = 17
};
typedef struct nd_step_numbers {
  double sign, decay, shrink, rate, keep1, fresh1, keep2, fresh2, scale, eps, bonus;
} nd_step_numbers;
typedef struct nd_step {
  int32_t kind;        /* enum nd_step_kind */
  int64_t n;
  void *out;
  const void *p, *g;
  void *memory[3];     /* those that the kind has; none of them overlap */
  nd_step_numbers s;
} nd_step;
ND_API int nd_optimizer_steps(int dtype, int count, const nd_step *steps);

/* ---- 11. softmax cross-entropy, f32 or f64 -----------------------------------------------------------------
 * The iteration space is (rows..., classes): a row of logits for each example. labels, of any element type, has stride
 * 0 along the classes and holds whole numbers in [0, classes), or `ignore`, whose rows count for nothing; weight (NULL:
 * all 1) has one element for each class. With p = softmax(a) and q_k = smoothing/classes + (1-smoothing)*[k = label]:
 *   loss of a row = -sum over k of weight_k q_k log(p_k)
 * out holds one loss for each row (ND_EACH; stride 0 along the classes), or in one element (all strides 0) their
 * sum (ND_SUM), or that divided by the sum of the labels' weights (ND_MEAN). The backward kernel computes for each logit
 *   out_k = g (p_k sum_j weight_j q_j - weight_k q_k)
 * with g laid out as the forward kernel's out. Operands: out, a, labels, weight; out, g, a, labels, weight. */
enum nd_reduction { ND_EACH = 0, ND_SUM = 1, ND_MEAN = 2 };
ND_API int nd_cross_entropy(const nd_plan *p, void *out, const void *a, const void *labels, const void *weight,
                            double smoothing, int64_t ignore, int reduction);
ND_API int nd_cross_entropy_backward(const nd_plan *p, void *out, const void *g, const void *a, const void *labels,
                                     const void *weight, double smoothing, int64_t ignore, int reduction);
/* The same where the targets are probabilities of all classes, q, of a's type: q_k is (1-smoothing) q_k + smoothing/classes,
 * and a mean divides by the number of rows. Operands: out, a, q, weight; out, g, a, q, weight. */
ND_API int nd_soft_cross_entropy(const nd_plan *p, void *out, const void *a, const void *q, const void *weight,
                                 double smoothing, int reduction);
ND_API int nd_soft_cross_entropy_backward(const nd_plan *p, void *out, const void *g, const void *a, const void *q,
                                          const void *weight, double smoothing, int reduction);
/* The same of labels and logarithms of probabilities: a row's loss is -weight_label a_label, and out_k = -g weight_k [k = label].
 * Operands: out, a, labels, weight; out, g, labels, weight. */
ND_API int nd_nll(const nd_plan *p, void *out, const void *a, const void *labels, const void *weight, int64_t ignore,
                  int reduction);
ND_API int nd_nll_backward(const nd_plan *p, void *out, const void *g, const void *labels, const void *weight,
                           int64_t ignore, int reduction);

/* ---- 12. convolution, f32 or f64 ----------------------------------------------------------------------------
 * The iteration space has 8 dimensions, (images, groups, outputs, channels, rows, columns, kernel rows, kernel columns),
 * outputs and channels of one group; x, w and y lie in it as the strides say, in whatever order of their axes:
 *     y[n, g, o, i, j] = sum over c, k, l of x[n, g, c, i*step + k*dilation + start, (the same of j, l)] * w[g, o, c, k, l]
 * window holds start, step, dilation and extent (of x) of the rows, then of the columns; a position outside of
 * [0, extent) counts as 0 and is not read. x's strides and offset include step, dilation and start. With one axis, rows
 * and kernel rows are 1, and their window is 0, 1, 1, 1. No axis is empty but images, groups, outputs and channels.
 * input_backward adds up, for the adjoint g of y, the adjoint of x; weight_backward that of w. Their results and that of
 * the forward kernel have no strides of 0. Operands: y, x, w; x, g, w; w, x, g. */
ND_API int nd_conv(const nd_plan *p, void *out, const void *x, const void *w, const int64_t *window);
ND_API int nd_conv_input_backward(const nd_plan *p, void *out, const void *g, const void *w, const int64_t *window);
ND_API int nd_conv_weight_backward(const nd_plan *p, void *out, const void *x, const void *g, const int64_t *window);

/* ---- 13. activations with numbers, f32 or f64 ----------------------------------------------------------------
 * out = f(a), and out = g f'(a), where f of x is, by kind, with numbers s, t, u (those not named are not read):
 *   LEAKY_RELU   x where x > 0, else s x                    SOFTSIGN    x / (1 + |x|)
 *   ELU          u x where x > 0, else s (exp(t x) - 1)     TANHSHRINK  x - tanh(x)
 *   HARDTANH     x, but at least s and at most t            SOFTPLUS    log(1 + exp(s x)) / s
 *   HARDSIGMOID  (x + 3) / 6, at least 0, at most 1         LOGSIGMOID  log(1 / (1 + exp(-x)))
 *   HARDSWISH    x HARDSIGMOID(x)                           MISH        x tanh(log(1 + exp(x)))
 *   HARDSHRINK   0 where |x| <= s, else x                   GELU_TANH   x / (1 + exp(-v)), v = 2 sqrt(2/pi) (x + 0.044715 x^3)
 *   SOFTSHRINK   x moved towards 0 by s, at most to 0
 *   THRESHOLD    t where x <= s, else x                    HUBER       t x^2 / 2 where |x| <= s, else t s (|x| - s / 2)
 * At a bound f' is 0 (HARDTANH at both, *SHRINK, THRESHOLD), that of the left piece (LEAKY_RELU, ELU), or 0 at -3 and
 * 1 at 3 (HARDSWISH). MISH and GELU_TANH are 0 at -inf. */
enum nd_activation {
  ND_LEAKY_RELU = 0, ND_ELU = 1, ND_HARDTANH = 2, ND_HARDSIGMOID = 3, ND_HARDSWISH = 4, ND_HARDSHRINK = 5, ND_SOFTSHRINK = 6,
  ND_THRESHOLD = 7, ND_SOFTSIGN = 8, ND_TANHSHRINK = 9, ND_SOFTPLUS = 10, ND_LOGSIGMOID = 11, ND_MISH = 12, ND_GELU_TANH = 13,
  ND_HUBER = 14, ND_ACTIVATION_KINDS = 15
};
ND_API int nd_activation(const nd_plan *p, void *out, const void *a, int kind, double s, double t, double u);
ND_API int nd_activation_backward(const nd_plan *p, void *out, const void *g, const void *a, int kind,
                                  double s, double t, double u);

/* ---- 14. normalisation, dense, f32 or f64 ------------------------------------------------------------------
 * a, out and g have n elements, laid out as (batch, channels, inner). Elements that share a mean are normalised together:
 *     z = (a - mean) / sqrt(variance + eps);     out = weight z + bias, one weight and one bias for each channel
 * batch_norm: those of one channel, over batch and inner (inner = 1: the channels come last).
 * group_norm: those of one example in one of `groups` equal groups of neighbouring channels; with one group and
 *             inner = 1 it is layer normalisation over the channels, with as many groups as channels instance normalisation.
 * stats, f64 whatever the type: all means, all (biased) variances, all 1/sqrt(variance + eps); of channels, or of the
 * (batch, groups). The backward kernels read them; they write the adjoints of a, of weight and of bias:
 *     out = (u - mean(u) - z mean(u z)) / sqrt(variance + eps),  u = g weight;  to_weight = sum g z, to_bias = sum g
 * channels and inner are at least 1, and batch_norm wants an example at least. */
ND_API int nd_batch_norm_dense(int dtype, int64_t n, void *out, const void *a, const void *weight, const void *bias,
                               void *stats, int64_t channels, int64_t inner, double eps);
ND_API int nd_batch_norm_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *a,
                                        const void *weight, const void *stats, void *to_weight, void *to_bias,
                                        int64_t channels, int64_t inner);
ND_API int nd_group_norm_dense(int dtype, int64_t n, void *out, const void *a, const void *weight, const void *bias,
                               void *stats, int64_t channels, int64_t inner, int64_t groups, double eps);
ND_API int nd_group_norm_backward_dense(int dtype, int64_t n, void *out, const void *g, const void *a,
                                        const void *weight, const void *stats, void *to_weight, void *to_bias,
                                        int64_t channels, int64_t inner, int64_t groups);
/* Running averages of n channels after a batch, from batch_norm's stats, whose variances count `factor` times:
 *     mean = old_mean (1 - momentum) + batch_mean momentum, and so the variance; each product rounded to the type. */
ND_API int nd_running_averages_dense(int dtype, int64_t n, void *mean, void *variance, const void *old_mean,
                                     const void *old_variance, const void *stats, double momentum, double factor);

/* ---- 15. pooling, f32 or f64 --------------------------------------------------------------------------------
 * The iteration space is that of the windows, (images, channels, rows, columns). x lies in it with the strides of its own
 * axes, whatever their order, and the offset of its first element. window holds start, step, dilation, extent (of x) and
 * kernel of the rows, then of the columns: window j sees the elements j*step + k*dilation + start, k in [0, kernel), of
 * an axis, of which those outside of [0, extent) do not exist. With one axis, rows are 1 and their window 0, 1, 1, 1, 1.
 * max: the largest element of each window, -inf if it sees none; nan is larger than any number. places (i32; may be
 * NULL) says where that is, row * columns + column of its image, the first of equals, the last of nans, or -1.
 * max_backward: zeros for x, to which each element of g is added at its place, if its window sees an element there.
 * avg: the mean of each window, for a dilation of 1: its sum divided by the elements it reaches over, padding of -start
 * at both ends among them (divide ND_WINDOW), by those it sees (ND_SEEN), or by divide. avg_backward: each window's adjoint
 * in equal shares. Results have no strides of 0. Operands: y, places, x; x, g, places; y, x; x, g. */
enum nd_divide { ND_WINDOW = 0, ND_SEEN = -1 };
ND_API int nd_max_pool(const nd_plan *p, void *out, void *places, const void *x, const int64_t *window);
ND_API int nd_max_pool_backward(const nd_plan *p, void *out, const void *g, const void *places, const int64_t *window);
ND_API int nd_avg_pool(const nd_plan *p, void *out, const void *x, const int64_t *window, int64_t divide);
ND_API int nd_avg_pool_backward(const nd_plan *p, void *out, const void *g, const int64_t *window, int64_t divide);
/* Adaptive: window j of m over n elements sees those from floor(j n / m) up to ceil((j+1) n / m); n is `rows` and
 * `columns`, the extents of x, at least 1. Places as max_pool's; a backward place outside of the plane counts for nothing. */
ND_API int nd_adaptive_max_pool(const nd_plan *p, void *out, void *places, const void *x, int64_t rows, int64_t columns);
ND_API int nd_adaptive_max_pool_backward(const nd_plan *p, void *out, const void *g, const void *places, int64_t rows,
                                         int64_t columns);

/* ---- 16. softmax, f32 or f64 -----------------------------------------------------------------------------------
 * The iteration space is (batch..., n), ndim >= 1; each line along the LAST dimension is worked on by itself, and out
 * overlaps no input. Forward: exp(a_k) / sum of exp(a), stable, or, log != 0, the logarithm of it. Backward, for the
 * adjoint g of the result y:  y (g - sum of g y), or, log != 0,  g - exp(y) (sum of g). Operands: out, a; out, g, y. */
ND_API int nd_softmax(const nd_plan *p, void *out, const void *a, int log);
ND_API int nd_softmax_backward(const nd_plan *p, void *out, const void *g, const void *y, int log);

/* ---- 17. attention, f32 or f64 ---------------------------------------------------------------------------------
 * The iteration space is (batch..., L, S, E, D): L queries and S keys of E features, S values of D. q lies along (batch...,
 * L, E), k along (batch..., S, E), v along (batch..., S, D), out and g along (batch..., L, D), lse along (batch..., L),
 * mask along (batch..., L, S), where strides may be 0; it may be NULL. Query i sees the keys j <= i + diagonal, all of
 * them if that is S or more. With P = exp(scale q k^T + mask - lse), lse the logarithm of the sum over the keys seen,
 * out = P v; a query that sees nothing (but -inf) has out 0 and lse -inf. Backward, for the adjoint g of out:
 *     to_v = P^T g,   to_q = scale s k,   to_k = scale s^T q,   s = P (g v^T - rowsum(g out))
 * With drop > 0 weight (row, j), the rows of all batches counted one after the other, is 0 in P v or divided by 1 - drop, as
 * dropout (18) would have it for number j of that row; lse is that of all. Each batch has outputs of its own.
 * Operands: out, lse, q, k, v, mask; to_q, to_k, to_v, g, out, lse, q, k, v, mask. */
ND_API int nd_attention(const nd_plan *p, void *out, void *lse, const void *q, const void *k, const void *v,
                        const void *mask, double scale, int64_t diagonal, double drop, int64_t key);
ND_API int nd_attention_backward(const nd_plan *p, void *to_q, void *to_k, void *to_v, const void *g, const void *out,
                                 const void *lse, const void *q, const void *k, const void *v, const void *mask,
                                 double scale, int64_t diagonal, double drop, int64_t key);

/* ---- 18. dropout, f32 or f64 ---------------------------------------------------------------------------------
 * Random numbers that are functions of a key, a row and a place: number j of row r, 32 bits, is word j / 16 % 4 of Philox
 * 4x32-10 for the counter (j / 64 * 16 + j % 16, r) and the key, each of 64 bits, its lower word first.
 * dropout: out = a / (1 - p) where number i of row 0 is at least p * 2^32, rounded, else 0 times a. */
ND_API int nd_dropout_dense(int dtype, int64_t n, void *out, const void *a, double p, int64_t key);

/* ---- 19. recurrent networks, dense, f32 or f64 ----------------------------------------------------------------
 * n rows: sizes[0] of moment 0, sizes[1] of moment 1, and so on for `steps` moments; sizes never grow, and row k of a
 * moment belongs to sequence k. With `reverse` each sequence begins at its end. gates holds on entry what the input
 * contributes to each gate (rows of hidden numbers for each, side by side), and after it, h being the state before:
 *   RNN_TANH, RNN_RELU   h' = f(x + h W)
 *   LSTM  (i, f, g, o)   i, f, o = sigmoid, g = tanh of (x + h W);  c' = f c + i g,  h' = o tanh(c')
 *   GRU   (r, z, n)      r, z = sigmoid(x + h W + bias),  n = tanh(x + r (h W + bias)),  h' = n + z (h - n)
 * On exit gates holds i, f, g, o or r, z, n. h and c have a row for each row of gates, h0, c0, h_end, c_end one for each
 * sequence: its state before the first and after the last of its moments. c is written by LSTM, and by GRU, which keeps
 * h W + bias of n there; c0 and c_end are LSTM's, bias is GRU's. The backward kernel reads what this one wrote, and g, the
 * adjoint of h as an output. g_h and g_c (LSTM) hold on entry the adjoints of h_end and c_end, on exit those of h0 and c0.
 * It takes W transposed, and writes the adjoint of what the input contributed (out), and GRU that of h W + bias. */
enum nd_recurrence { ND_RNN_TANH = 0, ND_RNN_RELU = 1, ND_LSTM = 2, ND_GRU = 3, ND_RECURRENCE_KINDS = 4 };
ND_API int nd_recurrence_dense(int dtype, int64_t n, void *gates, const void *weight, const void *bias, const void *h0,
                               const void *c0, void *h, void *c, void *h_end, void *c_end, const int64_t *sizes,
                               int64_t steps, int64_t hidden, int kind, int reverse);
ND_API int nd_recurrence_backward_dense(int dtype, int64_t n, void *out, const void *gates, const void *transposed,
                                        const void *h0, const void *c0, const void *h, const void *c, const void *g,
                                        void *g_h, void *g_c, void *out_of_state, const int64_t *sizes, int64_t steps,
                                        int64_t hidden, int kind, int reverse);

/* ---- 20. the next token through a block of a GPT, dense, f32 or f64 ---------------------------------------------
 * n sequences, of whose next token x has a row of dim numbers. keys and values, (n, heads, most, dim / heads), hold those
 * of `length` tokens before it, and then its own as well. With norm and gelu as in 14 (one group) and 13 (GELU_TANH),
 *     q, k, v = norm(x, norm_1) qkv + qkv_bias;           x <- x + attention(q, keys, values) proj + proj_bias
 *     h = gelu(norm(x, norm_2) fc + fc_bias);             x <- x + h out + out_bias
 * attention as in 17, for each head (dim / heads neighbouring columns of q, k, v) over all length + 1 keys, its scale
 * 1 / sqrt(dim / heads). Maps are (inputs, outputs): qkv (dim, 3 dim), proj (dim, dim), fc (dim, hidden), out (hidden, dim). */
ND_API int nd_gpt_block_dense(int dtype, int64_t n, void *x, void *keys, void *values, const void *norm_1,
                              const void *norm_1_bias, const void *qkv, const void *qkv_bias, const void *proj,
                              const void *proj_bias, const void *norm_2, const void *norm_2_bias, const void *fc,
                              const void *fc_bias, const void *out, const void *out_bias, int64_t dim, int64_t hidden,
                              int64_t heads, int64_t most, int64_t length, double eps_1, double eps_2);
#endif
