#!/usr/bin/env python3
"""Times the products of `apus bench gemm`, and those of PyTorch (MKL) and NumPy (OpenBLAS), in turn on one CPU and thread.

The fastest of all rounds counts. A ratio above 1 says that ours is faster than the peer. OpenBLAS takes SkylakeX's kernels
where the CPU has AVX-512 (`--core` names others, such as Haswell).

  Benchmarks/compare_gemm.py                             20 rounds: about two minutes
  Benchmarks/compare_gemm.py --level avx2                all three without AVX-512 (MKL obeys on Intel only)
"""
import argparse
import json
import math
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = ["torch", "numpy"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--apus", default=os.path.join(HERE, "..", ".build", "release", "apus"))
    parser.add_argument("--python", default=os.path.join(HERE, ".venv", "bin", "python"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--cpu", default=str(max(os.sched_getaffinity(0))))
    parser.add_argument("--level", choices=["best", "avx2"], default="best")
    parser.add_argument("--core", help="whose kernels OpenBLAS takes")
    return parser.parse_args()


def environment(options):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
    kept.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    with open("/proc/cpuinfo") as file:
        has_avx512 = "avx512f" in file.read()
    if options.level == "avx2":
        kept.update(APUS_CPU="x86-64-v3", MKL_ENABLE_INSTRUCTIONS="AVX2")
    core = options.core or ("SkylakeX" if has_avx512 and options.level == "best" else "Haswell")
    return dict(kept, OPENBLAS_CORETYPE=core)


def output(command, options, env, text=None):
    run = subprocess.run(
        ["taskset", "-c", options.cpu, *command], input=text, env=env, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.splitlines()[-1])


def main():
    options = arguments()
    env = environment(options)
    reports = [output([options.apus, "bench", "gemm", "--threads", "1", "--json"], options, env)]
    products = reports[0]["products"]
    times = {name: [] for name in ["apus", *PEERS]}
    for _ in range(options.rounds):
        reports.append(output([options.apus, "bench", "gemm", "--threads", "1", "--json"], options, env))
        times["apus"].append([row["microseconds"] for row in reports[-1]["products"]])
        for peer in PEERS:
            script = os.path.join(HERE, "peers", "gemm_peer.py")
            times[peer].append(output([options.python, script, peer], options, env, json.dumps(products)))
    fastest = {name: [min(column) for column in zip(*rounds)] for name, rounds in times.items()}
    limit = max(report["fma_gflops"] for report in reports)
    print(f"{reports[0]['kernels']}; a core's multiply-adds reach {limit} GFLOP/s\n")
    print("| product | m x k x n | Apus, GFLOP/s | PyTorch | NumPy | to PyTorch | to NumPy |\n" + "|---" * 7 + "|")
    ratios = {peer: [] for peer in PEERS}
    for index, row in enumerate(products):
        operations = 2e-3 * row["count"] * row["m"] * row["k"] * row["n"]
        speed = {name: operations / fastest[name][index] for name in fastest}
        for peer in PEERS:
            ratios[peer].append(speed["apus"] / speed[peer])
        size = (f"{row['count']} of " if row["count"] > 1 else "") + f"{row['m']} x {row['k']} x {row['n']}"
        size += {"none": "", "first": ", aᵀ", "second": ", bᵀ"}[row["transposed"]]
        print(f"| {row['name']} | {size} | " + " | ".join(f"{speed[name]:.0f}" for name in speed) + " | "
              + " | ".join(f"{ratios[peer][-1]:.2f}" for peer in PEERS) + " |")
    means = [math.exp(sum(map(math.log, ratios[peer])) / len(products)) for peer in PEERS]
    print("| geometric mean | | | | | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")


if __name__ == "__main__":
    main()
