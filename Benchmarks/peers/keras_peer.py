"""Keras on TensorFlow or (--backend jax) on JAX: steps in a row are those of fit, single ones train_on_batch."""
import os

import work

options = work.arguments()
os.environ["KERAS_BACKEND"] = options.backend
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np
from keras import layers

if options.backend == "tensorflow":
    import tensorflow as backend

    backend.config.threading.set_intra_op_parallelism_threads(options.threads)
    backend.config.threading.set_inter_op_parallelism_threads(1)
else:
    import jax as backend


def transformer():
    tokens = keras.Input((64,), dtype="int32")
    x = layers.Embedding(256, 128)(tokens) + layers.Embedding(64, 128)(keras.ops.arange(64))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 32)(y, y, use_causal_mask=True)
        y = layers.Dense(512)(layers.LayerNormalization()(x))
        x = x + layers.Dense(128)(keras.activations.gelu(y, approximate=True))
    return keras.Model(tokens, layers.Dense(256, use_bias=False)(layers.LayerNormalization()(x)))


def resnet():
    def normalized(x, filters, size=3, strides=1):
        x = layers.Conv2D(
            filters, size, strides, "same", use_bias=False, kernel_initializer="he_normal")(x)
        return layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)

    images = keras.Input((32, 32, 3))
    x = layers.ReLU()(normalized(images, 16))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            strides = 2 if stage > 0 and block == 0 else 1
            y = normalized(layers.ReLU()(normalized(x, filters, strides=strides)), filters)
            x = layers.ReLU()(y + (x if strides == 1 else normalized(x, filters, 1, 2)))
    return keras.Model(images, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def sequential(*parts):
    return keras.Sequential(list(parts))


MODELS = dict(
    mlp=lambda: sequential(
        keras.Input((784,)), layers.Dense(512, "relu"), layers.Dense(512, "relu"), layers.Dense(10)),
    mlp_small=lambda: sequential(keras.Input((784,)), layers.Dense(32, "relu"), layers.Dense(10)),
    cnn=lambda: sequential(
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)),
    transformer=transformer,
    lstm=lambda: sequential(keras.Input((100, 64)), layers.LSTM(128), layers.Dense(10)),
    gru=lambda: sequential(keras.Input((100, 64)), layers.GRU(128), layers.Dense(10)),
    resnet=resnet,
    embedding=lambda: sequential(
        keras.Input((200,), dtype="int32"), layers.Embedding(20_000, 128), layers.GlobalAveragePooling1D(),
        layers.Dense(10)),
    autoencoder=lambda: sequential(
        keras.Input((784,)), *(layers.Dense(size, "relu") for size in (512, 256, 64, 256, 512)), layers.Dense(784)))
OPTIMIZERS = dict(
    mlp_small=lambda: keras.optimizers.SGD(0.01), resnet=lambda: keras.optimizers.SGD(0.01, momentum=0.9),
    transformer=lambda: keras.optimizers.AdamW(1e-3))

model = MODELS[options.workload]()
model.compile(
    OPTIMIZERS.get(options.workload, lambda: keras.optimizers.Adam(1e-3))(),
    keras.losses.MeanSquaredError() if options.workload == "autoencoder"
    else keras.losses.SparseCategoricalCrossentropy(from_logits=True))
# Every epoch has a start-up cost that is no part of a step: blocks are longer than those of the others.
options.steps *= 6
x, y = (np.concatenate(part * (options.steps // work.BATCHES)) for part in zip(*work.batches(options)))
losses = []


def steps(count):
    if count == 1:
        losses[1:] = [float(model.train_on_batch(x[:options.batch], y[:options.batch]))]
    else:
        rows = count * options.batch
        model.fit(x[:rows], y[:rows], batch_size=options.batch, shuffle=False, verbose=0)


times = work.measure(options, steps, lambda: None)
work.report(f"keras on {options.backend}", f"{keras.__version__}, {backend.__version__}", options, *times, losses)
