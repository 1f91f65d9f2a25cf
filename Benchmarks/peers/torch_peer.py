"""PyTorch: eager, fused optimizer; several ranks with DistributedDataParallel over gloo."""
import itertools

import work

options = work.arguments()
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(options.threads)
torch.manual_seed(0)


class Block(nn.Module):
    def __init__(self, width=128, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.mix = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, steps, width = x.shape
        q, k, v = (
            part.view(batch, steps, self.heads, -1).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.mix(mixed.transpose(1, 2).reshape(batch, steps, width))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(256, 128), nn.Embedding(64, 128)
        self.blocks = nn.Sequential(Block(), Block())
        self.norm, self.head = nn.LayerNorm(128), nn.Linear(128, 256, bias=False)
        self.register_buffer("index", torch.arange(64))

    def forward(self, tokens):
        x = self.tokens(tokens) + self.positions(self.index)
        return self.head(self.norm(self.blocks(x))).flatten(0, 1)


class Last(nn.Module):
    """A recurrent layer and a dense layer on its last state."""
    def __init__(self, kind):
        super().__init__()
        self.layer, self.head = kind(64, 128, batch_first=True), nn.Linear(128, 10)
        if kind is nn.LSTM:
            nn.init.ones_(self.layer.bias_ih_l0.data[128:256])

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


class Residual(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.body = nn.Sequential(
            convolution(channels, filters, 3, stride), nn.ReLU(), convolution(filters, filters, 3))
        self.shortcut = nn.Identity() if stride == 1 else convolution(channels, filters, 1, stride)

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x))


def convolution(channels, filters, size, stride=1):
    layer = nn.Conv2d(channels, filters, size, stride, padding=size // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(filters))


def resnet():
    sizes = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
    return nn.Sequential(
        convolution(3, 16, 3), nn.ReLU(), *(Residual(*size) for size in sizes), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(64, 10))


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


def dense(*sizes):
    layers = []
    for size, following in zip(sizes, sizes[1:]):
        layers += [nn.Linear(size, following), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


MODELS = dict(
    mlp=lambda: nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)),
    mlp_small=lambda: nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10)),
    cnn=lambda: nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(9216, 128), nn.ReLU(), nn.Linear(128, 10)),
    transformer=LanguageModel, lstm=lambda: Last(nn.LSTM), gru=lambda: Last(nn.GRU), resnet=resnet,
    embedding=lambda: nn.Sequential(nn.Embedding(20_000, 128), Mean(), nn.Linear(128, 10)),
    autoencoder=lambda: dense(784, 512, 256, 64, 256, 512, 784))

model = MODELS[options.workload]()
if options.workload in ("mlp_small", "resnet"):
    momentum = 0.9 if options.workload == "resnet" else 0
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=momentum, fused=True)
else:
    kind = torch.optim.AdamW if options.workload == "transformer" else torch.optim.Adam
    optimizer = kind(model.parameters(), lr=1e-3, fused=True)
if work.RANKS > 1:
    torch.distributed.init_process_group("gloo")
    model = nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)


def tensors(x, y):
    """Numbers as they are, labels and tokens as int64."""
    return [torch.from_numpy(part).long() if part.dtype == "int32" else torch.from_numpy(part) for part in (x, y)]


cost = F.mse_loss if options.workload == "autoencoder" else lambda x, y: F.cross_entropy(x, y.flatten())
data = itertools.cycle([tensors(x, y) for x, y in work.batches(options, channels_first=True)])
losses = []


def steps(count):
    for _ in range(count):
        x, y = next(data)
        optimizer.zero_grad(set_to_none=True)
        loss = cost(model(x), y)
        loss.backward()
        optimizer.step()
        losses[1:] = [loss.detach()]


times = work.measure(options, steps, lambda: None)
work.report("torch", torch.__version__, options, *times, [loss.item() for loss in losses])
if work.RANKS > 1:
    torch.distributed.destroy_process_group()
