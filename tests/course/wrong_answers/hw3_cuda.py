"""Homework 3, questions 8 to 10: kernels in CUDA."""

from . import changed, solutions

COPIES, SUMS, PRODUCTS = (solutions("hw3")[q] for q in ("q8", "q9", "q10"))
BOTH, SECOND = COPIES.split("// Element number k")
FIRST_INDEX = "const int i = blockIdx.x * blockDim.x + threadIdx.x;"
GUARD = "if (i >= size) return;"
MOVE, PUT = "out[i] = a[place];", "out[place] = values[i * step];"
EACH = "for (int k = t; k < n; k += THREADS) {"
NEXT = "const float next = a[blockIdx.x * n + k];"
SHARE = "part[t] = found;\n  __syncthreads();"
HALVE = "for (int half = THREADS / 2; half > 0; half /= 2) {"
FOLD = (
    "if (t < half) part[t] = largest ? fmaxf(part[t], part[t + half]) : part[t] + part[t "
    "+ half];\n    __syncthreads();"
)
LAST = "if (t == 0) out[blockIdx.x] = part[0];"
NEUTRAL_ONE = "largest ? -INFINITY : 0.0f"
PLAIN_SUM = "for (int k = 0; k < n; k++) sum += a[row * n + k] * b[k * p + column];"
PLAIN_GUARD = "if (row >= m || column >= p) return;"
PLACES = (
    "const int column = blockIdx.x * blockDim.x + threadIdx.x, row = blockIdx.y * blockDim.y + threadIdx.y;"
)
TA = "ta[y][x] = row < m && k0 + x < n ? a[row * n + k0 + x] : 0;"
TB = "tb[y][x] = k0 + y < n && column < p ? b[(k0 + y) * p + column] : 0;"
USE = "for (int k = 0; k < TILE; k++) sum += ta[y][k] * tb[k][x];"
BARRIER_BEFORE, BARRIER_AFTER = f"{TB}\n    __syncthreads();", f"{USE}\n    __syncthreads();"
WRITE = "if (row < m && column < p) out[row * p + column] = sum;"


def first(old: str, new: str) -> str:
    """A change in `compact_kernel` alone."""
    return changed(BOTH, old, new) + "// Element number k" + SECOND


def second(old: str, new: str) -> str:
    """A change in `setitem_kernel` alone."""
    return BOTH + "// Element number k" + changed(SECOND, old, new)


ONE_THREAD = """if (blockIdx.x || threadIdx.x) return;
  for (int i = 0; i < size; i++) {"""

WRONG = {
    "q8: the block forgotten": first(FIRST_INDEX, "const int i = threadIdx.x;"),
    "q8: block and thread swapped": first(
        FIRST_INDEX, "const int i = threadIdx.x * blockDim.x + blockIdx.x;"
    ),
    "q8: gridDim for blockDim": second(FIRST_INDEX, "const int i = blockIdx.x * gridDim.x + threadIdx.x;"),
    "q8: blocks of 32": second(FIRST_INDEX, "const int i = blockIdx.x * 32 + threadIdx.x;"),
    "q8: no guard": first(GUARD, ""),
    "q8: one thread too many": first(GUARD, "if (i > size) return;"),
    "q8: no guard while writing": second(GUARD, ""),
    "q8: one thread too few": first(GUARD, "if (i >= size - 1) return;"),
    "q8: one thread does it all": first(f"{FIRST_INDEX}\n  {GUARD}", ONE_THREAD).replace(
        MOVE, f"{MOVE}\n  }}"
    ),
    "q8: every thread does it all": first(
        f"{FIRST_INDEX}\n  {GUARD}", "for (int i = 0; i < size; i++) {"
    ).replace(MOVE, f"{MOVE}\n  }}"),
    "q8: a thread does four": first(
        f"{FIRST_INDEX}\n  {GUARD}",
        "for (int i = 4 * (blockIdx.x * blockDim.x + threadIdx.x), end = i + 4; i < end && i < size; i++) {",
    ).replace(MOVE, f"{MOVE}\n  }}"),
    "q8: memory as it lies": first(MOVE, "out[i] = a[i];"),
    "q8: the step forgotten": second(PUT, "out[place] = values[i];"),
    "q8: always the first value": second(PUT, "out[place] = values[0];"),
    "q8: atomically": second(PUT, "atomicAdd(&out[place], values[i * step]);"),
    "q8: adds": first(MOVE, "out[i] += a[place];"),
    "q8: the neighbour, too": second(
        PUT,
        f"{PUT}\n  if (i + 1 < size) out[place] = values[i * step];\n  if (place > 0) "
        f"out[place - 1] += 0 * out[place - 1];",
    ),
    "q9: no barrier before": changed(SUMS, SHARE, "part[t] = found;"),
    "q9: no barrier inside": changed(SUMS, FOLD, FOLD.replace("\n    __syncthreads();", "")),
    "q9: the barrier inside the if": changed(
        SUMS,
        FOLD,
        "if (t < half) {\n part[t] = largest ? fmaxf(part[t], part[t + half]) : part[t] + "
        "part[t + half];\n    __syncthreads();\n}",
    ),
    "q9: threads leave early": changed(
        SUMS, SHARE, "part[t] = found;\n  if (t >= n) return;\n  __syncthreads();"
    ),
    "q9: only THREADS numbers": changed(SUMS, EACH, "for (int k = t; k < n && k < THREADS; k += THREADS) {"),
    "q9: every thread the whole row": changed(
        SUMS, EACH, "for (int k = 0; k < n; k++) {", LAST, "if (t == 0) out[blockIdx.x] = found;"
    ),
    "q9: one thread works": changed(SUMS, EACH, "for (int k = 0; t == 0 && k < n; k++) {"),
    "q9: chunks": changed(
        SUMS,
        EACH,
        "const int chunk = (n + THREADS - 1) / THREADS;\n  for (int k = t * chunk; k < n && "
        "k < (t + 1) * chunk; k++) {",
    ),
    "q9: the first row again": changed(SUMS, NEXT, "const float next = a[k];"),
    "q9: blocks interleaved": changed(SUMS, NEXT, "const float next = a[k * gridDim.x + blockIdx.x];"),
    "q9: 0 is the neutral number": changed(SUMS, NEUTRAL_ONE, "0.0f"),
    "q9: -1e30 is the neutral number": changed(SUMS, NEUTRAL_ONE, "largest ? -1e30f : 0.0f"),
    "q9: nobody adds up": changed(SUMS, LAST, "if (t == 0) out[blockIdx.x] = found;"),
    "q9: the last step forgotten": changed(SUMS, "half > 0", "half > 1"),
    "q9: everybody writes": changed(SUMS, LAST, "out[blockIdx.x] = part[t];"),
    "q9: the thread's own place": changed(SUMS, LAST, "if (t == 0) out[t] = part[0];"),
    "q9: neighbours first": changed(
        SUMS,
        HALVE,
        "for (int half = 1; half < THREADS; half *= 2) {",
        FOLD,
        "if (2 * half * t + half < THREADS) part[2 * half * t] = largest ? fmaxf(part[2 * "
        "half * t], part[2 * half * t + half]) : part[2 * half * t] + part[2 * half * t + "
        "half];\n    __syncthreads();",
    ),
    "q9: atomics on memory": changed(
        SUMS,
        NEXT,
        f"{NEXT}\n    if (k < 0) atomicAdd(out, next);",
        LAST,
        "if (!largest) { if (t == 0) out[blockIdx.x] = 0; __syncthreads(); "
        "atomicAdd(&out[blockIdx.x], found); } else if (t == 0) out[blockIdx.x] = part[0];",
    ),
    "q9: half of it unwritten": changed(SUMS, SHARE, "if (t < n) part[t] = found;\n  __syncthreads();"),
    "q9: sums only": changed(SUMS, "found = largest ? fmaxf(found, next) : found + next;", "found += next;"),
    "q9: a race that gives the right number": changed(SUMS, LAST, "out[blockIdx.x] = part[0];"),
    "q10: x is the row": changed(
        PRODUCTS,
        PLACES,
        PLACES.replace("column =", "swap =").replace("row =", "column =").replace("swap =", "row ="),
    ),
    "q10: column without its end": changed(PRODUCTS, PLAIN_GUARD, "if (row >= m) return;"),
    "q10: row without its end": changed(PRODUCTS, PLAIN_GUARD, "if (column >= p) return;"),
    "q10: m and p swapped": changed(PRODUCTS, PLAIN_GUARD, "if (row >= p || column >= m) return;"),
    "q10: b transposed": changed(
        PRODUCTS, PLAIN_SUM, PLAIN_SUM.replace("b[k * p + column]", "b[column * n + k]")
    ),
    "q10: sums in out": changed(
        PRODUCTS,
        PLAIN_SUM,
        "out[row * p + column] = 0;\n  for (int k = 0; k < n; k++) out[row * p + column] += "
        "a[row * n + k] * b[k * p + column];\n  sum = out[row * p + column];",
    ),
    "q10: no barrier before": changed(PRODUCTS, BARRIER_BEFORE, TB),
    "q10: no barrier after": changed(PRODUCTS, BARRIER_AFTER, USE),
    "q10: threads outside leave": changed(
        PRODUCTS, "  for (int k0 = 0;", "  if (row >= m || column >= p) return;\n  for (int k0 = 0;"
    ),
    "q10: a without its edge": changed(PRODUCTS, TA, "ta[y][x] = row < m ? a[row * n + k0 + x] : 0;"),
    "q10: b without its edge": changed(PRODUCTS, TB, "tb[y][x] = column < p ? b[(k0 + y) * p + column] : 0;"),
    "q10: only where there is something": changed(
        PRODUCTS, TA, "if (row < m && k0 + x < n) ta[y][x] = a[row * n + k0 + x];"
    ),
    "q10: a tile with padding": changed(PRODUCTS, "ta[TILE][TILE]", "ta[TILE][TILE + 1]"),
    "q10: tiles the other way round": changed(
        PRODUCTS,
        TA,
        TA.replace("ta[y][x]", "ta[x][y]"),
        TB,
        TB.replace("tb[y][x]", "tb[x][y]"),
        USE,
        "for (int k = 0; k < TILE; k++) sum += ta[k][y] * tb[x][k];",
    ),
    "q10: tile of a transposed": changed(
        PRODUCTS, USE, "for (int k = 0; k < TILE; k++) sum += ta[k][y] * tb[k][x];"
    ),
    "q10: the plain kernel twice": changed(
        PRODUCTS,
        USE,
        "if (row < m && column < p) for (int k = 0; k < TILE && k0 + k < n; k++) sum += "
        "a[row * n + k0 + k] * b[(k0 + k) * p + column];",
    ),
    "q10: only full tiles": changed(PRODUCTS, "k0 < n; k0 += TILE", "k0 + TILE <= n; k0 += TILE"),
    "q10: one round": changed(PRODUCTS, "k0 < n; k0 += TILE", "k0 < TILE; k0 += TILE"),
    "q10: out without its edge": changed(PRODUCTS, WRITE, "if (row < m) out[row * p + column] = sum;"),
    "q10: adds to what is there": changed(
        PRODUCTS, WRITE, "if (row < m && column < p) out[row * p + column] += sum;"
    ),
}

SAME = "Two threads write the same element: which number has a thread in all?"
LAST_BLOCK = "The last block has more threads than elements are left."
VALUES = f"{LAST_BLOCK} And how many values are there?"
ONE_EACH = "Each thread does one element and no more; there is no loop over elements."
BARRIER = "Between a write and another thread's read there must be a barrier."
ALL_COME = "All threads must come to each barrier: put it behind the if, not inside."
ONCE = "Each number is fetched once; partial sums live in a variable, and in shared memory."
BOTH_ENDS = "Some threads have no element: row and column both have an end."
TWO = "One barrier before the tiles are used, and one before they are overwritten."
CONFLICTS = "Threads of a warp differ in x: let x be the last index, unpadded: two rows fill the banks."
EDGE = "Beyond the edge of a matrix a tile holds 0."
HINTS = {
    "q8: the block forgotten": [SAME],
    "q8: gridDim for blockDim": [SAME],
    "q8: every thread does it all": [SAME],
    "q8: the neighbour, too": [SAME],
    "q8: no guard": [LAST_BLOCK],
    "q8: one thread too many": [LAST_BLOCK],
    "q8: no guard while writing": [VALUES],
    "q8: the step forgotten": [VALUES],
    "q8: one thread does it all": [ONE_EACH],
    "q8: a thread does four": ["Neighbouring threads do neighbouring elements."],
    "q9: no barrier before": [BARRIER],
    "q9: no barrier inside": [BARRIER],
    "q9: the barrier inside the if": [ALL_COME],
    "q9: threads leave early": [ALL_COME],
    "q9: only THREADS numbers": ["Only the first 128 numbers came: each thread takes several."],
    "q9: every thread the whole row": [ONCE],
    "q9: one thread works": [ONCE],
    "q9: chunks": ["Neighbouring threads must fetch neighbouring numbers: a stride of THREADS."],
    "q9: the first row again": ["Each block has a row of its own."],
    "q9: 0 is the neutral number": ["What has a thread without a number to contribute? Not 0."],
    "q9: nobody adds up": ["That is one thread's share: where do the threads add up?"],
    "q9: the last step forgotten": ["Is the last step of the halving there?"],
    "q9: everybody writes": [BARRIER],
    "q9: the thread's own place": [BARRIER],
    "q9: neighbours first": ["Halve: thread t takes from t + half."],
    "q9: atomics on memory": [ONCE],
    "q9: a race that gives the right number": [BARRIER],
    "q10: column without its end": [BOTH_ENDS],
    "q10: row without its end": [BOTH_ENDS],
    "q10: m and p swapped": [BOTH_ENDS],
    "q10: no barrier before": [TWO],
    "q10: no barrier after": [TWO],
    "q10: threads outside leave": ["A thread outside of out must still fetch, and come to every barrier."],
    "q10: a without its edge": [EDGE],
    "q10: b without its edge": [EDGE],
    "q10: a tile with padding": [CONFLICTS],
    "q10: tiles the other way round": [CONFLICTS],
    "q10: the plain kernel twice": [
        "Each thread fetches one number of each tile in a round, and computes from shared memory."
    ],
}
NEUTRAL = {
    "Do questions 4 and 5 work? Then: which element does a thread do?",
    "Some threads have nothing to do, whole blocks of them, even.",
    "Which numbers does a thread take? What does one contribute that has none?",
    "Nothing is below −∞, and that is what a thread without a number contributes.",
    "Compute one element by hand: which row of a, which column of b?",
    "Which matrix ends where? a is (m, n), b is (n, p).",
}
EQUIVALENT = {
    "q9: 0 → 1 (2)": "after the last barrier any thread may write",
    "q10: k0 < n → k0 <= n": "a round more, of tiles that are all 0",
    "q10: 0 → 1 (5)": "beyond the edge of a the other tile is 0, or the row is not written",
    "q10: 0 → 1 (6)": "beyond the edge of b the other tile is 0, or the column is not written",
}
