"""What homework 3 withholds is refused, whichever way an answer takes to it; its kernels can call nothing of ours."""

from .withheld_tests import WithheldTests

IMPORTS = "import needle_edu as ndl\nfrom needle_edu import ndarray as nd\n"
VIEW = "return tuple(a.shape), tuple(a.strides), view[2]"


class TestHomework3(WithheldTests, homework="hw3"):
    every = 2
    attacks = {
        "q1: the array's strides": (
            "compact_strides",
            f"{IMPORTS}def compact_strides(shape):\n    return nd.NDArray.compact_strides(tuple(shape))\n",
        ),
        "q1: the array's reshape": (
            "reshape",
            f"{IMPORTS}twelve = nd.array(np.zeros(12))\n"
            f"def reshape(view, shape):\n    a = twelve.reshape(shape)\n    {VIEW}\n",
        ),
        "q2: the array's permute": (
            "permute",
            f"{IMPORTS}def permute(view, axes):\n    a = nd.array(np.zeros(view[0])).permute(tuple(axes))\n"
            f"    {VIEW}\n",
        ),
        "q2: the array's transpose": (
            "transpose",
            f"{IMPORTS}def permute(view, axes):\n    a = nd.transpose(nd.array(np.zeros(view[0])), tuple(axes))\n"
            f"    {VIEW}\n",
        ),
        "q2: the function": (
            "broadcast_to",
            f"{IMPORTS}def broadcast_to(view, shape):\n    a = nd.broadcast_to(nd.array(np.zeros(view[0])), shape)\n"
            f"    {VIEW}\n",
        ),
        "q3: the array's brackets": (
            "getitem",
            f"{IMPORTS}def getitem(view, index):\n"
            "    parts = tuple(slice(*part) if isinstance(part, list) else part for part in index)\n"
            f"    a = nd.array(np.zeros(view[0]))[parts]\n    {VIEW}\n",
        ),
    }

    @classmethod
    def cases(cls) -> dict[str, list]:
        """The kernels' questions withhold nothing: they can call nothing of the library."""
        return super().cases() | {"question_name": ["q1", "q2", "q3"]}
