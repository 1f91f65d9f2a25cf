"""JAX with flax and optax: one jitted step whose state is donated, or (--loop) a block of steps as one compiled loop."""
import itertools

import work

options = work.arguments()
import flax.linen as nn
import jax
import jax.numpy as jnp
import optax


class MLP(nn.Module):
    sizes: tuple
    outputs: int = 10

    @nn.compact
    def __call__(self, x):
        for size in self.sizes:
            x = nn.relu(nn.Dense(size)(x))
        return nn.Dense(self.outputs)(x)


class CNN(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(32, (3, 3), padding="VALID")(x))
        x = nn.relu(nn.Conv(64, (3, 3), padding="VALID")(x))
        x = nn.max_pool(x, (2, 2), (2, 2)).reshape((x.shape[0], -1))
        return nn.Dense(10)(nn.relu(nn.Dense(128)(x)))


class LanguageModel(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        x = nn.Embed(256, 128)(tokens) + nn.Embed(64, 128)(jnp.arange(64))
        heads = (*x.shape[:2], 4, 32)
        for _ in range(2):
            q, k, v = (part.reshape(heads) for part in jnp.split(nn.Dense(384)(nn.LayerNorm()(x)), 3, -1))
            x = x + nn.Dense(128)(jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(x.shape))
            x = x + nn.Dense(128)(nn.gelu(nn.Dense(512)(nn.LayerNorm()(x)), approximate=True))
        return nn.Dense(256, use_bias=False)(nn.LayerNorm()(x))


class Last(nn.Module):
    """A recurrent layer and a dense layer on its last state."""
    cell: type

    @nn.compact
    def __call__(self, x):
        return nn.Dense(10)(nn.RNN(self.cell(128))(x)[:, -1])


class ResNet(nn.Module):
    @nn.compact
    def __call__(self, x):
        def normalized(x, filters, size=3, stride=1):
            x = nn.Conv(filters, (size, size), stride, use_bias=False, kernel_init=nn.initializers.he_normal())(x)
            return nn.BatchNorm(use_running_average=False, momentum=0.9)(x)

        x = nn.relu(normalized(x, 16))
        for stage, filters in enumerate((16, 32, 64)):
            for block in range(3):
                stride = 2 if stage > 0 and block == 0 else 1
                y = normalized(nn.relu(normalized(x, filters, stride=stride)), filters)
                x = nn.relu(y + (x if stride == 1 else normalized(x, filters, 1, 2)))
        return nn.Dense(10)(x.mean((1, 2)))


class Bag(nn.Module):
    @nn.compact
    def __call__(self, tokens):
        return nn.Dense(10)(nn.Embed(20_000, 128)(tokens).mean(1))


model = dict(
    mlp=MLP((512, 512)), mlp_small=MLP((32,)), cnn=CNN(), transformer=LanguageModel(),
    lstm=Last(nn.OptimizedLSTMCell), gru=Last(nn.GRUCell), resnet=ResNet(), embedding=Bag(),
    autoencoder=MLP((512, 256, 64, 256, 512), 784))[options.workload]
optimizer = dict(
    mlp_small=optax.sgd(0.01), resnet=optax.sgd(0.01, momentum=0.9),
    transformer=optax.adamw(1e-3, weight_decay=0.004)).get(options.workload, optax.adam(1e-3))
data = [(jnp.asarray(x), jnp.asarray(y)) for x, y in work.batches(options)]


def train(state, x, y):
    weights, slots = state

    def loss(parameters):
        y_pred, changed = model.apply(weights | dict(params=parameters), x, mutable=["batch_stats"])
        if options.workload == "autoencoder":
            return jnp.square(y_pred - y).mean(), changed
        return optax.softmax_cross_entropy_with_integer_labels(y_pred, y).mean(), changed

    (value, changed), gradients = jax.value_and_grad(loss, has_aux=True)(weights["params"])
    updates, slots = optimizer.update(gradients, slots, weights["params"])
    return (dict(changed, params=optax.apply_updates(weights["params"], updates)), slots), value


weights = model.init(jax.random.PRNGKey(0), data[0][0][:1])
state = weights, optimizer.init(weights["params"])
losses = []
if options.loop:
    xs, ys = (jnp.stack(parts) for parts in zip(*data))

    def body(index, carry):
        return train(carry[0], xs[index % work.BATCHES], ys[index % work.BATCHES])

    # The number of steps is an argument, so that it is compiled once.
    loop = jax.jit(
        lambda state, count: jax.lax.fori_loop(0, count, body, (state, jnp.float32(0))), donate_argnums=0)

    def steps(count):
        global state
        state, loss = loop(state, count)
        losses[1:] = [loss]
else:
    step = jax.jit(train, donate_argnums=0)
    turn = itertools.cycle(data)

    def steps(count):
        global state
        for _ in range(count):
            state, loss = step(state, *next(turn))
            losses[1:] = [loss]


times = work.measure(options, steps, lambda: jax.block_until_ready(state))
name = "jax, a loop of steps" if options.loop else "jax"
work.report(name, jax.__version__, options, *times, [float(loss) for loss in losses])
