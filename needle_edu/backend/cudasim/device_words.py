"""Names that the lint knows: what of C and C++'s libraries device code may use, and what it may not."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NO_FUNCTION = _words("""
    if for while switch return sizeof alignof catch alignas decltype noexcept static_assert defined else do new delete
    __launch_bounds__ __attribute__ __align__ operator and or not asm
""")
"""Words before a bracket that call nothing."""
NO_TYPE = _words("return else throw case delete new goto")
HOST_ONLY = _words("""
    exit abort _exit atexit rand srand time fprintf sprintf snprintf fopen fclose fflush scanf getenv system qsort
    strtol strtod atoi atof puts putchar calloc realloc memcmp strcmp strlen strcpy
""")
"""C's functions that no kernel can call; printf, assert, malloc, free, memcpy and memset it can."""
STD_ON_DEVICE = _words("""
    abs fabs sqrt cbrt exp exp2 expm1 log log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh tanh asinh
    acosh atanh floor ceil round trunc rint nearbyint fmod remainder fmin fmax fma hypot erf erfc tgamma lgamma isnan
    isinf isfinite signbit copysign ldexp frexp modf move forward declval size_t ptrdiff_t nullptr_t int8_t int16_t
    int32_t int64_t uint8_t uint16_t uint32_t uint64_t true_type false_type integral_constant numeric_limits
""")
"""Of std::, what nvcc knows on the device: mathematics and types."""
TRAITS = re.compile(
    r"(?:is|remove|add|make|enable|conditional|decay|common|underlying|invoke|conjunction|disjunction)_?\w*"
)
