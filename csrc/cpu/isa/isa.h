/* isa.h - what every file in isa/ needs to know: for which instruction set it is being compiled. */
#ifndef ND_ISA_H
#define ND_ISA_H
#ifndef ND_ISA
#error "compile with -DND_ISA=base (or avx2, avx512, neon)"
#endif
#define ND_JOIN_(a, b) a##_##b
#define ND_JOIN(a, b) ND_JOIN_(a, b)
#define ND_TABLE(family) ND_JOIN(nd_##family##_table, ND_ISA) /* nd_unary_table_avx2 */
#endif
