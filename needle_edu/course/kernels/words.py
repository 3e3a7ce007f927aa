"""The words that an answer in C or CUDA may be made of, beside the names that it declares itself (`rules`)."""


def _words(*lines: str) -> frozenset[str]:
    return frozenset(" ".join(lines).split())


TYPES = _words(
    "void bool char short int long signed unsigned float double size_t auto int8_t int16_t int32_t int64_t uint8_t",
    "uint16_t uint32_t uint64_t float2 float3 float4 int2 int3 int4 uint2 uint3 uint4 double2",
)
QUALIFIERS = _words("const constexpr volatile restrict __restrict__ __restrict __shared__")
KEYWORDS = _words(
    "if else for while do switch case default break continue return sizeof true false nullptr enum static_cast",
    "reinterpret_cast inline __forceinline__ __device__ __global__",
)
VALUES = _words(
    "threadIdx blockIdx blockDim gridDim warpSize INFINITY NAN FLT_MAX INT_MAX INT_MIN NULL CUDART_INF_F"
)
MEMBERS = _words("x y z w")
FUNCTIONS = _words(
    "__syncthreads __syncwarp __shfl_sync __shfl_up_sync __shfl_down_sync __shfl_xor_sync __ballot_sync __any_sync",
    "__all_sync __threadfence __threadfence_block __ldg __popc __float_as_int __int_as_float __fdividef __expf",
    "__logf atomicAdd atomicSub atomicMax atomicMin atomicCAS atomicExch atomicAnd atomicOr atomicXor min max abs",
    "fabs fabsf fmax fmaxf fmin fminf fma fmaf sqrt sqrtf rsqrtf exp expf log logf pow powf tanh tanhf floor floorf",
    "ceil ceilf isnan isinf make_float2 make_float3 make_float4 make_int2 make_int4",
)
# Words of the language that an answer does not need; as names they would be none.
REFUSED = _words(
    "alignas alignof and and_eq asm bitand bitor catch char16_t char32_t char8_t class co_await co_return co_yield",
    "compl concept consteval constinit const_cast decltype delete dynamic_cast explicit export friend goto mutable",
    "namespace new noexcept not not_eq operator or or_eq private protected public register requires static",
    "static_assert struct template this thread_local throw try typedef typeid typename typeof union using virtual",
    "wchar_t xor xor_eq",
)
