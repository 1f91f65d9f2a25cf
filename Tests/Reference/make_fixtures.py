"""Writes the expected numbers of the Swift tests, computed by Keras on JAX.

    python Tests/Reference/make_fixtures.py [family ...]

Without arguments every family in FAMILIES is written. README.md in this folder describes the files.
"""

import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"  # float32 stays float32; float64 is no longer cut down to it

import importlib
import pathlib
import platform
import sys

import jax
import keras
import numpy

from fixtures import encoding
from keras.src.backend.common import dtypes

# Keras takes float64 for float32 on every backend but TensorFlow: without this line a mean or a promoted sum of
# float64 values would be rounded to float32 on its way. float32 is not affected.
dtypes.BIT64_TO_BIT32_DTYPE["float64"] = "float64"

FAMILIES = ["losses", "metrics", "optimizers", "schedules", "layers", "initializers", "weights", "training",
            "published", "more_layers", "layer_training", "recurrent", "preprocessing", "convolutions", "functional",
            "attention_layers", "masks", "masked_normalization", "callbacks"]
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "EngineTests" / "Fixtures" / "reference"


def main():
    chosen = sys.argv[1:] or FAMILIES
    if unknown := [name for name in chosen if name not in FAMILIES]:
        sys.exit(f"unknown: {' '.join(unknown)}; there are: {' '.join(FAMILIES)}")
    versions = {"keras": keras.__version__, "jax": jax.__version__, "numpy": numpy.__version__}
    print(f"Python {platform.python_version()}, {versions}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        keras.utils.set_random_seed(0)
        encoding.write(FOLDER, name, versions, **importlib.import_module(f"fixtures.{name}").make())


if __name__ == "__main__":
    main()
