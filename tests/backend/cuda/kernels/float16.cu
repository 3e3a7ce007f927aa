// float16.cu - numbers of 16 bits: every conversion, arithmetic, comparison, and pairs.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

// All 65,536 numbers to float, and back.
__global__ void widen(float *half, float *bfloat, unsigned *wrong) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  const __half h = __ushort_as_half((unsigned short)i);
  const __nv_bfloat16 b = __ushort_as_bfloat16((unsigned short)i);
  half[i] = __half2float(h);
  bfloat[i] = __bfloat162float(b);
  if (!__hisnan(h) && __half_as_ushort(__float2half(half[i])) != i) atomicAdd(wrong, 1u);
  if (!__hisnan(b) && __bfloat16_as_ushort(__float2bfloat16(bfloat[i])) != i) atomicAdd(wrong, 1u);
}
__global__ void narrow(unsigned *half, unsigned *bfloat, const float *x) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  half[i] = __half_as_ushort(__float2half_rn(x[i]));
  bfloat[i] = __bfloat16_as_ushort(__float2bfloat16_rn(x[i]));
}
// Five results of each pair of halves: + - * / and a b + a, then what compares.
__global__ void arithmetic(unsigned *out, const unsigned *a, const unsigned *b, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const half x = __ushort_as_half((unsigned short)a[i]), y = __ushort_as_half((unsigned short)b[i]);
  half product = x;
  product *= y;
  const half results[] = {x + y, __hsub(x, y), product, __hdiv(x, y), __hfma(x, y, x)};
  for (int k = 0; k < 5; k++) out[k * n + i] = __half_as_ushort(results[k]);
  out[5 * n + i] = (x < y) | (x == y) << 1 | __hge(x, y) << 2 | (x != y) << 3;
}
__global__ void pairs(float *out, const float *x, int n) {
  __shared__ half2 tile[32];
  const int i = threadIdx.x;
  tile[i] = __floats2half2_rn(x[2 * i], x[2 * i + 1]);
  __syncthreads();
  const half2 other = tile[31 - i];
  const half2 sum = __hfma2(tile[i], other, __hadd2(other, __float2half2_rn(1.0f)));
  const float2 wide = __half22float2(sum);
  out[2 * i] = wide.x;
  out[2 * i + 1] = __high2float(sum) + float(n);
}
// The lanes of a warp add up what they have, and an atomic does.
__global__ void total(float *out, const float *x) {
  __shared__ half sum;
  half mine = __float2half(x[threadIdx.x]);
  if (threadIdx.x == 0) sum = __float2half(0.0f);
  __syncthreads();
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 700
  atomicAdd(&sum, mine);
#endif
  for (int by = 16; by; by /= 2) mine = __hadd(mine, __shfl_xor_sync(0xffffffffu, mine, by));
  __syncthreads();
  if (threadIdx.x == 0) out[0] = __half2float(mine), out[1] = __half2float(sum);
  if (threadIdx.x == 1) out[2] = __hfma(mine, 2.0f, 1.0f), out[3] = __hgt(mine, 0.0f);
}
// a b + c of bfloat16 where rounding twice goes wrong.
__global__ void once(unsigned *out, float a, float b, float c) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800 // older cards have no arithmetic of bfloat16
  out[0] = __bfloat16_as_ushort(__hfma(__float2bfloat16(a), __float2bfloat16(b), __float2bfloat16(c)));
#endif
}
extern "C" {
void run_widen(float *half, float *bfloat, unsigned *wrong) { widen<<<256, 256>>>(half, bfloat, wrong); }
void run_narrow(unsigned *half, unsigned *bfloat, const float *x, int n) { narrow<<<n / 256, 256>>>(half, bfloat, x); }
void run_arithmetic(unsigned *out, const unsigned *a, const unsigned *b, int n) {
  arithmetic<<<(n + 255) / 256, 256>>>(out, a, b, n);
}
void run_pairs(float *out, const float *x) { pairs<<<1, 32>>>(out, x, 0); }
void run_total(float *out, const float *x) { total<<<1, 32>>>(out, x); }
void run_once(unsigned *out, float a, float b, float c) { once<<<1, 1>>>(out, a, b, c); }
}
