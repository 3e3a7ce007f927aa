#include <cstdio>
#include <cmath>
#include <memory>
constexpr int TILE = 16;
template <int N> __global__ void mm(const float *a, const float *b, float *c, int n) {
  __shared__ float as[N][N], bs[N][N];
  int r = blockIdx.y * N + threadIdx.y, q = blockIdx.x * N + threadIdx.x;
  float s = 0;
  for (int t = 0; t < (n + N - 1) / N; t++) {
    as[threadIdx.y][threadIdx.x] = r < n && t * N + threadIdx.x < n ? a[r * n + t * N + threadIdx.x] : 0;
    bs[threadIdx.y][threadIdx.x] = q < n && t * N + threadIdx.y < n ? b[(t * N + threadIdx.y) * n + q] : 0;
    __syncthreads();
    for (int k = 0; k < N; k++) s += as[threadIdx.y][k] * bs[k][threadIdx.x];
    __syncthreads();
  }
  if (r < n && q < n) c[r * n + q] = s;
}
struct Device { float *p; explicit Device(int n) { cudaMalloc(&p, n * sizeof(float)); } ~Device() { cudaFree(p); } };
int main() {
  int n = 50;
  auto a = std::make_unique<float[]>(n * n), b = std::make_unique<float[]>(n * n), c = std::make_unique<float[]>(n * n);
  for (int i = 0; i < n * n; i++) a[i] = i % 7, b[i] = i % 5;
  Device da(n * n), db(n * n), dc(n * n);
  cudaMemcpy(da.p, a.get(), n * n * 4, cudaMemcpyHostToDevice); cudaMemcpy(db.p, b.get(), n * n * 4, cudaMemcpyHostToDevice);
  dim3 block(TILE, TILE), grid((n + TILE - 1) / TILE, (n + TILE - 1) / TILE);
  mm<TILE><<<grid, block>>>(da.p, db.p, dc.p, n);
  cudaMemcpy(c.get(), dc.p, n * n * 4, cudaMemcpyDeviceToHost);
  float worst = 0;
  for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) { float s = 0; for (int k = 0; k < n; k++) s += a[i * n + k] * b[k * n + j]; worst = fmaxf(worst, fabsf(s - c[i * n + j])); }
  printf("worst %g\n", worst);
  return worst > 1e-3f;
}
