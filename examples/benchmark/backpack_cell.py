#!/usr/bin/env python3
"""Times BackPACK for PyTorch on one problem and one quantity, as Benchmark.java times this library.

    backpack_cell.py PROBLEM QUANTITY SECONDS        e.g. 3c3d:32 diag_ggn_exact 5

Prints median and least milliseconds of a forward and a backward pass that also computes the quantity, the
process's peak memory in MiB, and the sum of the quantity's absolute entries. Parameters and data come from
the same formula as in Java, so that both sums agree where both do the same work. The quantities
`for_loop` (a backward pass for each sample) and `vmap` (torch.func) are other ways to what batch_grad gives.

Needs torch and backpack-for-pytorch.
"""
import math
import sys
import time
import warnings

import torch
from torch import nn

THREADS = 2
LEAST_STEPS, MOST_STEPS = 5, 30


def hashed(shape, stream):
    """Numbers in [0, 1): a multiplicative hash of the flat index and the stream's number, 32 bits wide."""
    bits = 0xFFFFFFFF
    state = (torch.arange(1, math.prod(shape) + 1) * 2654435761 + stream * 40503) & bits
    for _ in range(2):
        state = ((state ^ (state >> 16)) * 73244475) & bits
    state ^= state >> 16
    return (state.double() / 2**32).float().reshape(shape)


def initialise(network):
    """Stream k + 1 for parameter k; from stream 1001 on the running statistics."""
    for k, (name, parameter) in enumerate(network.named_parameters(), start=1):
        centred = 2 * hashed(parameter.shape, k) - 1
        if parameter.dim() > 1:
            value = centred * math.sqrt(6 / parameter[0].numel())
        else:
            value = 0.1 * centred + (1 if name.endswith("weight") else 0)
        parameter.data.copy_(value)
    statistics = [(n, b) for n, b in network.named_buffers() if b.is_floating_point()]
    for k, (name, buffer) in enumerate(statistics, start=1001):
        u = hashed(buffer.shape, k)
        buffer.copy_(1 + 0.5 * u if name.endswith("var") else 0.2 * u - 0.1)
    return network


def convolutions(*layers):
    """Convolutions, each with a ReLU behind it: (in, out, kernel, stride, padding)."""
    modules = []
    for i, o, k, s, p in layers:
        modules += [nn.Conv2d(i, o, k, s, p), nn.ReLU()]
    return modules


def three_convolutions():
    def pooling():  # reaches over the lower and the right edge only
        return [nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(3, 2)]

    return nn.Sequential(
        *convolutions((3, 64, 5, 1, 0)), *pooling(),
        *convolutions((64, 96, 3, 1, 0)), *pooling(),
        *convolutions((96, 128, 3, 1, 1)), *pooling(),
        nn.Flatten(), nn.Linear(1152, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10))


def all_convolutions():
    return nn.Sequential(
        *convolutions((3, 96, 3, 1, 1), (96, 96, 3, 1, 1), (96, 96, 3, 2, 1), (96, 192, 3, 1, 1), (192, 192, 3, 1, 1),
                      (192, 192, 3, 2, 1), (192, 192, 3, 1, 0), (192, 192, 1, 1, 0), (192, 100, 1, 1, 0)),
        nn.AvgPool2d(6), nn.Flatten())


def perceptron(*widths):
    modules = []
    for i, o in zip(widths, widths[1:]):
        modules += [nn.Linear(i, o), nn.ReLU()]
    return nn.Sequential(*modules[:-1])


def small_resnet():
    from backpack.custom_module.branching import Parallel, SumModule

    branch = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU())
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(),
                         Parallel(nn.Identity(), branch, merge_module=SumModule()),
                         nn.Flatten(), nn.Linear(1568, 10))


class ResidualBlock(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(o)
        self.relu = nn.ReLU()
        self.downsample = None
        if i != o:
            self.downsample = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        skip = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += skip
        return self.relu(out)


class ResNet18(nn.Module):
    """He et al. (2015), with the ImageNet stem."""

    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(ResidualBlock(64, 64, 1), ResidualBlock(64, 64, 1))
        self.layer2 = nn.Sequential(ResidualBlock(64, 128, 2), ResidualBlock(128, 128, 1))
        self.layer3 = nn.Sequential(ResidualBlock(128, 256, 2), ResidualBlock(256, 256, 1))
        self.layer4 = nn.Sequential(ResidualBlock(256, 512, 2), ResidualBlock(512, 512, 1))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def problem(name):
    """Network, loss, inputs and targets."""
    kind, batch = name.split(":")
    batch = int(batch)
    network, classes, sample = {
        "3c3d": lambda: (three_convolutions(), 10, (3, 32, 32)),
        "mlp": lambda: (perceptron(784, 128, 64, 10), 10, (784,)),
        "resnet_tutorial": lambda: (small_resnet(), 10, (1, 28, 28)),
        "resnet18_7x7": lambda: (ResNet18(5).eval(), 5, (3, 7, 7)),
        "resnet18_32x32": lambda: (ResNet18(10).eval(), 10, (3, 32, 32)),
        "allcnnc": lambda: (all_convolutions(), 100, (3, 32, 32)),
    }[kind]()
    x = hashed((batch, *sample), 2001)
    if kind == "resnet18_7x7":
        return initialise(network), nn.MSELoss(), x, hashed((batch, classes), 3001)
    return initialise(network), nn.CrossEntropyLoss(), x, torch.arange(batch) * 7 % classes


def step_of(name, quantity):
    """The network, and what is timed."""
    network, loss, x, y = problem(name)

    def gradient():
        network.zero_grad()
        loss(network(x), y).backward()

    def for_loop():
        for n in range(len(x)):
            network.zero_grad()
            loss(network(x[n:n + 1]), y[n:n + 1]).backward()

    if quantity == "gradient":
        return network, gradient
    if quantity == "for_loop":
        return network, for_loop
    if quantity == "vmap":
        parameters = {k: p.detach() for k, p in network.named_parameters()}
        buffers = dict(network.named_buffers())

        def of_sample(p, image, target):
            predicted = torch.func.functional_call(network, {**p, **buffers}, (image[None],))
            return loss(predicted, target[None])

        batched = torch.func.vmap(torch.func.grad(of_sample), in_dims=(None, 0, 0))
        return network, lambda: batched(parameters, x, y)

    from backpack import backpack, extend, extensions

    extension = {
        "batch_grad": extensions.BatchGrad, "batch_l2": extensions.BatchL2Grad,
        "sum_grad_squared": extensions.SumGradSquared, "variance": extensions.Variance,
        "diag_ggn_mc": extensions.DiagGGNMC, "diag_ggn_exact": extensions.DiagGGNExact,
    }[quantity]
    network = extend(network, use_converter=name.startswith("resnet18"))
    loss = extend(loss)

    def extended():
        network.zero_grad()
        value = loss(network(x), y)
        with backpack(extension()):
            value.backward()

    return network, extended


def checksum(network, quantity):
    if quantity in ("for_loop", "vmap", "diag_ggn_mc"):
        return math.nan
    field = {"gradient": "grad", "batch_grad": "grad_batch"}.get(quantity, quantity)
    return sum(getattr(p, field).double().abs().sum().item() for p in network.parameters())


def peak_memory():
    """In MiB, where the system tells. Not ru_maxrss: a process begins with that of the one which started it."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return math.nan


def main(name, quantity, seconds):
    warnings.filterwarnings("ignore")
    torch.set_num_threads(THREADS)
    network, step = step_of(name, quantity)
    for _ in range(2):
        step()
    times, start = [], time.perf_counter()
    while len(times) < LEAST_STEPS or (len(times) < MOST_STEPS and time.perf_counter() - start < seconds):
        before = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - before))
        if time.perf_counter() - start > 5 * seconds:
            break
    times.sort()
    print(f"--cell {times[len(times) // 2]:.2f} {times[0]:.2f} {peak_memory():.0f} {checksum(network, quantity):.6g}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
