"""Writes imports_torch.json or imports_keras.json: weights of a small CNN by the framework's own names, and its predictions.

The model is that of Examples/ImportWeights. Run once in the environment of each framework:

    .venv-torch/bin/python Tests/Reference/make_import_fixtures.py torch
    .venv/bin/python Tests/Reference/make_import_fixtures.py keras
"""

import importlib.util
import pathlib
import sys

import numpy as np

from fixtures import encoding

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "Tests" / "EngineTests" / "Fixtures" / "reference"


def main():
    spec = importlib.util.spec_from_file_location("export", ROOT / "Examples" / "ImportWeights" / "export.py")
    export = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(export)
    framework = sys.argv[1]
    weights, predictions = export.MAKERS[framework]()
    # A count of batches is of no use to anybody else, but it is in the file.
    cases = [{"name": name, "value": encoding.tensor(np.atleast_1d(value))} for name, value in weights.items()]
    versions = {framework: importlib.import_module(framework).__version__.split("+")[0], "numpy": np.__version__}
    encoding.write(FOLDER, f"imports_{framework}", versions, cases, images=encoding.tensor(export.IMAGES),
                   predictions=encoding.tensor(predictions), source="Tests/Reference/make_import_fixtures.py")


if __name__ == "__main__":
    main()
