"""The GGUF reader reads what the gguf package writes, and refuses what is broken."""

import contextlib
import struct

import gguf as judge
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.checkpoints import gguf

VALUES = {
    "t.u8": (judge.GGUFValueType.UINT8, 200),
    "t.i8": (judge.GGUFValueType.INT8, -100),
    "t.u16": (judge.GGUFValueType.UINT16, 60000),
    "t.i16": (judge.GGUFValueType.INT16, -30000),
    "t.u32": (judge.GGUFValueType.UINT32, 4_000_000_000),
    "t.i32": (judge.GGUFValueType.INT32, -2_000_000_000),
    "t.f32": (judge.GGUFValueType.FLOAT32, 0.5),
    "t.bool": (judge.GGUFValueType.BOOL, True),
    "t.text": (judge.GGUFValueType.STRING, "naïve 😀"),
    "t.empty": (judge.GGUFValueType.STRING, ""),
    "t.u64": (judge.GGUFValueType.UINT64, 2**63 + 1),
    "t.i64": (judge.GGUFValueType.INT64, -(2**62)),
    "t.f64": (judge.GGUFValueType.FLOAT64, 1e-300),
    "t.ints": (judge.GGUFValueType.ARRAY, [1, -2, 3]),
    "t.floats": (judge.GGUFValueType.ARRAY, [0.5, 2.0]),
    "t.bools": (judge.GGUFValueType.ARRAY, [True, False]),
    "t.texts": (judge.GGUFValueType.ARRAY, ["a", "", "é"]),
}
TENSORS = {
    "plain": np.arange(12, dtype=np.float32).reshape(3, 4),
    "half": np.linspace(-1, 1, 10).astype(np.float16).reshape(2, 5),
    "one": np.array([7.0], dtype=np.float32),
}
QUANTIZED = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
shared_fixture = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small file with every type of value, and tensors of several formats."""
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    writer = judge.GGUFWriter(path, "test")
    for key, (kind, value) in VALUES.items():
        if kind == judge.GGUFValueType.ARRAY:
            writer.add_array(key, value)
        else:
            writer.add_key_value(key, value, kind)
    for name, array in TENSORS.items():
        writer.add_tensor(name, array)
    kind = judge.GGMLQuantizationType.Q8_0
    writer.add_tensor("packed", judge.quants.quantize(QUANTIZED, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.reference
def test_every_type_of_value_is_read(whole):
    file = gguf.read(whole)
    assert file.version == 3
    assert {key: file.metadata[key] for key in VALUES} == {k: v for k, (_, v) in VALUES.items()}
    assert file.metadata["general.architecture"] == "test"


@pytest.mark.reference
def test_tensors_have_their_shapes_and_numbers(whole):
    tensors = gguf.read(whole).tensors
    assert list(tensors) == [*TENSORS, "packed"]
    for name, array in TENSORS.items():
        assert tensors[name].shape == array.shape
        np.testing.assert_array_equal(tensors[name].array(), array.astype(np.float32))
    assert tensors["packed"].format.name == "Q8_0"
    assert np.abs(tensors["packed"].array() - QUANTIZED).max() < 0.02


def test_version_2_is_read_and_others_are_not(whole, tmp_path):
    data = bytearray(whole.read_bytes())
    for version, is_read in ((2, True), (1, False), (4, False)):
        data[4:8] = struct.pack("<I", version)
        (tmp_path / "other.gguf").write_bytes(data)
        if is_read:
            assert gguf.read(tmp_path / "other.gguf").metadata["t.u8"] == 200
        else:
            with pytest.raises(ValueError, match=f"its version is {version}; versions 2 and 3"):
                gguf.read(tmp_path / "other.gguf")


def head(tensors=0, pairs=0):
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs)


def text(data):
    return struct.pack("<Q", len(data)) + data


def table(name=b"w", shape=(4,), kind=0, offset=0):
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


NESTED = text(b"k") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 20
ALIGNMENT = text(b"general.alignment") + struct.pack("<II", 4, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"GG", "ends inside the magic number"),
        (b"GGML" + bytes(60), r"starts with b'GGML', not with b'GGUF'"),
        (b"GGUF", "ends inside a number: 4 bytes wanted at byte 4 of 4"),
        (head(tensors=2**60), "says it has 1152921504606846976 tensors, more than its size"),
        (head(pairs=2**63) + bytes(64), "metadata pairs, more than its size"),
        (head(pairs=1) + struct.pack("<Q", 2**40) + bytes(64), "characters in a text, more than"),
        (head(pairs=1) + text(b"key") + struct.pack("<I", 77), "'key' has the unknown type 77"),
        (head(pairs=1) + text(b"\xff\xfe") + bytes(8), "is not UTF-8"),
        (head(pairs=1) + text(b"k") + struct.pack("<IIQ", 9, 4, 2**50), "items in 'k', more than"),
        (head(pairs=1) + text(b"k") + struct.pack("<IIQ", 9, 55, 1) + bytes(9), "unknown type 55"),
        (head(pairs=1) + NESTED, "is a list inside 8 lists"),
        (head(pairs=1) + ALIGNMENT, "general.alignment is 0"),
        (head(tensors=1) + table(shape=(1,) * 5), "'w' has 5 dimensions"),
        (head(tensors=1) + table(kind=99) + bytes(64), "format 99, which is not built; there are:"),
        (head(tensors=1) + table(shape=(30,), kind=8) + bytes(64), "Q8_0 wants a multiple of 32"),
        (head(tensors=1) + table(shape=(2**40,)) + bytes(64), "'w' would end at byte"),
        (head(tensors=1) + table(offset=2**40) + bytes(64), "'w' would end at byte"),
        (head(tensors=1) + table(shape=(2**63, 2**63)) + bytes(64), "'w' would end at byte"),
        (head(tensors=2) + table() * 2 + bytes(64), "'w' is in it twice"),
    ],
)
def test_a_broken_file_is_refused_in_one_sentence(tmp_path, data, words):
    path = tmp_path / "broken.gguf"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=words) as problem:
        gguf.read(path)
    assert str(problem.value).startswith(f"{path} is not a readable GGUF file: ")
    assert "\n" not in str(problem.value)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        gguf.read(tmp_path / "none.gguf")


@pytest.mark.reference
def test_a_file_cut_off_anywhere_is_refused(whole, tmp_path):
    data, path = whole.read_bytes(), tmp_path / "cut.gguf"
    padding = 32
    for end in range(0, len(data) - padding, 7):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match="is not a readable GGUF file"):
            gguf.read(path)


places = st.tuples(st.integers(0, 900), st.integers(0, 255))


@given(changes=st.lists(places, min_size=1, max_size=6))
@shared_fixture
def test_damage_is_either_refused_or_harmless(whole, tmp_path, changes):
    """Nothing but ValueError comes out, and no tensor reaches beyond the file."""
    data = bytearray(whole.read_bytes())
    for place, value in changes:
        data[place] = value
    path = tmp_path / "damaged.gguf"
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        for tensor in gguf.read(path).tensors.values():
            assert tensor.array().shape == tensor.shape
