"""Homework 5's withheld names: each way to hand in the library's own class or function is refused, by that name."""

from .withheld_tests import WithheldTests

SOFTMAX = "def softmax(a, mask=None):\n    a = a if mask is None else nd.where(mask, a, -nd.inf)\n    "
TENSOR = "ndl.Tensor(a, dtype=a.dtype)"
GRADIENT = "def softmax_gradient(out_grad, node):\n    "
HEADS = "class MultiHeadAttention(nn.Module):\n    def __init__(self, causal=False):\n        super().__init__()\n"
HEADS += "        self.causal = causal\n    def forward(self, q, k, v, lengths=None):\n        "
LAYER = (
    "class AttentionLayer(nn.Module):\n    def __init__(self, q_features, num_head, dim_head, causal=True):\n"
)
LAYER += "        super().__init__()\n"
LAYER += "        self.layer = nn.AttentionLayer(q_features, num_head, dim_head, causal=causal)\n"
BLOCK = "class TransformerLayer(nn.Module):\n"
BLOCK += "    def __init__(self, q_features, num_head, dim_head, hidden_size, **rest):\n"
BLOCK += "        super().__init__()\n        self.layer = "
GPT = "class GPT(nn.Module):\n    def __init__(self, tokens, dim, num_layers, num_head=2, max_len=64):\n"
GPT += "        super().__init__()\n        self.inner = "
CACHE = "class CachedAttention(nn.Module):\n    def __init__(self, layer):\n        super().__init__()\n"
CACHE += "        self.layer, self.length = layer, 0\n        "
FORWARD = "    def forward(self, x):\n        "

ATTACKS = {
    "q1: the function": ("softmax", f"{SOFTMAX}return nd.softmax(a)"),
    "q1: an alias": ("softmax", f"from needle_edu.ndarray import softmax as s\n{SOFTMAX}return s(a)"),
    "q1: the op": ("softmax", f"{SOFTMAX}return ndl.ops.softmax({TENSOR}).cached_data"),
    "q1: a layer": ("softmax", f"{SOFTMAX}return nn.Softmax()({TENSOR}).cached_data"),
    "q1: of the other sign": ("softmax", f"{SOFTMAX}return ndl.ops.softmin(-{TENSOR}).cached_data"),
    "q1: through attention": (
        "softmax",
        f"{SOFTMAX}one = ndl.Tensor([[1.0]], dtype=a.dtype)\n"
        f"    return ndl.ops.attention_weights(one, {TENSOR}.reshape((-1, 1))).cached_data.reshape(a.shape)",
    ),
    "q1: its logarithm": (
        "logsoftmax",
        f"{SOFTMAX}return ndl.ops.exp(ndl.ops.logsoftmax({TENSOR})).cached_data",
    ),
    "q1: the array's logarithm": ("logsoftmax", f"{SOFTMAX}return nd.exp(nd.log_softmax(a))"),
    "q1: the sum": ("logsumexp", f"{SOFTMAX}return nd.exp(a - nd.logsumexp(a, axis=-1, keepdims=True))"),
    "q2: the op": ("softmax_backward", f"{GRADIENT}return ndl.ops.softmax_backward(out_grad, node)"),
    "q2: its class": ("softmax_backward", f"{GRADIENT}return ndl.ops.SoftmaxBackward()(out_grad, node)"),
    "q2: the node's own op": ("softmax", f"{GRADIENT}return ndl.ops.Softmax().vjp0(out_grad, node)"),
    "q2: of the logarithm": (
        "logsoftmax_backward",
        f"{GRADIENT}return ndl.ops.logsoftmax_backward(out_grad * node, ndl.ops.log(node))",
    ),
    "q2: backward": (
        "backward",
        f"{GRADIENT}x = ndl.Tensor(node.inputs[0].numpy(), dtype=node.dtype)\n    e = ndl.ops.exp(x)\n"
        "    (e / e.sum(axes=-1, keepdims=True)).backward(out_grad)\n    return x.grad",
    ),
    "q2: the walk itself": (
        "propagate",
        f"from needle_edu.autograd import engine\n{GRADIENT}return engine.propagate(node, out_grad)",
    ),
    "q3: a subclass": ("MultiHeadAttention", "class MultiHeadAttention(nn.MultiHeadAttention): pass"),
    "q3: another name for it": (
        "MultiHeadAttention",
        "attention = nn.MultiHeadAttention\nMultiHeadAttention = lambda causal=False: attention(causal=causal)",
    ),
    "q3: PyTorch's": (
        "MultiHeadAttention",
        f"{HEADS}return nn.MultiheadAttention(q.shape[-1], 1)(q[0], k[0], v[0])",
    ),
    "q3: the op": ("attention", f"{HEADS}return ndl.ops.attention(q, k, v), q"),
    "q3: its weights": ("attention_weights", f"{HEADS}return q, ndl.ops.attention_weights(q, k)"),
    "q3: PyTorch's function": (
        "scaled_dot_product_attention",
        f"{HEADS}return ndl.ops.scaled_dot_product_attention(q, k, v), q",
    ),
    "q4: the library's heads": (
        "AttentionLayer",
        "def split_heads(x, num_head):\n    return nn.AttentionLayer(4, num_head, 2)._heads(x)\n"
        "def merge_heads(x): return x",
    ),
    "q5: a subclass": ("AttentionLayer", "class AttentionLayer(nn.AttentionLayer): pass"),
    "q5: the layer inside": (
        "AttentionLayer",
        f"{LAYER}    def forward(self, q, k=None, v=None):\n        return self.layer(q, k, v)",
    ),
    "q6: a subclass": ("TransformerLayer", "class TransformerLayer(nn.TransformerLayer): pass"),
    "q6: the layer inside": (
        "TransformerLayer",
        f"{BLOCK}nn.TransformerLayer(q_features, num_head, dim_head, hidden_size)\n{FORWARD}return self.layer(x)",
    ),
    "q7: a subclass": ("SinusoidalPositions", "class SinusoidalPositions(nn.SinusoidalPositions): pass"),
    "q7: the table of angles": (
        "angles",
        "from needle_edu.nn.positions import _angles\n"
        "class SinusoidalPositions(nn.Module):\n    def __init__(self, max_len, dim):\n        super().__init__()\n"
        "        self.table = np.sin(_angles(max_len, dim, 10000.0))\n"
        "    def forward(self, x, start=0):\n        return x",
    ),
    "q8: the model": ("GPT", f"{GPT}ndl.models.GPT(tokens, max_len, num_layers, num_head, dim)"),
    "q8: its block": (
        "GPTBlock",
        f"{GPT}ndl.models.gpt.GPTBlock(dim, num_head)",
    ),
    "q9: the library's": (
        "draw",
        "from needle_edu.models import sampling\ndef probabilities(scores, *knobs, **more): return scores\n"
        "def draw(p): return int(sampling.draw(np.log(p)[None], np.random)[0])",
    ),
    "q9: a model that writes": (
        "draw",
        "def probabilities(scores, *knobs, **more):\n"
        "    return ndl.models.GPT(len(scores), 4, 1, 1, 4).generate([0], 1)\ndef draw(p): return 0",
    ),
    "q9: a model that goes on writing": (
        "draw",
        "def probabilities(scores, *knobs, **more):\n"
        "    return next(ndl.models.GPT(len(scores), 4, 1, 1, 4).stream([0]))\ndef draw(p): return 0",
    ),
    "q10: everything again": (
        "AttentionLayer",
        f"{CACHE}self.x = None\n{FORWARD}self.length += x.shape[1]\n"
        "        self.x = x if self.x is None else ndl.ops.concat([self.x, x], axis=1)\n"
        "        return self.layer(self.x)[:, -x.shape[1]:]",
    ),
    "q10: the library's cache": (
        "KVCache",
        f"{CACHE}self.cache = ndl.models.cache.KVCache(1, 1, layer.num_head, 64, layer.dim_head)\n{FORWARD}return x",
    ),
}


class TestHomework5(WithheldTests, homework="hw5"):
    attacks = ATTACKS
    every = 12
