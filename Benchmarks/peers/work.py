"""What the peers' scripts share: arguments, batches, timing, and the line of JSON that `apus bench train --json` prints too.

The workloads are those of Sources/Launcher/Bench/Workload.swift.
"""
import argparse
import json
import os
import resource
import statistics
import time

import numpy as np

BATCH = dict(
    mlp=128, mlp_small=32, cnn=64, transformer=16, lstm=64, gru=64, resnet=32, embedding=64, autoencoder=128)
STEPS = dict(dict.fromkeys(BATCH, 16), mlp=48, mlp_small=608, autoencoder=48)  # in a timed block
BATCHES = 16  # different ones, taken in turn
RANK, RANKS = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", choices=list(BATCH), default="mlp")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--backend", choices=["tensorflow", "jax"], default="tensorflow", help="of keras")
    parser.add_argument("--loop", action="store_true", help="a block of steps as one compiled loop (jax)")
    options = parser.parse_args()
    options.batch, options.steps = BATCH[options.workload], STEPS[options.workload]
    if RANKS > 1:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[RANK]})
    return options


def batches(options, channels_first=False):
    """Standard normal numbers with random labels or themselves as targets, or random tokens."""
    random = np.random.default_rng(RANK)
    for _ in range(BATCHES):
        if options.workload == "transformer":
            tokens = random.integers(0, 256, (options.batch, 65), dtype=np.int32)
            yield tokens[:, :-1].copy(), tokens[:, 1:].copy()
            continue
        if options.workload == "embedding":
            x = random.integers(0, 20_000, (options.batch, 200), dtype=np.int32)
        else:
            shape = dict(cnn=(28, 28, 1), lstm=(100, 64), gru=(100, 64), resnet=(32, 32, 3)).get(options.workload, (784,))
            if channels_first and len(shape) == 3:
                shape = shape[2:] + shape[:2]
            x = random.standard_normal((options.batch, *shape), dtype=np.float32)
        yield x, x if options.workload == "autoencoder" else random.integers(0, 10, options.batch, dtype=np.int32)


def flops(workload, batch):
    """Multiply-adds times two: forward, gradients of weights, gradients of inputs (none for the first layer)."""
    if workload == "transformer":
        return 6 * batch * 64 * (2 * (12 * 128 * 128 + 2 * 64 * 128) + 128 * 256)
    macs = dict(
        mlp=[784 * 512, 512 * 512, 512 * 10], mlp_small=[784 * 32, 320],
        cnn=[26 * 26 * 32 * 9, 24 * 24 * 64 * 288, 9216 * 128, 1280],
        lstm=[100 * 64 * 512, 100 * 128 * 512, 1280], gru=[100 * 64 * 384, 100 * 128 * 384, 1280],
        resnet=[
            32 * 32 * 9 * 48, 32 * 32 * 54 * 16 * 16, 16 * 16 * (45 * 32 * 32 + 10 * 16 * 32),
            8 * 8 * (45 * 64 * 64 + 10 * 32 * 64), 640],
        embedding=[0, 1280],
        autoencoder=[784 * 512, 512 * 256, 256 * 64, 64 * 256, 256 * 512, 512 * 784])[workload]
    return 2 * batch * (3 * sum(macs) - macs[0])


def seconds(body):
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def measure(options, steps, wait):
    """Seconds of a step in a row (each block's mean) and alone. `steps(n)` begins n steps, `wait()` ends them all."""
    def run(count):
        steps(count)
        wait()

    steps(1)
    run(2 * BATCHES)
    run(options.steps)  # a compiled loop is compiled for this number
    in_a_row = [seconds(lambda: run(options.steps)) / options.steps for _ in range(options.blocks)]
    alone = [seconds(lambda: run(1)) for _ in range(max(options.steps, 20))]
    return in_a_row, alone


def report(peer, version, options, in_a_row, alone, losses):
    if RANK != 0:
        return
    step = statistics.median(in_a_row)
    print(json.dumps(dict(
        peer=peer, version=version, workload=options.workload, ranks=RANKS, threads=options.threads,
        batch_per_rank=options.batch, steps=options.steps * options.blocks,
        samples_per_s=round(RANKS * options.batch / step, 1), step_ms=round(step * 1e3, 4),
        step_ms_min=round(min(in_a_row) * 1e3, 4), step_ms_median=round(statistics.median(alone) * 1e3, 4),
        gflops=round(RANKS * flops(options.workload, options.batch) / step / 1e9, 1),
        peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        loss_first=round(losses[0], 4), loss_last=round(losses[-1], 4))), flush=True)
