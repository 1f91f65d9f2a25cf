"""Writes attention.json: scaled dot-product attention and its gradients as PyTorch computes them in float64,
torch_layers.json and transformers.json: layers, operations.json: operations along an axis, kinks.json: functions where they
have corners, ctc.json and triplets.json: losses, and torch_schedules.json: learning rates.

Keras has nothing of these forms. Run with Python 3.11:

    python3.11 -m venv .venv-torch && .venv-torch/bin/pip install -r Tests/Reference/requirements-torch.txt
    .venv-torch/bin/python Tests/Reference/make_torch_fixtures.py
"""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from fixtures import (
    ctc, encoding, kinks, operations, torch_layers, torch_schedules, transformers, triplets)
from fixtures.inputs import Inputs

TESTS = pathlib.Path(__file__).resolve().parent.parent
FOLDER = TESTS / "EngineTests" / "Fixtures" / "reference"
TENSORS = TESTS / "TensorsTests" / "Fixtures" / "reference"


def heads_first(x):
    """`[batch, time, heads, size]` to PyTorch's `[batch, heads, time, size]`, and back."""
    return x.transpose(1, 2)


def encode_mask(mask):
    """A bool mask in ones and zeros."""
    return encoding.tensor(mask.astype("int32"), dtype="bool") if mask.dtype == bool else encoding.tensor(mask)


def case(name, inputs, batch, queries, keys, heads, size, mask=None, causal=False, scale=None):
    q = inputs.normal(batch, queries, heads, size, decimals=2)
    k = inputs.normal(batch, keys, heads, size, decimals=2)
    v = inputs.normal(batch, keys, heads, size, decimals=2)
    cotangent = inputs.normal(batch, queries, heads, size, decimals=2)
    leaves = [torch.tensor(x, requires_grad=True) for x in (q, k, v)]
    given = None if mask is None else torch.tensor(mask)
    if given is not None and given.dtype != torch.bool:
        given.requires_grad_(True)
    output = heads_first(
        F.scaled_dot_product_attention(
            *(heads_first(x) for x in leaves), attn_mask=given, is_causal=causal, scale=scale))
    output.backward(torch.tensor(cotangent))
    gradients = [x.grad.numpy() for x in leaves]
    is_added = given is not None and given.requires_grad
    return {
        "name": name,
        "causal": causal,
        "scale": scale,
        "query": encoding.tensor(q),
        "key": encoding.tensor(k),
        "value": encoding.tensor(v),
        "mask": None if mask is None else encode_mask(mask),
        "output": encoding.tensor(output.detach().numpy()),
        "cotangent": encoding.tensor(cotangent),
        "query_gradient": encoding.tensor(gradients[0]),
        "key_gradient": encoding.tensor(gradients[1]),
        "value_gradient": encoding.tensor(gradients[2]),
        "mask_gradient": encoding.tensor(given.grad.numpy()) if is_added else None,
    }


def make():
    inputs = Inputs(11)
    padding = np.ones((2, 1, 1, 5), dtype=bool)
    padding[1, ..., 3:] = False
    hidden = inputs.integers(1, 1, 4, 6, high=2).astype(bool)
    hidden[..., 2, :] = False  # the third query sees nothing
    hidden[..., 0, 0] = True
    added = inputs.normal(2, 3, 4, decimals=2)[None]
    # PyTorch takes a causal mask and another one together only as one mask.
    both = np.tril(np.ones((5, 5), dtype=bool)) & padding
    return [
        case("plain", inputs, 2, 4, 4, 2, 3),
        case("causal", inputs, 1, 6, 6, 2, 4, causal=True),
        case("causal over tiles", inputs, 1, 67, 67, 1, 2, causal=True),
        case("one query", inputs, 2, 1, 1, 1, 3, causal=True),
        case("cross", inputs, 2, 3, 5, 1, 2),
        case("causal with more keys", inputs, 1, 3, 5, 1, 2, causal=True),
        case("causal with more queries", inputs, 1, 5, 3, 1, 2, causal=True),
        case("scale", inputs, 1, 3, 3, 1, 2, scale=0.3),
        case("padding mask", inputs, 2, 5, 5, 2, 2, mask=padding),
        case("padding and causal mask", inputs, 2, 5, 5, 1, 2, mask=both),
        case("mask that hides all keys", inputs, 1, 4, 6, 1, 3, mask=hidden),
        case("added mask", inputs, 1, 3, 4, 2, 3, mask=added),
    ]


if __name__ == "__main__":
    versions = {"torch": torch.__version__.split("+")[0], "numpy": np.__version__}
    source = "Tests/Reference/make_torch_fixtures.py"
    encoding.write(TENSORS, "attention", versions, make(), source=source)
    encoding.write(FOLDER, "torch_layers", versions, torch_layers.make(), source=source)
    encoding.write(TENSORS, "operations", versions, operations.make(), source=source)
    encoding.write(FOLDER, "transformers", versions, transformers.make(), source=source)
    encoding.write(FOLDER, "kinks", versions, kinks.make(), source=source)
    encoding.write(TENSORS, "ctc", versions, [*ctc.make()], source=source)
    encoding.write(FOLDER, "triplets", versions, [*triplets.make()], source=source)
    encoding.write(FOLDER, "torch_schedules", versions, torch_schedules.make(), source=source)
