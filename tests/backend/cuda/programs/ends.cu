// Ends in the way that its argument names, after a kernel that writes past the end of its memory.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <unistd.h>

__global__ void past_the_end(int *a) {
  if (threadIdx.x == 0) printf("kernel ");
  a[threadIdx.x] = 1;
}

struct Last {
  ~Last() { std::cout << "last\n"; }
} last;

int main(int argc, char **argv) {
  const auto is = [&](const char *word) { return argc > 1 && !strcmp(argv[1], word); };
  int *a;
  cudaMalloc(&a, 16);
  std::cout << argc << ' ';
  past_the_end<<<1, is("clean") ? 4 : 5>>>(a);
  printf("host ");
  std::cout << "stream\n";
  if (is("exit")) std::exit(3);
  if (is("_exit")) _exit(4);
  if (is("abort")) abort();
  if (is("throw")) throw std::runtime_error("thrown");
  if (is("fault")) *const_cast<volatile int *>(static_cast<int *>(nullptr)) = 1;
  if (is("loop"))
    for (volatile unsigned i = 0;; i = i + 1) {
    }
  if (is("reset")) cudaDeviceReset();
  return is("return") ? 2 : 0;
}
