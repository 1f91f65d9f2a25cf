"""Times products of float32 matrices: the list that `apus bench gemm --json` prints, on standard input.

  gemm_peer.py torch|numpy     prints the fastest microseconds of each product as one JSON list
"""
import json
import sys
import time

library, products = sys.argv[1], json.load(sys.stdin)
if library == "torch":
    import torch

    torch.set_num_threads(1)
    uniform, multiply = torch.rand, torch.matmul
else:
    import numpy

    numbers = numpy.random.default_rng(1)
    uniform = lambda *shape: numbers.random(shape, dtype=numpy.float32)
    multiply = numpy.matmul


def matrix(count, rows, columns, is_transposed):
    shape = (columns, rows) if is_transposed else (rows, columns)
    stored = uniform(*((count,) if count > 1 else ()), *shape)
    if not is_transposed:
        return stored
    return stored.mT if library == "torch" else numpy.swapaxes(stored, -1, -2)


def seconds(a, b, out, repetitions):
    start = time.perf_counter()
    for _ in range(repetitions):
        multiply(a, b, out=out)
    return (time.perf_counter() - start) / repetitions


times = []
for product in products:
    count, m, k, n = (product[key] for key in ("count", "m", "k", "n"))
    a = matrix(count, m, k, product["transposed"] == "first")
    b = matrix(count, k, n, product["transposed"] == "second")
    out = matrix(count, m, n, False)
    once = min(seconds(a, b, out, 1) for _ in range(4))
    repetitions = max(1, min(100_000, int(2e-3 / once)))
    times.append(1e6 * min(seconds(a, b, out, repetitions) for _ in range(9)))
print(json.dumps(times))
