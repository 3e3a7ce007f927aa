/* caches.c - asks the system for the sizes of the caches.
 *
 * Linux describes each cache of a core in a folder of three small files (level, type, size "48K"), on every kind of
 * processor and in virtual machines too; macOS answers by name. A size that makes no sense is not believed.
 */
#include <stdio.h>
#include <string.h>
#include "caches.h"
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

nd_caches nd_cache_sizes = {.l1 = 32 << 10, .l2 = 512 << 10};

static void believe(int64_t *size, int64_t bytes, int64_t least, int64_t most) {
  if (bytes >= least && bytes <= most) *size = bytes;
}
static void found(int level, int64_t bytes) {
  if (level == 1) believe(&nd_cache_sizes.l1, bytes, 8 << 10, 1 << 20);
  if (level == 2) believe(&nd_cache_sizes.l2, bytes, 64 << 10, 64 << 20);
}

#if defined(__linux__)
/* The first word of file `name` of cache number `index`, or "". */
static void read_word(int index, const char *name, char word[16]) {
  char path[80];
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/%s", index, name);
  word[0] = 0;
  FILE *file = fopen(path, "re");
  if (!file) return;
  if (fscanf(file, "%15s", word) != 1) word[0] = 0;
  fclose(file);
}

__attribute__((constructor)) static void measure_caches(void) {
  for (int index = 0; index < 8; index++) {
    char level[16], type[16], size[16];
    int number = 0;
    long long units = 0;
    char unit = 0;
    read_word(index, "level", level);
    if (sscanf(level, "%d", &number) != 1) return; /* there are no more */
    read_word(index, "type", type);
    read_word(index, "size", size);
    if (sscanf(size, "%lld%c", &units, &unit) < 1 || strcmp(type, "Instruction") == 0) continue;
    found(number, units << (unit == 'K' ? 10 : unit == 'M' ? 20 : 0));
  }
}
#elif defined(__APPLE__)
__attribute__((constructor)) static void measure_caches(void) {
  static const char *const names[][2] = {{"hw.l1dcachesize", "hw.perflevel0.l1dcachesize"},
                                         {"hw.l2cachesize", "hw.perflevel0.l2cachesize"}}; /* any core; a fast core */
  for (int level = 1; level <= 2; level++)
    for (int i = 0; i < 2; i++) {
      int64_t bytes = 0;
      size_t size = sizeof bytes;
      if (sysctlbyname(names[level - 1][i], &bytes, &size, NULL, 0) == 0) found(level, bytes);
    }
}
#endif
