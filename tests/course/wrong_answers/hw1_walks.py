"""Homework 1: the topological order (question 3) and the walk backwards (4)."""

from . import changed, solutions

SOLUTIONS = solutions("hw1")

TOPO = "def find_topo_sort(node_list):\n"
REVERSE = SOLUTIONS["q4"]

WRONG = {
    "q3: nothing": "pass",
    "q3: the library's": "from needle_edu.autograd import find_topo_sort",
    "q3: recursion": TOPO
    + """
    order, seen = [], set()
    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for value in node.inputs:
            visit(value)
        order.append(node)
    for node in node_list:
        visit(node)
    return order
""",
    "q3: pre-order": TOPO
    + """
    order, seen, stack = [], set(), list(reversed(node_list))
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
            stack += list(reversed(node.inputs))
    return order
""",
    "q3: reversed pre-order": TOPO
    + """
    order, seen, stack = [], set(), list(node_list)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
            stack += list(node.inputs)
    return order[::-1]
""",
    "q3: right to left": changed(
        SOLUTIONS["q3"], "for value in reversed(node.inputs)", "for value in node.inputs"
    ),
    "q3: twice": changed(SOLUTIONS["q3"], "elif node not in seen:", "else:"),
    "q3: seen when pushed": TOPO
    + """
    order, seen = [], set(node_list)
    stack = [(node, False) for node in reversed(node_list)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
            continue
        stack.append((node, True))
        for value in reversed(node.inputs):
            if value not in seen:
                seen.add(value)
                stack.append((value, False))
    return order
""",
    "q3: breadth first": TOPO
    + """
    order, queue = [], list(node_list)
    for node in queue:
        queue += [value for value in node.inputs if value not in queue]
    return queue[::-1]
""",
    "q3: first result only": changed(
        SOLUTIONS["q3"], "for node in reversed(node_list)]", "for node in node_list[:1]]"
    ),
    "q3: seen once for all": changed(
        changed(SOLUTIONS["q3"], "(node_list):", "(node_list, seen=set()):"),
        "order, seen = [], set()",
        "order = []",
    ),
    "q3: the given list used up": changed(
        SOLUTIONS["q3"],
        "stack = [(node, False) for node in reversed(node_list)]",
        "stack = []\n    while node_list:\n        stack.append((node_list.pop(), False))",
    ),
    "q3: the given list returned": changed(
        SOLUTIONS["q3"], "return order", "node_list[:] = order\n    return node_list"
    ),
    "q3: without lone leaves": changed(
        SOLUTIONS["q3"], "return order", "return order if len(order) > 1 else []"
    ),
    "q3: given results twice": changed(
        SOLUTIONS["q3"],
        "return order",
        "return order + [n for k, n in enumerate(node_list) if n in node_list[:k]]",
    ),
    "q3: given results last": changed(
        SOLUTIONS["q3"],
        "return order",
        "return [n for n in order if n not in node_list] + [n for n in order if n in node_list]",
    ),
    "q3: an endless loop": TOPO + "    while True:\n        pass",
    "q3: ids": changed(SOLUTIONS["q3"], "return order", "return [id(node) for node in order]"),
    "q4: overwritten": changed(REVERSE, "adjoint = adjoint + other", "adjoint = other"),
    "q4: multiplicity lost": changed(
        REVERSE,
        "for value, contribution in zip(node.inputs, node.op.gradient_as_tuple(adjoint, node)):",
        "for value, contribution in dict(zip(node.inputs, node.op.gradient_as_tuple(adjoint, node))).items():",
    ),
    "q4: forwards": changed(
        REVERSE, "in reversed(find_topo_sort([output_tensor]))", "in find_topo_sort([output_tensor])"
    ),
    "q4: out_grad ignored": changed(
        REVERSE,
        "contributions = {output_tensor: [out_grad]}",
        "contributions = {output_tensor: [out_grad * 0 + 1]}",
    ),
    "q4: mean instead of sum": changed(
        REVERSE, "node.grad = adjoint", "node.grad = adjoint / len(contributions[node])"
    ),
    "q4: grad of the first use": changed(REVERSE, "for other in others:", "for other in others[:0]:"),
    "q4: recursion along every path": """
def compute_gradient_of_variables(output_tensor, out_grad):
    def walk(node, adjoint):
        node.grad = adjoint if node.grad is None else node.grad + adjoint
        if node.op is not None:
            for value, part in zip(node.inputs, node.op.gradient_as_tuple(adjoint, node)):
                walk(value, part)
    walk(output_tensor, out_grad)
""",
    "q4: passed on too early": """
def compute_gradient_of_variables(output_tensor, out_grad):
    output_tensor.grad, queue, seen = out_grad, [output_tensor], set()
    for node in queue:
        if node.op is None or node in seen:
            continue
        seen.add(node)
        for value, part in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node)):
            value.grad = part if value.grad is None else value.grad + part
            queue.append(value)
""",
    "q4: None passed on": changed(REVERSE, "if contribution is not None:", "if True:"),
    "q4: None is zero": changed(
        changed(REVERSE, "if contribution is not None:", "if True:"),
        "append(contribution)",
        "append(value * 0 if contribution is None else contribution)",
    ),
    "q4: only leaves": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = adjoint if node.op is None else node.grad\n"
    ),
    "q4: only inner values": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = node.grad if node is output_tensor else adjoint\n"
    ),
    "q4: an earlier .grad added to": changed(
        REVERSE,
        "node.grad = adjoint\n",
        "node.grad = adjoint if node.grad is None else node.grad + adjoint\n",
    ),
    "q4: an earlier .grad kept": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = node.grad if node.grad is not None else adjoint\n"
    ),
    "q4: sums in place": changed(
        REVERSE, "adjoint = adjoint + other", "adjoint.data = adjoint.data + other.data"
    ),
    "q4: detached": changed(REVERSE, "node.grad = adjoint\n", "adjoint = node.grad = adjoint.detach()\n"),
    "q4: float32": changed(
        REVERSE,
        "node.grad = adjoint\n",
        "adjoint = node.grad = ndl.Tensor(adjoint.numpy(), dtype='float32')\n",
    ),
    "q4: no leaf as output": changed(
        REVERSE,
        "    contributions =",
        "    if output_tensor.op is None:\n        return\n    contributions =",
    ),
    "q4: contributions kept between calls": "contributions = {}\n"
    + changed(
        REVERSE,
        "contributions = {output_tensor: [out_grad]}",
        "contributions.setdefault(output_tensor, []).append(out_grad)",
    ),
    "q4: values overwritten": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = adjoint\n        node.data = node.data * 0\n"
    ),
    "q4: an endless loop": changed(
        REVERSE, "    contributions =", "    while True: pass\n    contributions ="
    ),
    "q4: nothing": "def compute_gradient_of_variables(output_tensor, out_grad):\n    pass",
}

NO_GRAPH = "a new Tensor, or a detached one, has no graph."
HINTS = {
    "q3: recursion": ["Keep a stack of your own."],
    "q3: pre-order": ["That is pre-order: write a node down after its inputs."],
    "q3: right to left": ["Node 3 has the inputs 2 and 1, in this order."],
    "q3: twice": ["Does it stand there already?"],
    "q3: seen once for all": ["Begin each call with nothing seen."],
    "q3: the given list used up": ["Work on a copy of node_list."],
    "q3: the given list returned": ["Work on a copy of node_list."],
    "q4: overwritten": [
        "x is an input two times, and each use contributes.",
        "Add up: that is the last contribution alone.",
    ],
    "q4: multiplicity lost": ["x is an input two times, and each use contributes."],
    "q4: out_grad ignored": ["The output's adjoint is out_grad."],
    "q4: mean instead of sum": ["x is an input two times, and each use contributes."],
    "q4: grad of the first use": [
        "x is an input two times, and each use contributes.",
        "Add up: that is the first one alone.",
    ],
    "q4: recursion along every path": ["Visit each node once; don't follow each path."],
    "q4: sums in place": ["An adjoint may belong to several nodes: make a new Tensor of each sum."],
    "q4: detached": [f"Pass on the Tensors as they are; {NO_GRAPH}"],
    "q4: float32": [f"Pass on the Tensors as they are; {NO_GRAPH}"],
}
NEUTRAL = {
    "Compare with the three lines of recursion on small graphs of your own.",
    "Follow x · x = t, t · x = s, s + t = r, r · t = q by hand: what reaches t, and when?",
}
EQUIVALENT: dict[str, str] = {}
