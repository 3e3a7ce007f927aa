// driver.cpp - runs kernels on the simulator as it is on an arm64 machine, and says what they computed and what was found.
//
//   driver FLAVOUR ORDER basics.so warps.so ladder.so bugs.so faults.so
//
// Each line on stdout is `ok NAME`, `WRONG NAME: why`, or `bug NUMBER FIXED {findings as JSON}`; arm64.py reads them.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cstdint>
#include <string>
#include <vector>
#include "cudasim.h"

namespace {
bool failed = false;

template <class F> F *function(void *library, const char *name) {
  void *found = dlsym(library, name);
  if (!found) printf("WRONG %s: it is not in its library\n", name), exit(1);
  return reinterpret_cast<F *>(found);
}
std::string findings() {
  std::string text(size_t(cudasim_findings(nullptr, 0)), ' ');
  cudasim_findings(&text[0], int64_t(text.size()));
  return text;
}
// A kernel that is right: its result, no error of CUDA, and under the checker no finding.
void expect(const char *name, bool right) {
  const int error = cudasim_get_last_error();
  const std::string found = findings();
  const bool clean = found.find("\"kind\"") == std::string::npos;
  if (right && !error && clean) printf("ok %s\n", name);
  else printf("WRONG %s: result %s, error %d (%s), %s\n", name, right ? "right" : "wrong", error, cudasim_last_message(), found.c_str());
  failed |= !right || error || !clean;
  cudasim_clear_error();
  cudasim_clear_findings();
}

template <class T> struct Device { // an array in the device's memory
  T *data = nullptr;
  size_t n;
  explicit Device(size_t n) : n(n) { cudasim_malloc(reinterpret_cast<void **>(&data), n * sizeof(T)); }
  explicit Device(const std::vector<T> &host) : Device(host.size()) { cudasim_memcpy(data, host.data(), n * sizeof(T), 1); }
  Device(const Device &) = delete;
  ~Device() { cudasim_free(data); }
  std::vector<T> host() const {
    std::vector<T> to(n);
    cudasim_memcpy(to.data(), data, n * sizeof(T), 2);
    return to;
  }
};
template <class T> std::vector<T> numbers(size_t n, unsigned seed = 1) { // small whole ones: sums are exact in any order
  std::vector<T> a(n);
  for (size_t i = 0; i < n; i++) a[i] = T(int((i * 2654435761u + seed * 40503u) >> 7) % 9 - 4);
  return a;
}

void basics(void *library) {
  const int rows = 37, columns = 50, n = 1000;
  const auto matrix = numbers<double>(rows * columns);
  Device<double> in(matrix), out(matrix.size());
  function<int(double *, const double *, int, int)>(library, "run_transpose")(out.data, in.data, rows, columns);
  bool right = true;
  const auto turned = out.host();
  for (int i = 0; i < rows; i++)
    for (int j = 0; j < columns; j++) right &= turned[size_t(j * rows + i)] == matrix[size_t(i * columns + j)];
  expect("transpose", right);

  const auto a = numbers<float>(n);
  Device<float> da(a), sums(4), doubled(n);
  function<int(const float *, float *, int, int)>(library, "run_block_sum")(da.data, sums.data, n, 256);
  right = true;
  for (int block = 0; block < 4; block++) {
    float sum = 0.5f;
    for (int i = block * 256; i < n && i < (block + 1) * 256; i++) sum += a[size_t(i)];
    right &= sums.host()[size_t(block)] == sum;
  }
  expect("block_sum", right);

  function<int(float *, const float *, int, float, int)>(library, "run_map")(doubled.data, da.data, n, 3, 1);
  right = true;
  for (int i = 0; i < n; i++) right &= doubled.host()[size_t(i)] == 3 * a[size_t(i)] * a[size_t(i)];
  expect("map", right);

  std::vector<int> values(20000), counted(10);
  for (size_t i = 0; i < values.size(); i++) counted[size_t(values[i] = int(i * i % 10))]++;
  float total = 0;
  for (const int v : values) total += float(v);
  Device<int> dv(values), counts(std::vector<int>(10)), largest(std::vector<int>(1, -5));
  Device<float> sum(std::vector<float>(1));
  function<int(const int *, int *, float *, int *, int)>(library, "run_histogram")(dv.data, counts.data, sum.data, largest.data,
                                                                                  int(values.size()));
  expect("histogram", counts.host() == counted && sum.host()[0] == total && largest.host()[0] == 9);

  Device<int> counter(std::vector<int>(1));
  function<int(int *, int)>(library, "run_locked")(counter.data, 200);
  expect("locked", counter.host()[0] == 200);

  const float three[3] = {1, 2, 4};
  Device<float> filtered(std::vector<float>(n, 0.0f));
  function<int(float *, const float *, int, const float *)>(library, "run_filter")(filtered.data, da.data, n, three);
  right = true;
  for (size_t i = 1; i + 1 < size_t(n); i++) right &= filtered.host()[i] == a[i - 1] + 2 * a[i] + 4 * a[i + 1];
  expect("filter", right);

  std::vector<float> host(100);
  float milliseconds = -1;
  const int error = function<int(float *, int, float *)>(library, "run_host")(host.data(), 100, &milliseconds);
  expect("host", !error && host[99] == 7 && milliseconds >= 0);

  char text[4096];
  function<int(int)>(library, "run_hello")(2);
  const int64_t bytes = cudasim_take_output(text, sizeof text);
  expect("hello", bytes == 4 * int64_t(strlen("hello from thread 0 of block 0\n")));
}

void warps(void *library) {
  Device<int> out(5 * 32);
  function<int(int *)>(library, "run_shuffles")(out.data);
  bool right = true;
  for (int lane = 0; lane < 32; lane++) {
    const int wanted[5] = {5, lane >= 3 ? lane - 3 : lane, lane % 8 < 5 ? lane + 3 : lane, lane ^ 1, lane / 16 * 16 + 2};
    for (int row = 0; row < 5; row++) right &= out.host()[size_t(row * 32 + lane)] == 10 * wanted[row];
  }
  expect("shuffles", right);
  const auto a = numbers<float>(5000);
  float sum = 0;
  for (const float x : a) sum += x;
  Device<float> da(a), total(1);
  function<int(const float *, float *, int, int)>(library, "run_long_sum")(da.data, total.data, 5000, 1024);
  expect("long_sum", total.host()[0] == sum);
}

void ladder(void *library) { // every rung of csrc/cuda/ladder
  const int m = 33, n = 70, k = 41;
  const auto a = numbers<float>(m * k), b = numbers<float>(k * n, 2);
  std::vector<float> product(m * n);
  for (int i = 0; i < m; i++)
    for (int p = 0; p < k; p++)
      for (int j = 0; j < n; j++) product[size_t(i * n + j)] += a[size_t(i * k + p)] * b[size_t(p * n + j)];
  Device<float> da(a), db(b);
  for (const char *name : {"rows", "columns", "tiled", "registers", "buffered"}) {
    Device<float> out(m * n);
    const std::string full = std::string("ncl_matmul_") + name;
    function<int(int64_t, int64_t, int64_t, const float *, const float *, float *)>(library, full.c_str())(m, n, k, da.data, db.data,
                                                                                                          out.data);
    expect(full.c_str(), out.host() == product);
  }
  float sum = 0;
  for (const float x : a) sum += x;
  for (const char *name : {"divided", "strided", "sequential", "shuffled"}) {
    Device<float> out(1);
    const std::string full = std::string("ncl_reduce_") + name;
    function<int(int64_t, const float *, float *)>(library, full.c_str())(m * k, da.data, out.data);
    expect(full.c_str(), out.host()[0] == sum);
  }
  for (const char *name : {"naive", "tiled", "padded"}) {
    Device<float> out(m * k);
    const std::string full = std::string("ncl_transpose_") + name;
    function<int(int, int, const float *, float *)>(library, full.c_str())(m, k, da.data, out.data);
    bool right = true;
    for (int i = 0; i < m; i++)
      for (int j = 0; j < k; j++) right &= out.host()[size_t(j * m + i)] == a[size_t(i * k + j)];
    expect(full.c_str(), right);
  }
}

void bugs(void *library, int count) { // each with its mistake, and repaired
  std::vector<int> numbers(64);
  for (int i = 0; i < 64; i++) numbers[size_t(i)] = i;
  Device<int> a(numbers);
  const int never_written = 12;
  for (int which = 0; which < count; which++)
    for (int fixed = 0; fixed < 2; fixed++) {
      Device<int> out(128);
      if (which != never_written) cudasim_memset(out.data, 0, 128 * sizeof(int));
      function<int(int, int *, const int *, int)>(library, "bug")(which, out.data, a.data, fixed);
      printf("bug %d %d %s\n", which, fixed, findings().c_str());
      cudasim_clear_error();
      cudasim_clear_findings();
    }
}

void faults(void *library) { // the error of each, and that the device works afterwards
  const int wanted[6] = {702, 700, 0, 710, 719, 9};
  cudasim_set_timeout(0.5);
  for (int which : {0, 1, 3, 4, 5, 7}) {
    std::vector<int> start(64);
    start[3] = which == 3;
    Device<int> a(start);
    function<void(int, int *)>(library, "run_fault")(which, a.data);
    const int error = cudasim_peek_last_error(), expected = which == 7 ? 719 : wanted[which];
    printf("# fault %d: %s\n", which, cudasim_last_message());
    cudasim_clear_error();
    cudasim_clear_findings();
    function<void(int, int *)>(library, "run_fault")(6, a.data);
    expect(("fault " + std::to_string(which)).c_str(), error == expected && a.host()[0] == 1);
  }
  cudasim_set_timeout(60);
}
} // namespace

int main(int, char **arguments) {
  void *libraries[5];
  for (int i = 0; i < 5; i++)
    if (!(libraries[i] = dlopen(arguments[3 + i], RTLD_NOW | RTLD_LOCAL))) return fprintf(stderr, "%s\n", dlerror()), 2;
  setvbuf(stdout, nullptr, _IOLBF, 0);
  cudasim_set_order(atoi(arguments[2]), 3);
  cudasim_set_timeout(60); // an emulator takes its time
  printf("# %s, order %s, stacks switched by %s\n", arguments[1], arguments[2], cudasim_switch_name());
  basics(libraries[0]);
  warps(libraries[1]);
  ladder(libraries[2]);
  if (!strcmp(arguments[1], "check")) bugs(libraries[3], 18);
  faults(libraries[4]);
  return failed;
}
