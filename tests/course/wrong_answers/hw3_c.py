"""Homework 3, questions 4 to 7: kernels in C."""

from . import changed, solutions

COPY, WRITE, REDUCE, PRODUCT = (solutions("hw3")[q] for q in ("q4", "q5", "q6", "q7"))
WALK = "for (int axis = ndim - 1; axis >= 0; axis--) {"
REST = "int rest = i, place = offset;"
PLACE = "place += rest % shape[axis] * strides[axis];"
TAKEN = "rest /= shape[axis];"
MOVE = "out[i] = a[place];"
PUT = "out[place] = values[i * step];"
FOUND = "float found = a[r * n];"
OTHERS = "for (int k = 1; k < n; k++) {"
NEXT = "const float next = a[r * n + k];"
COMBINE = "found = largest ? fmaxf(found, next) : found + next;"
TA = "ta[i][k] = i0 + i < m && k0 + k < n ? a[(i0 + i) * n + k0 + k] : 0;"
TB = "tb[i][k] = k0 + i < n && j0 + k < p ? b[(k0 + i) * p + j0 + k] : 0;"
ADD = "tc[i][j] += ta[i][k] * tb[k][j];"
ZERO = "for (int j = 0; j < 8; j++) tc[i][j] = 0;"
OUT = "out[(i0 + i) * p + j0 + j] = tc[i][j];"


def product(body: str) -> str:
    """The cell of question 7 with another body."""
    head, _, rest = PRODUCT.partition("  // BEGIN SOLUTION\n")
    return f"{head}{body}{rest.partition('  // END SOLUTION')[2]}"


THREE_LOOPS = """
  for (int i = 0; i < m; i++)
    for (int j = 0; j < p; j++) {
      float sum = 0;
      for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * p + j];
      out[i * p + j] = sum;
    }
"""

WRONG = {
    "q4: memory as it lies": changed(COPY, MOVE, "out[i] = a[i];"),
    "q4: the offset forgotten": changed(COPY, REST, "int rest = i, place = 0;"),
    "q4: the first axis fastest": changed(COPY, WALK, "for (int axis = 0; axis < ndim; axis++) {"),
    "q4: one axis too few": changed(COPY, "axis >= 0", "axis > 0"),
    "q4: one axis too many": changed(COPY, "int axis = ndim - 1", "int axis = ndim"),
    "q4: not taken apart": changed(COPY, TAKEN, ""),
    "q4: divided where the remainder belongs": changed(COPY, "rest % shape[axis]", "rest / shape[axis]"),
    "q4: shape for strides": changed(COPY, "* strides[axis]", "* shape[axis]"),
    "q4: one element too many": changed(COPY, "i < size", "i <= size"),
    "q4: one element too few": changed(COPY, "i < size", "i < size - 1"),
    "q4: writes by place": changed(COPY, MOVE, "out[place] = a[i];"),
    "q4: adds": changed(COPY, MOVE, "out[i] += a[place];"),
    "q4: two axes only": changed(
        COPY, WALK, "for (int axis = ndim - 1; axis >= 0 && axis > ndim - 3; axis--) {"
    ),
    "q4: unsigned strides": changed(
        COPY, "* strides[axis];", "* (strides[axis] < 0 ? -strides[axis] : strides[axis]);"
    ),
    "q4: clears the view": changed(COPY, MOVE, f"{MOVE} ((float *)a)[place] = 0;"),
    "q4: changes the shape": changed(COPY, MOVE, f"{MOVE} ((int *)shape)[0] = 1;"),
    "q4: looks behind the view": changed(COPY, MOVE, "out[i] = a[place] + 0 * a[place + size + 99];"),
    "q4: whole numbers": changed(COPY, MOVE, "out[i] = (int)a[place];"),
    "q4: never ends": changed(COPY, TAKEN, f"{TAKEN} axis += 0 * rest; if (rest == 0) i = 0;"),
    "q5: memory as it lies": changed(WRITE, PUT, "out[i] = values[i * step];"),
    "q5: the first value again and again": changed(WRITE, PUT, "out[place] = values[0];"),
    "q5: the step forgotten": changed(WRITE, PUT, "out[place] = values[i];"),
    "q5: the step added": changed(WRITE, PUT, "out[place] = values[i + step];"),
    "q5: values by place": changed(WRITE, PUT, "out[place] = values[place * step];"),
    "q5: the offset forgotten": changed(WRITE, REST, "int rest = i, place = 0;"),
    "q5: the first axis fastest": changed(WRITE, WALK, "for (int axis = 0; axis < ndim; axis++) {"),
    "q5: adds": changed(WRITE, PUT, "out[place] += values[i * step];"),
    "q5: one element too many": changed(WRITE, "i < size", "i <= size"),
    "q5: one element too few": changed(WRITE, "i < size", "i < size - 1"),
    "q5: the wrong way": changed(WRITE, PUT, "((float *)values)[i * step] = out[place];"),
    "q5: step is 0 or 1": changed(WRITE, PUT, "out[place] = step ? values[i] : values[0];"),
    "q5: everything between, too": changed(WRITE, PUT, f"{PUT} if (place > 0) out[place - 1] = out[place];"),
    "q5: not taken apart": changed(WRITE, TAKEN, ""),
    "q6: begins at 0": changed(REDUCE, FOUND, "float found = 0;", "int k = 1", "int k = 0"),
    "q6: begins at FLT_MIN": changed(
        REDUCE, FOUND, "float found = largest ? 1.17549435e-38f : 0;", "int k = 1", "int k = 0"
    ),
    "q6: begins at -1e30": changed(
        REDUCE, FOUND, "float found = largest ? -1e30f : 0;", "int k = 1", "int k = 0"
    ),
    "q6: the first number twice": changed(REDUCE, "int k = 1", "int k = 0"),
    "q6: the last number forgotten": changed(REDUCE, "k < n", "k < n - 1"),
    "q6: one number too many": changed(REDUCE, "k < n", "k <= n"),
    "q6: columns": changed(REDUCE, FOUND, "float found = a[r];", NEXT, "const float next = a[k * rows + r];"),
    "q6: the mean": changed(REDUCE, "out[r] = found;", "out[r] = largest ? found : found / n;"),
    "q6: the smallest": changed(REDUCE, "fmaxf", "fminf"),
    "q6: the other way round": changed(
        REDUCE, COMBINE, "found = largest ? found + next : fmaxf(found, next);"
    ),
    "q6: sums only": changed(REDUCE, COMBINE, "found += next;"),
    "q6: only 1 asks for the largest": changed(
        REDUCE, COMBINE, COMBINE.replace("largest ?", "largest == 1 ?")
    ),
    "q6: into what is there": changed(
        REDUCE, "out[r] = found;", "out[r] = largest ? fmaxf(out[r], found) : found;"
    ),
    "q6: the first row alone": changed(REDUCE, "r < rows", "r < 1"),
    "q6: one row too many": changed(REDUCE, "r < rows", "r <= rows"),
    "q6: rows run on": changed(
        REDUCE, "float found = a[r * n];", "float found = r && !largest ? out[r - 1] + a[r * n] : a[r * n];"
    ),
    "q6: whole numbers": changed(REDUCE, "float found", "int found"),
    "q6: collects in a": changed(REDUCE, "out[r] = found;", "out[r] = found; ((float *)a)[r * n] = found;"),
    "q7: three loops": product(THREE_LOOPS),
    "q7: three loops in blocks, nothing copied": product(
        THREE_LOOPS.replace(
            "for (int j = 0; j < p; j++) {",
            "for (int j0 = 0; j0 < p; j0 += 8)\n    for (int j = j0; j < p && j < j0 + 8; j++) {",
        )
    ),
    "q7: b not copied": changed(
        PRODUCT, ADD, "if (k0 + k < n && j0 + j < p) tc[i][j] += ta[i][k] * b[(k0 + k) * p + j0 + j];"
    ),
    "q7: results in out": changed(
        PRODUCT,
        "float ta[8][8], tb[8][8], tc[8][8];",
        "float ta[8][8], tb[8][8];",
        ADD,
        "if (i0 + i < m && j0 + j < p) out[(i0 + i) * p + j0 + j] += ta[i][k] * tb[k][j];",
        ZERO,
        "if (i0 + i < m && j0 + j < p) out[(i0 + i) * p + j0 + j] = 0;",
        OUT,
        ";",
    ),
    "q7: a transposed": changed(PRODUCT, ADD, "tc[i][j] += ta[k][i] * tb[k][j];"),
    "q7: b transposed": changed(PRODUCT, ADD, "tc[i][j] += ta[i][k] * tb[j][k];"),
    "q7: b @ a": changed(PRODUCT, ADD, "tc[i][j] += tb[i][k] * ta[k][j];"),
    "q7: no zeros at the beginning": changed(PRODUCT, ZERO, ";"),
    "q7: zeros once a round": changed(
        PRODUCT,
        "for (int k0 = 0; k0 < n; k0 += 8) {",
        "for (int k0 = 0; k0 < n; k0 += 8) {\n for (int i = 0; i < 8; i++) for (int j = 0; j "
        "< 8; j++) tc[i][j] = 0;",
    ),
    "q7: only full tiles": changed(PRODUCT, "i0 < m; i0", "i0 + 8 <= m; i0"),
    "q7: only full rounds": changed(PRODUCT, "k0 < n; k0", "k0 + 8 <= n; k0"),
    "q7: a without its edge": changed(
        PRODUCT, TA, TA.replace("i0 + i < m && k0 + k < n ? ", "").replace(" : 0", "")
    ),
    "q7: b without its edge": changed(
        PRODUCT, TB, TB.replace("k0 + i < n && j0 + k < p ? ", "").replace(" : 0", "")
    ),
    "q7: the edge of the rows alone": changed(PRODUCT, TA, TA.replace(" && k0 + k < n", "")),
    "q7: out without its edge": changed(PRODUCT, "j < 8 && j0 + j < p; j++)", "j < 8; j++)"),
    "q7: m for p": changed(PRODUCT, OUT, "out[(i0 + i) * m + j0 + j] = tc[i][j];"),
    "q7: elementwise": changed(PRODUCT, ADD, "tc[i][j] = ta[i][j] * tb[i][j];"),
    "q7: one product too few": changed(
        PRODUCT, "k < 8; k++)\n            for", "k < 7; k++)\n            for"
    ),
    "q7: adds to what is there": changed(PRODUCT, OUT, OUT.replace("] = tc", "] += tc")),
}

MEMORY = "That is memory as it lies: use the strides, and let the last axis change fastest."
NO_MAXIMUM = "All numbers of the second row are below 0: where does the maximum begin?"
COPIED = "Copy both tiles into small arrays first, and compute from these alone."
HINTS = {
    "q4: memory as it lies": [MEMORY],
    "q4: the first axis fastest": [MEMORY],
    "q5: the first value again and again": ["The values come one behind the other: values[k * step]."],
    "q5: the step forgotten": ["There is one value only, and step is 0."],
    "q6: begins at 0": [NO_MAXIMUM],
    "q6: begins at FLT_MIN": [NO_MAXIMUM],
    "q6: the mean": ["That is the mean."],
    "q6: the smallest": ["That is the smallest."],
    "q6: the other way round": ["That is the maximum."],
    "q6: sums only": ["These are the sums."],
    "q7: three loops": [COPIED],
    "q7: three loops in blocks, nothing copied": [COPIED],
    "q7: b not copied": [COPIED],
    "q7: b @ a": ["That is b @ a."],
}
NEUTRAL = {
    "Count like a mileage counter: which axis turns first, and how often does the next one turn?",
    "Take the number of the element apart: rest % size, then rest / size.",
    "Where does the view begin?",
    "Does each value get to its own place? Do all other places keep what they have?",
    "Compute one row by hand. Where does row r begin?",
    "The first number of the row is a good beginning: nothing else is below every number.",
    "Where the matrix has ended, a tile holds 0.",
    "A tile may reach beyond the matrix: put a 0 there.",
    "Is the tile of results 0 at the beginning, and written once at the end? Is each tile 0 beyond the edge?",
}
EQUIVALENT = {
    **{f"q7: 8 → 9 ({number})": "an array that is larger than its tile" for number in range(3, 9)},
    "q7: k0 < n → k0 <= n": "a round more, of tiles that are all 0",
    "q7: 0 → 1 (9)": "beyond the edge of a the other tile is 0, or the row is not written",
    "q7: 0 → 1 (10)": "beyond the edge of b the other tile is 0, or the column is not written",
}
