/* instruction_sets.c - which instruction set's kernels are in use.
 *
 * Every instruction set has one nd_isa: pointers to its tables, one for each line of families.h. At load the
 * strongest one that this processor supports is chosen; nd_set_isa changes it at any time.
 */
#include <string.h>
#include "kernel_types.h"

#define DECLARE(family, table, isa) extern const struct nd_##family##_table nd_##family##_table_##isa;
#define ENTRY(family, table, isa) .family = &nd_##family##_table_##isa,
#define ISA(isa)             \
  ND_FAMILIES(DECLARE, isa) \
  static const nd_isa isa_##isa = {.name = #isa, ND_FAMILIES(ENTRY, isa)};

ISA(base)
#if defined(ND_ISAS_X86)
ISA(avx2)
ISA(avx512)
static const nd_isa *const isas[] = {&isa_base, &isa_avx2, &isa_avx512};
#define ISA_NAMES "base avx2 avx512"
#elif defined(ND_ISAS_ARM64)
ISA(neon)
static const nd_isa *const isas[] = {&isa_base, &isa_neon};
#define ISA_NAMES "base neon"
#else
static const nd_isa *const isas[] = {&isa_base};
#define ISA_NAMES "base"
#endif
enum { ISAS = sizeof isas / sizeof isas[0] };

static const nd_isa *current = &isa_base;

static const nd_isa *find_isa(const char *name) {
  for (int i = 0; i < ISAS; i++)
    if (strcmp(isas[i]->name, name) == 0) return isas[i];
  return NULL;
}

const char *nd_isa_names(void) { return ISA_NAMES; }

int nd_isa_supported(const char *name) {
  if (!find_isa(name)) return 0;
#if defined(ND_ISAS_X86)
  __builtin_cpu_init();
  if (strcmp(name, "avx2") == 0) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (strcmp(name, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#endif
  return 1;
}

const nd_isa *nd_current_isa(void) { return __atomic_load_n(&current, __ATOMIC_RELAXED); }

const char *nd_get_isa(void) { return nd_current_isa()->name; }

int nd_set_isa(const char *name) {
  if (!nd_isa_supported(name)) return ND_EISA;
  __atomic_store_n(&current, find_isa(name), __ATOMIC_RELAXED);
  return ND_OK;
}

__attribute__((constructor)) static void choose_strongest(void) {
  for (int i = 0; i < ISAS; i++) nd_set_isa(isas[i]->name);
}
