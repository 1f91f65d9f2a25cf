"""Keras on TensorFlow: steps in a row are those of fit, single ones train_on_batch."""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import work

options = work.arguments()
import keras
import numpy as np
import tensorflow as tf
from keras import layers

tf.config.threading.set_intra_op_parallelism_threads(options.threads)
tf.config.threading.set_inter_op_parallelism_threads(1)


def transformer():
    tokens = keras.Input((64,), dtype="int32")
    x = layers.Embedding(256, 128)(tokens) + layers.Embedding(64, 128)(keras.ops.arange(64))
    for _ in range(2):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, 32)(y, y, use_causal_mask=True)
        y = layers.Dense(512)(layers.LayerNormalization()(x))
        x = x + layers.Dense(128)(keras.activations.gelu(y, approximate=True))
    return keras.Model(tokens, layers.Dense(256, use_bias=False)(layers.LayerNormalization()(x)))


def sequential(*parts):
    return keras.Sequential(list(parts))


MODELS = dict(
    mlp=lambda: sequential(
        keras.Input((784,)), layers.Dense(512, "relu"), layers.Dense(512, "relu"), layers.Dense(10)),
    mlp_small=lambda: sequential(keras.Input((784,)), layers.Dense(32, "relu"), layers.Dense(10)),
    cnn=lambda: sequential(
        keras.Input((28, 28, 1)), layers.Conv2D(32, 3, activation="relu"), layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(2), layers.Flatten(), layers.Dense(128, "relu"), layers.Dense(10)),
    transformer=transformer)
OPTIMIZERS = dict(mlp_small=lambda: keras.optimizers.SGD(0.01), transformer=lambda: keras.optimizers.AdamW(1e-3))

model = MODELS[options.workload]()
model.compile(
    OPTIMIZERS.get(options.workload, lambda: keras.optimizers.Adam(1e-3))(),
    keras.losses.SparseCategoricalCrossentropy(from_logits=True))
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
work.report("keras on tensorflow", f"{keras.__version__}, {tf.__version__}", options, *times, losses)
