"""Writes the small files that the tests of the readers read, into DataFilesTests/Fixtures/data.

Run with Python 3.10 or later, numpy 2.4.6 and safetensors 0.5.3:

    python3 -m venv .venv && .venv/bin/pip install -r Tests/Reference/requirements-data.txt
    .venv/bin/python Tests/Reference/make_data_fixtures.py

Element i (row major) of every array is 7 i mod 23, minus 5 where the type has a sign, so that the
tests can say what they expect without another file; bool arrays hold i mod 3 == 0.
"""

import gzip
import io
import pathlib
import struct
import zipfile

import numpy as np
from safetensors.numpy import save_file

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "DataFilesTests" / "Fixtures" / "data"


def values(dtype, shape):
    dtype = np.dtype(dtype)
    index = np.arange(int(np.prod(shape)))
    if dtype.kind == "b":
        return (index % 3 == 0).reshape(shape)
    number = index * 7 % 23 - (0 if dtype.kind == "u" else 5)
    return number.astype(dtype).reshape(shape)


def gz(data):
    return gzip.compress(data, mtime=0)


def write(name, data):
    (FOLDER / name).write_bytes(data)


def idx(code, array):
    big = array.astype(array.dtype.newbyteorder(">"))
    lengths = struct.pack(f">{array.ndim}I", *array.shape)
    return bytes([0, 0, code, array.ndim]) + lengths + big.tobytes()


def npy_version(array, version):
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=version)
    return file.getvalue()


def make_idx():
    for name, code, dtype in [
        ("uint8", 0x08, "u1"), ("int8", 0x09, "i1"), ("int16", 0x0B, "i2"),
        ("int32", 0x0C, "i4"), ("float32", 0x0D, "f4"), ("float64", 0x0E, "f8"),
    ]:
        write(f"{name}.idx", idx(code, values(dtype, (2, 3, 4))))
    images = idx(0x08, values("u1", (2, 3, 4)))
    write("compressed.idx", gz(images))  # the name does not say that it is gzip
    write("two-members.idx.gz", gz(images[:10]) + gz(images[10:]) + bytes(16))
    write("garbage-after.idx.gz", gz(images) + b"garbage")
    write("inflates-to-much.idx.gz", gz(images + bytes(4 << 20)))


def make_csv():
    rows = "".join(f"{i * 7 % 23 - 5},{i / 4},{i % 3}\n" for i in range(8))
    write("plain.csv.gz", gz(rows.encode()))


def make_npy():
    for dtype in ["f2", "f4", "f8", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "?"]:
        name = "bool" if dtype == "?" else dtype
        array = values(dtype, (2, 3, 4))
        np.save(FOLDER / f"{name}.npy", array)
        if array.dtype.itemsize > 1:
            np.save(FOLDER / f"{name}-big.npy", array.astype(array.dtype.newbyteorder(">")))
    np.save(FOLDER / "f4-fortran.npy", np.asfortranarray(values("f4", (2, 3, 4))))
    np.save(FOLDER / "u1-fortran.npy", np.asfortranarray(values("u1", (3, 5))))
    np.save(FOLDER / "scalar.npy", np.float64(2.5))
    np.save(FOLDER / "empty.npy", np.zeros((3, 0, 2), "i4"))
    np.save(FOLDER / "complex.npy", np.zeros(2, "c8"))
    np.save(FOLDER / "structured.npy", np.zeros(2, [("a", "f4"), ("b", "i4")]))
    np.save(FOLDER / "special-f2.npy", np.array(
        [0.0, -0.0, 1.0, -2.0, 65504.0, 2.0**-24, 2.0**-14, np.inf, -np.inf, np.nan], "f2"))
    write("version2.npy", npy_version(values("f4", (5,)), (2, 0)))
    write("version3.npy", npy_version(values("f4", (5,)), (3, 0)))


def make_npz():
    arrays = {
        "weights": values("f4", (3, 4)), "bias": values("f8", (4,)), "step": np.int64(12),
        "fortran": np.asfortranarray(values("i4", (4, 3))),
    }
    np.savez(FOLDER / "stored.npz", **arrays)
    np.savez_compressed(FOLDER / "deflated.npz", **arrays)
    # Ends of compressed data at which all input is taken before all output is made.
    np.savez_compressed(FOLDER / "zeros.npz", **{
        f"a{count}": np.zeros(count, "u1") for count in [1, 300, 2048, 65536, 70000, 200001]})
    with zipfile.ZipFile(FOLDER / "text-member.npz", "w") as archive:
        archive.writestr("note.txt", "not an array")


def make_safetensors():
    tensors = {name: values(dtype, (2, 3)) for name, dtype in [
        ("f16", "f2"), ("f32", "f4"), ("f64", "f8"), ("i8", "i1"), ("u8", "u1"), ("i16", "i2"),
        ("u16", "u2"), ("i32", "i4"), ("u32", "u4"), ("i64", "i8"), ("bool", "?")]}
    tensors["layer.0/kernel ü"] = values("f4", (2, 2, 2))
    tensors["scalar"] = np.array(2.5, "f4")
    tensors["empty"] = np.zeros((0, 4), "f4")
    save_file(tensors, FOLDER / "all.safetensors", {"format": "np", "note": "a \"quoted\"\nline"})
    # numpy has no bfloat16: the upper half of each float32 is one.
    upper = (values("f4", (6,)).view("u4") >> 16).astype("<u2").tobytes()
    header = b'{"x":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}'
    write("bf16.safetensors", struct.pack("<Q", len(header)) + header + upper)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for make in [make_idx, make_csv, make_npy, make_npz, make_safetensors]:
        make()
    total = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"{len(list(FOLDER.iterdir()))} files, {total} bytes")
