"""The ways in which the CPU kernel can be compiled, as far as this machine runs them."""

import functools

import pytest

from groundup.kernels import decoder, native

FLAGS = {
    "native": None,
    "avx2": ("-march=x86-64-v3",),
    "avx-vnni": ("-march=x86-64-v3", "-mavxvnni"),
    "portable": (),
}
_NEEDS = {"avx2": {"avx2", "fma", "f16c", "bmi2"}, "avx-vnni": {"avx2", "fma", "f16c", "avx_vnni"}}
_SLOW = ("avx-vnni", "portable")  # to compile, where nothing is kept yet
PATHS = [pytest.param(name, marks=pytest.mark.slow if name in _SLOW else ()) for name in FLAGS]


@functools.cache
def library(path):
    """The library of a path; skips where the machine or its compiler cannot."""
    if not _NEEDS.get(path, set()) <= native.cpu_features():
        pytest.skip(f"this processor has no {path}")
    try:
        native.find_compiler()
    except native.CompileError as problem:
        pytest.skip(str(problem))
    return decoder.load(FLAGS[path])


def decoder_of(path):
    """What `CPUBackend` takes as its decoder."""
    return functools.partial(decoder.Decoder, library=library(path))
