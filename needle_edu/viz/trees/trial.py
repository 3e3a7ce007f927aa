"""One call of a model that is being built: what shape each part gives, and which part does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from needle_edu import init
from needle_edu.autograd import no_grad
from needle_edu.autograd.events import unheard
from needle_edu.nn import Module
from needle_edu.nn.model_summary import shape_text


@dataclass
class Trial:
    """What one call showed, by the identity of each module.

    Attributes
    ----------
    shapes : dict
        Of what each module that was reached gave.
    failed : int or None
        The innermost module that raised.
    error : str
        The sentence that it raised.
    """

    shapes: dict[int, str] = field(default_factory=dict)
    failed: int | None = None
    error: str = ""


def tried(model: Module, inputs: Any) -> Trial:
    """Call a model in evaluation, without gradients, told to nobody; it is left as it was.

    Examples
    --------
    >>> from needle_edu import nn
    >>> trial = tried(nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2)), (2, 3))
    >>> list(trial.shapes.values()), trial.error[:6]
    (['(2, 4)'], 'Linear')
    """
    trial = Trial()
    at_work: list[Module] = []
    handles: list[Any] = []
    modules = [module for _, module in model.named_modules()]
    training = [module.training for module in modules]

    def left(module: Module, _: tuple, out: Any) -> None:
        at_work.pop()
        trial.shapes[id(module)] = shape_text(out)

    try:
        for module in modules:
            handles.append(module.register_forward_pre_hook(lambda m, _: at_work.append(m)))
            handles.append(module.register_forward_hook(left))
        with unheard(), no_grad():
            model.eval()(_input(inputs))
    except Exception as error:
        trial.failed = id(at_work[-1]) if at_work else id(model)
        trial.error = str(error) or type(error).__name__
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in zip(modules, training, strict=True):
            module.training = mode
    return trial


def _input(inputs: Any) -> Any:
    return init.zeros(*inputs, requires_grad=False) if isinstance(inputs, tuple) else inputs
