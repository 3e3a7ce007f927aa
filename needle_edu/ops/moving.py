"""The same numbers elsewhere: a copy, on another device, in another dtype."""

from needle_edu.autograd.arrays import device_of, is_compact, xp
from needle_edu.autograd.op import UnaryOp
from needle_edu.autograd.registry import register, slot
from needle_edu.autograd.tensor import Tensor, as_tensor
from needle_edu.backend import Device
from needle_edu.backend.errors import DeviceError, DTypeError

from . import sampling

_ASTYPE, _CLONE, _TO_DEVICE = slot("astype"), slot("clone"), slot("to_device")


@register
class Clone(UnaryOp):
    """A copy of the numbers in memory of its own, with a way back for the gradient.

    >>> from needle_edu import Tensor, ops
    >>> ops.clone(Tensor([1.0, 2.0]))
    Tensor([1., 2.], op=clone)
    """

    name, symbol = "clone", "copy"
    method = True
    formula = "y = a"
    vjp_formulas = (r"\bar{a} = \bar{y}",)
    vjp_reads = ("",)
    samples = staticmethod(sampling.unary())

    def compute(self, a):
        return a.copy()

    def vjp0(self, g, node):
        return g


@register
class ToDevice(UnaryOp):
    """The numbers on a device; the gradient goes back to where they came from.

    >>> from needle_edu import Tensor, cpu, ops
    >>> ops.to_device(Tensor([1.0, 2.0]), cpu()).device
    cpu()
    """

    name, symbol = "to_device", "→"
    formula = "y = a"
    vjp_formulas = (r"\bar{a} = \bar{y}",)
    vjp_reads = ("",)

    def __init__(self, device):
        if not isinstance(device, Device):
            raise DeviceError(f"to_device: device is a Device such as cpu(), got {device!r:.60}")
        self.device = device

    @staticmethod
    def samples(rng):
        from needle_edu.backend import default_device

        return sampling.unary(device=default_device())(rng)

    def compute(self, a):
        return xp.array(a, dtype=a.dtype, device=self.device)

    def vjp0(self, g, node):
        return _TO_DEVICE.cls(node.inputs[0].device).apply(g)


def to(a, *where, device=None, dtype=None):
    """Return the tensor on a device, in a dtype, or both, in any order; itself where nothing changes.

    Another tensor instead means where and what that one is.

    >>> from needle_edu import Tensor, cpu, ops
    >>> x = Tensor([1.0, 2.0])
    >>> x.to("float64").dtype, x.to(cpu()) is x
    (dtype('float64'), True)
    """
    a = as_tensor(a, "to")
    if device is not None and not isinstance(device, Device):
        raise DeviceError(f"to: wanted a device such as cpu(), got {device!r:.60}")
    for given in where:
        if isinstance(given, Tensor):
            device, dtype = given.device, given.dtype
        elif isinstance(given, Device):
            device = given
        else:
            dtype = given
    if dtype is not None:
        try:
            changed = _ASTYPE.cls(dtype)
        except TypeError:
            raise DTypeError(f"to: wanted a device, a dtype or a tensor, got {dtype!r:.60}") from None
        a = a if changed.dtype == a.dtype else changed.apply(a)
    if device is None or device == device_of(a.realize_cached_data()):
        return a
    return _TO_DEVICE.cls(device).apply(a)


def contiguous(a):
    """Return the tensor with its elements in memory one after the other; itself where they are.

    >>> from needle_edu import Tensor, ops
    >>> x = Tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> ops.contiguous(x) is x, ops.contiguous(x.T).op.name
    (True, 'clone')
    """
    a = as_tensor(a, "contiguous")
    return a if is_compact(a.realize_cached_data()) else _CLONE.instance.apply(a)


FUNCTIONS = (to, contiguous)
