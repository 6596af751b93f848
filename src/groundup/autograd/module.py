"""Modules: functions that own parameters, nested as the network is, with torch's names.

A module's attributes that are Parameters, buffers or modules are found by looking; nothing is
registered behind the scenes. Names in `state_dict` are paths of attributes, as "layers.0.weight",
so that weights go to torch's modules and back.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from groundup.autograd.rule import Array
from groundup.autograd.tensor import Tensor


class Parameter(Tensor):
    """A Tensor that an optimizer changes."""

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, dtype: Any = None) -> None:
        super().__init__(data, requires_grad, dtype)

    @classmethod
    def wrap(cls, data: Array, requires_grad: bool = False, node: Any = None) -> Any:
        """What is computed from a parameter is a Tensor."""
        return Tensor.wrap(data, requires_grad, node)


class Module:
    """Parameters and modules as attributes; a member defines `forward`, and is called.

    `buffers`: names of attributes that are saved but not trained (arrays or Tensors).
    """

    buffer_names: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.training = True

    def forward(self, *inputs: Any) -> Any:
        """What the module computes."""
        raise AssertionError(f"{type(self).__name__} does not say what it computes")

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        """As `forward`."""
        return self.forward(*inputs, **settings)

    def children(self) -> Iterator[tuple[str, "Module"]]:
        """The modules among the attributes, by name, those in lists by number."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple):
                for i, part in enumerate(value):
                    if isinstance(part, Module):
                        yield f"{name}.{i}", part

    def modules(self) -> Iterator["Module"]:
        """The module and all below it."""
        yield self
        for _, child in self.children():
            yield from child.modules()

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Parameter]]:
        """All parameters by their paths; one that stands in two places comes once."""
        seen: set[int] = set()
        for path, module in self._walk(prefix):
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield path + name, value

    def parameters(self) -> Iterator[Parameter]:
        """All parameters."""
        return (parameter for _, parameter in self.named_parameters())

    def _walk(self, prefix: str) -> Iterator[tuple[str, "Module"]]:
        yield prefix, self
        for name, child in self.children():
            yield from child._walk(f"{prefix}{name}.")

    def state_dict(self) -> dict[str, Array]:
        """Parameters and buffers by their paths: the arrays themselves, not copies."""
        result: dict[str, Array] = {}
        for path, module in self._walk(""):
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    result[path + name] = value.data
                elif name in module.buffer_names and value is not None:
                    result[path + name] = np.asarray(value)
        return result

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over arrays (or tensors) by their paths, in our types.

        Raises ValueError, naming it, for a path that is missing, one too many, or another shape;
        nothing is changed then.
        """
        wanted = self.state_dict()
        for names, problem in (
            (sorted(set(wanted) - set(state)), "missing"),
            (sorted(set(state) - set(wanted)), "not the module's"),
        ):
            if names:
                raise ValueError(f"the state's {', '.join(map(repr, names[:4]))} is {problem}")
        arrays = {name: np.asarray(_plain(state[name])) for name in wanted}
        for name, array in arrays.items():
            if array.shape != wanted[name].shape:
                raise ValueError(
                    f"{name!r} has the shape {array.shape}; {wanted[name].shape} is wanted"
                )
        for path, module in self._walk(""):
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    value.data = arrays[path + name].astype(value.dtype, copy=True)
                elif name in module.buffer_names and value is not None:
                    dtype = np.asarray(value).dtype
                    setattr(module, name, arrays[path + name].astype(dtype, copy=True))

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    def train(self, mode: bool = True) -> Self:
        """For training: dropout drops, batch norm takes the batch's statistics."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """For use: nothing is random, batch norm takes the running statistics."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Train these parameters or, frozen, leave them as they are."""
        for parameter in self.parameters():
            parameter.requires_grad_(requires_grad)
        return self

    def to(self, dtype: Any) -> Self:
        """All parameters, and floating buffers, in another floating type."""
        for module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter):
                    value.data = value.data.astype(dtype)
                    value.grad = None
                elif name in module.buffer_names and np.asarray(value).dtype.kind == "f":
                    setattr(module, name, np.asarray(value).astype(dtype))
        return self


class Sequential(Module):
    """Modules one after the other; functions may stand among them."""

    def __init__(self, *layers: Any) -> None:
        super().__init__()
        self.layers = list(layers)

    def children(self) -> Iterator[tuple[str, Module]]:
        """By number alone, as torch names them."""
        return ((str(i), part) for i, part in enumerate(self.layers) if isinstance(part, Module))

    def forward(self, x: Any) -> Any:
        """Each layer on what the one before it gave."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)


def _plain(value: Any) -> Any:
    return value.detach() if hasattr(value, "detach") else value


def parameter_count(module: Module | Sequence[Module]) -> int:
    """Numbers that are trained."""
    modules = [module] if isinstance(module, Module) else module
    return sum(parameter.data.size for one in modules for parameter in one.parameters())
