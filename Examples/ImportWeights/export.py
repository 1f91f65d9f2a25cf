"""Makes a small CNN in PyTorch or Keras and writes its weights, some images and its predictions as safetensors files.

    pip install torch safetensors         (or: keras jax safetensors)
    python export.py torch FOLDER
    python export.py keras FOLDER
"""

import pathlib
import sys

import numpy as np

IMAGES = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).round(2).astype("float32")


def torch_cnn():
    """Weights by PyTorch's names, and the predictions for IMAGES."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 6, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(6 * 2 * 2, 3))
    images = torch.tensor(IMAGES).permute(0, 3, 1, 2).contiguous()
    with torch.no_grad():
        for _ in range(3):
            model(images * 2 + 1)  # moves the statistics of the normalisation
        predictions = model.eval()(images)
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    return weights, predictions.numpy()


def keras_cnn():
    """Weights by Keras's names, and the predictions for IMAGES."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(4, 3, padding="same", name="conv2d"),
        layers.BatchNormalization(epsilon=1e-5, name="batch_normalization"), layers.ReLU(), layers.MaxPooling2D(),
        layers.Conv2D(6, 3, activation="relu", name="conv2d_1"), layers.Flatten(), layers.Dense(3, name="dense")])
    for _ in range(3):
        model(IMAGES * 2 + 1, training=True)
    weights = {f"{layer.name}/{v.name}": np.asarray(v) for layer in model.layers for v in layer.weights}
    return weights, np.asarray(model(IMAGES, training=False))


MAKERS = {"torch": torch_cnn, "keras": keras_cnn}


def main():
    from safetensors.numpy import save_file

    framework, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    weights, predictions = MAKERS[framework]()
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in weights.items()},
              folder / f"{framework}.safetensors")
    save_file({"images": IMAGES, "predictions": np.ascontiguousarray(predictions)},
              folder / f"{framework}-check.safetensors")


if __name__ == "__main__":
    main()
