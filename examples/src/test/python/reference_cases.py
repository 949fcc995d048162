"""Makes the reference cases in src/test/resources/cases: networks of a few hundred parameters, one or two for each
module and option, with gradients and exact curvature by brute force (one sample and one output at a time, torch.autograd,
double precision). Needs PyTorch 1.13 or later; other versions draw other numbers.

    python reference_cases.py FOLDER
"""

import json
import math
import os
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

MODULES = {
    "linear": nn.Linear,
    "bilinear": nn.Bilinear,
    "embedding": nn.Embedding,
    "embedding_bag": nn.EmbeddingBag,
    "conv1d": nn.Conv1d,
    "conv2d": nn.Conv2d,
    "conv3d": nn.Conv3d,
    "conv_transpose1d": nn.ConvTranspose1d,
    "conv_transpose2d": nn.ConvTranspose2d,
    "conv_transpose3d": nn.ConvTranspose3d,
    "batch_norm1d": nn.BatchNorm1d,
    "batch_norm2d": nn.BatchNorm2d,
    "batch_norm3d": nn.BatchNorm3d,
    "layer_norm": nn.LayerNorm,
    "group_norm": nn.GroupNorm,
    "instance_norm2d": nn.InstanceNorm2d,
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "rrelu": nn.RReLU,
    "prelu": nn.PReLU,
    "selu": nn.SELU,
    "celu": nn.CELU,
    "gelu": nn.GELU,
    "glu": nn.GLU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "hardtanh": nn.Hardtanh,
    "hardsigmoid": nn.Hardsigmoid,
    "hardswish": nn.Hardswish,
    "hardshrink": nn.Hardshrink,
    "softshrink": nn.Softshrink,
    "tanhshrink": nn.Tanhshrink,
    "threshold": nn.Threshold,
    "sigmoid": nn.Sigmoid,
    "log_sigmoid": nn.LogSigmoid,
    "tanh": nn.Tanh,
    "softmax": nn.Softmax,
    "softmin": nn.Softmin,
    "log_softmax": nn.LogSoftmax,
    "max_pool1d": nn.MaxPool1d,
    "max_pool2d": nn.MaxPool2d,
    "max_pool3d": nn.MaxPool3d,
    "avg_pool1d": nn.AvgPool1d,
    "avg_pool2d": nn.AvgPool2d,
    "avg_pool3d": nn.AvgPool3d,
    "adaptive_avg_pool1d": nn.AdaptiveAvgPool1d,
    "adaptive_avg_pool2d": nn.AdaptiveAvgPool2d,
    "adaptive_avg_pool3d": nn.AdaptiveAvgPool3d,
    "adaptive_max_pool2d": nn.AdaptiveMaxPool2d,
    "flatten": nn.Flatten,
    "unflatten": nn.Unflatten,
    "zero_pad2d": nn.ZeroPad2d,
    "reflection_pad2d": nn.ReflectionPad2d,
    "replication_pad2d": nn.ReplicationPad2d,
    "upsample": nn.Upsample,
    "pixel_shuffle": nn.PixelShuffle,
    "pixel_unshuffle": nn.PixelUnshuffle,
}


class SelfAttention(nn.Module):
    """Attention of one input, or of two or three, without the weights."""

    def __init__(self, **attrs):
        super().__init__()
        self.inner = nn.MultiheadAttention(**attrs)

    def forward(self, query, key=None, value=None):
        key = query if key is None else key
        return self.inner(query, key, key if value is None else value, need_weights=False)[0]


class Recurrent(nn.Module):
    """A recurrent layer without its last state."""

    def __init__(self, kind, **attrs):
        super().__init__()
        self.inner = kind(**attrs)

    def forward(self, x):
        return self.inner(x)[0]


def module(op, attrs):
    if op == "multihead_attention":
        return SelfAttention(**attrs)
    if op in ("rnn", "lstm", "gru"):
        return Recurrent({"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[op], **attrs)
    return MODULES[op](**attrs) if op in MODULES else None


def scaled_dot_product_attention(q, k, v, is_causal=False):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if is_causal:
        above = torch.triu(torch.ones(scores.shape[-2:], dtype=torch.bool), 1)
        scores = scores.masked_fill(above, -math.inf)
    return scores.softmax(-1) @ v


def slice_of(x, dim, start=0, end=None, step=1):
    return x[tuple([slice(None)] * dim + [slice(start, end, step)])]


FUNCTIONS = {
    "add": lambda *a, other=None: sum(a[1:], a[0] if other is None else a[0] + other),
    "sub": lambda a, b=None, other=None: a - (b if b is not None else other),
    "mul": lambda a, b=None, other=None: a * (b if b is not None else other),
    "div": lambda a, b=None, other=None: a / (b if b is not None else other),
    "pow": lambda x, exponent: x**exponent,
    "exp": torch.exp,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "cat": lambda *a, dim: torch.cat(a, dim),
    "stack": lambda *a, dim: torch.stack(a, dim),
    "permute": lambda x, dims: x.permute(dims),
    "transpose": lambda x, dim0, dim1: x.transpose(dim0, dim1),
    "reshape": lambda x, shape: x.reshape(shape),
    "squeeze": lambda x, dim: x.squeeze(dim),
    "unsqueeze": lambda x, dim: x.unsqueeze(dim),
    "select": lambda x, dim, index: x.select(dim, index),
    "narrow": lambda x, dim, start, length: x.narrow(dim, start, length),
    "chunk": lambda x, chunks, dim, index: x.chunk(chunks, dim)[index],
    "slice": slice_of,
    "pad": lambda x, pad, mode="constant", value=0.0: F.pad(x, pad, mode, value),
    "mean": lambda x, dim, keepdim=False: x.mean(dim, keepdim),
    "sum": lambda x, dim, keepdim=False: x.sum(dim, keepdim),
    "amax": lambda x, dim, keepdim=False: x.amax(dim, keepdim),
    "matmul": torch.matmul,
    "bmm": torch.bmm,
    "scaled_dot_product_attention": scaled_dot_product_attention,
}


class Net:
    """Nodes are (op, attrs), which read the node before them, or (name, op, inputs, attrs), or that and the name of the
    node whose parameters are used again."""

    def __init__(self, nodes):
        self.nodes, self.modules, self.parameters, self.buffers = [], {}, {}, {}
        counts, previous = {}, "input"
        for node in nodes:
            if len(node) == 2:
                op, attrs = node
                counts[op] = counts.get(op, 0) + 1
                node = (f"{op}_{counts[op]}", op, [previous], attrs)
            self.add(*node)
            previous = node[0]

    def add(self, name, op, inputs, attrs, share=None):
        node = {"name": name, "op": op, "inputs": inputs, "attrs": attrs}
        if share:
            node["share"] = share
            self.modules[name] = self.modules[share]
        else:
            made = module(op, attrs)
            if made is not None:
                self.modules[name] = made.eval()
                self.draw(name, op)
        self.nodes.append(node)

    @torch.no_grad()
    def draw(self, name, op):
        """Nothing is left at a value (one, zero) that would hide a mistake."""
        for key, parameter in self.modules[name].named_parameters():
            key = key.removeprefix("inner.")
            if parameter.dim() == 1:
                centre = 1 if "norm" in op and key == "weight" else 0.25 if op == "prelu" else 0
                parameter.copy_(centre + 0.2 * torch.randn_like(parameter))
            self.parameters[f"{name}.{key}"] = parameter
        for key, buffer in self.modules[name].named_buffers():
            if buffer.is_floating_point():
                positive = key.endswith("var")
                buffer.copy_(0.5 + torch.rand_like(buffer) if positive else 0.2 * torch.randn_like(buffer))
                self.buffers[f"{name}.{key}"] = buffer

    def __call__(self, x):
        values = {"input": x}
        for node in self.nodes:
            name, inputs = node["name"], [values[i] for i in node["inputs"]]
            if name in self.modules:
                values[name] = self.modules[name](*inputs)
            else:
                values[name] = FUNCTIONS[node["op"]](*inputs, **node["attrs"])
        return values[name]


def draw_target(kind, output):
    if kind == "cross_entropy":
        return torch.randint(0, output.shape[1], (output.shape[0],) + tuple(output.shape[2:]))
    if kind == "mse":
        return torch.randn_like(output)
    return torch.randint(0, 2, output.shape).double()


def loss_function(kind, reduction, output, target, options):
    """The sum over samples, scaled as the whole batch is."""
    classes_last = output.dim() > 2 and target.shape == output.shape[:-1] and target.shape != output[:, 0].shape
    scale = 1.0
    if reduction == "mean":
        if kind != "cross_entropy":
            scale = 1 / output.numel()
        else:
            scale = 1 / (len(target) if target.is_floating_point() else target.numel())

    def loss(o, t):
        if kind == "cross_entropy":
            o = o.movedim(-1, 1) if classes_last else o
            return scale * F.cross_entropy(o, t, reduction="sum", **options)
        if kind == "mse":
            return scale * ((o - t) ** 2).sum()
        return scale * F.binary_cross_entropy_with_logits(o, t, reduction="sum")

    return loss


def derivatives(net, loss, x, target):
    """By parameter: the gradient of each sample, and the diagonal of each sample's Gauss-Newton matrix."""
    parameters = list(net.parameters.values())

    def gradients(value):
        found = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
        return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters)]

    grad_batch = [[] for _ in parameters]
    diag_batch = [[] for _ in parameters]
    for n in range(len(x)):
        output, t = net(x[n : n + 1]), target[n : n + 1]
        for list_, gradient in zip(grad_batch, gradients(loss(output, t))):
            list_.append(gradient)
        flat = output.reshape(-1)
        hessian = torch.autograd.functional.hessian(lambda o: loss(o.reshape(output.shape), t), flat.detach())
        jacobian = [gradients(entry) for entry in flat]
        for k, list_ in enumerate(diag_batch):
            rows = torch.stack([row[k].reshape(-1) for row in jacobian])
            list_.append((hessian @ rows * rows).sum(0).reshape(parameters[k].shape))
    for name, g, d in zip(net.parameters, grad_batch, diag_batch):
        yield name, torch.stack(g), torch.stack(d)


def case(name, nodes, x, loss=("cross_entropy", "mean"), target=None, **options):
    torch.manual_seed(sum(map(ord, name)))
    net = Net(nodes)
    output = net(x)
    target = draw_target(loss[0], output) if target is None else target
    function = loss_function(*loss, output, target, options)
    arrays = {"input": x, "target": target, "output": output}
    arrays.update({f"param.{k}": v for k, v in net.parameters.items()})
    arrays.update({f"buffer.{k}": v for k, v in net.buffers.items()})
    quantities = {}
    for parameter, grad_batch, diag_batch in derivatives(net, function, x, target):
        squares = grad_batch**2
        fields = {
            "grad": grad_batch.sum(0),
            "grad_batch": grad_batch,
            "batch_l2": squares.flatten(1).sum(1),
            "sum_grad_squared": squares.sum(0),
            "variance": grad_batch.var(0, unbiased=False),
            "diag_ggn_exact": diag_batch.sum(0),
            "diag_ggn_exact_batch": diag_batch,
        }
        for field, array in fields.items():
            arrays[f"{field}.{parameter}"] = array
            quantities.setdefault(field, {})[parameter] = f"{field}.{parameter}"
    folder = os.path.join(sys.argv[1], name)
    os.makedirs(folder, exist_ok=True)
    np.savez_compressed(os.path.join(folder, "arrays.npz"), **{k: v.detach().numpy() for k, v in arrays.items()})
    description = {
        "name": name,
        "dtype": "float64",
        "nodes": net.nodes,
        "loss": {"type": loss[0], "reduction": loss[1], **options},
        "input": "input",
        "target": "target",
        "output": "output",
        "loss_value": function(output, target).item(),
        "parameters": {k: f"param.{k}" for k in net.parameters},
        "buffers": {k: f"buffer.{k}" for k in net.buffers},
        "quantities": quantities,
        # PyTorch's derivative of hardsigmoid holds its 1/6 in single precision
        "tolerance": {"relative_to_largest_entry": 1e-7 if "hardsigmoid" in name else 1e-8},
    }
    with open(os.path.join(folder, "case.json"), "w") as file:
        json.dump(description, file, indent=1)
        file.write("\n")


torch.manual_seed(0)


def features(inputs, outputs):
    return {"in_features": inputs, "out_features": outputs}


def linear(inputs, outputs):
    return [("linear", features(inputs, outputs))]


def channels(inputs, outputs, kernel, **attrs):
    return {"in_channels": inputs, "out_channels": outputs, "kernel_size": kernel, **attrs}


def conv(dimensions, inputs, outputs, kernel, **attrs):
    return [(f"conv{dimensions}d", channels(inputs, outputs, kernel, **attrs))]


def transposed(dimensions, inputs, outputs, kernel, **attrs):
    return [(f"conv_transpose{dimensions}d", channels(inputs, outputs, kernel, **attrs))]


def head(inputs, outputs=3):
    return [("flatten", {}), *linear(inputs, outputs)]


torch.manual_seed(0)
CE = ("cross_entropy", "mean")
MSE = ("mse", "mean")
BCE = ("bce_with_logits", "sum")
ACTIVATIONS = [
    ("relu6", {}),
    ("elu", {"alpha": 0.7}),
    ("celu", {"alpha": 1.5}),
    ("gelu", {}),
    ("gelu", {"approximate": "tanh"}),
    ("silu", {}),
    ("mish", {}),
    ("softplus", {}),
    ("softplus", {"beta": 2.0}),
    ("softsign", {}),
    ("hardtanh", {}),
    ("hardtanh", {"min_val": -0.3, "max_val": 0.4}),
    ("hardsigmoid", {}),
    ("hardswish", {}),
    ("tanhshrink", {}),
    ("softshrink", {"lambd": 0.1}),
    ("hardshrink", {"lambd": 0.1}),
    ("threshold", {"threshold": 0.1, "value": 0.3}),
    ("softmax", {"dim": -1}),
    ("log_softmax", {"dim": 1}),
    ("softmin", {"dim": 1}),
    ("rrelu", {}),
    ("leaky_relu", {"negative_slope": 0.2}),
    ("selu", {}),
    ("log_sigmoid", {}),
]
for i, (a, at) in enumerate(ACTIVATIONS):
    case(f"act_{a}_{i}", [*linear(4, 5), (a, at), *linear(5, 3)], torch.randn(4, 4) * 1.5, [CE, MSE, BCE][i % 3])
case("act_glu", [*linear(4, 6), ("glu", {"dim": 1}), *linear(3, 3)], torch.randn(4, 4))
case("prelu_one", [*linear(4, 6), ("prelu", {}), *linear(6, 3)], torch.randn(4, 4))
case("prelu_channels", [*conv(2, 2, 3, 3), ("prelu", {"num_parameters": 3}), *head(48)], torch.randn(3, 2, 6, 6))
case("softmax_channels", [*conv(2, 2, 3, 3), ("softmax", {"dim": 1}), *head(48)], torch.randn(3, 2, 6, 6))
case("log_softmax_channels", [*conv(2, 2, 3, 3), ("log_softmax", {"dim": 1}), *head(48)], torch.randn(3, 2, 6, 6))
# convolutions
case(
    "conv2d_rect",
    [*conv(2, 2, 4, [3, 2], stride=[2, 1], padding=[1, 0], dilation=[1, 2]), ("tanh", {}), *head(4 * 4 * 5)],
    torch.randn(3, 2, 7, 7),
)
case(
    "conv2d_same_even",
    [*conv(2, 2, 3, [4, 3], padding="same", dilation=[1, 2]), ("relu", {}), *head(3 * 36)],
    torch.randn(3, 2, 6, 6),
)
case("conv2d_valid", [*conv(2, 2, 3, 3, padding="valid", bias=False), ("relu", {}), *head(48)], torch.randn(3, 2, 6, 6))
case(
    "conv2d_depthwise",
    [*conv(2, 3, 6, 3, groups=3, padding=1), ("relu", {}), *conv(2, 6, 4, 1), *head(4 * 25)],
    torch.randn(3, 3, 5, 5),
)
case("conv2d_groups_nobias", [*conv(2, 4, 4, 3, groups=2, bias=False, stride=2), *head(16)], torch.randn(3, 4, 5, 5))
for m in ("reflect", "replicate", "circular"):
    case(
        f"conv2d_{m}",
        [
            *conv(2, 2, 3, 3, padding=[1, 2] if m != "reflect" else 1, padding_mode=m),
            ("sigmoid", {}),
            *head(3 * 5 * (7 if m != "reflect" else 5)),
        ],
        torch.randn(3, 2, 5, 5),
    )
case(
    "conv1d_groups_dil",
    [*conv(1, 4, 6, 3, groups=2, dilation=2, padding=2), ("relu", {}), *head(6 * 9)],
    torch.randn(3, 4, 9),
)
case("conv1d_same", [*conv(1, 2, 3, 4, padding="same"), ("relu", {}), *head(27)], torch.randn(3, 2, 9))
case(
    "conv3d_full",
    [
        *conv(3, 2, 3, [2, 3, 2], stride=[1, 2, 1], padding=[1, 0, 1], dilation=[1, 1, 2]),
        ("relu", {}),
        *head(3 * 5 * 2 * 4),
    ],
    torch.randn(2, 2, 4, 5, 4),
)
case("conv3d_groups", [*conv(3, 2, 4, 2, groups=2), ("relu", {}), *head(4 * 8)], torch.randn(2, 2, 3, 3, 3))
case(
    "convt1d",
    [*transposed(1, 2, 3, 3, stride=2, padding=1, output_padding=1), ("relu", {}), *head(30)],
    torch.randn(3, 2, 5),
)
case("convt1d_plain", [*transposed(1, 2, 3, 3, stride=2, padding=1), ("relu", {}), *head(27)], torch.randn(3, 2, 5))
case(
    "convt2d_dil_groups",
    [
        *transposed(2, 4, 6, [2, 3], stride=[2, 1], padding=[0, 1], dilation=[2, 1], groups=2),
        ("relu", {}),
        *head(6 * 9 * 4),
    ],
    torch.randn(2, 4, 4, 4),
)
case(
    "convt2d_dil",
    [*transposed(2, 2, 3, [2, 3], stride=[2, 1], padding=[0, 1], dilation=[2, 1]), ("relu", {}), *head(3 * 9 * 4)],
    torch.randn(2, 2, 4, 4),
)
case(
    "convt2d_outpad",
    [*transposed(2, 2, 3, 2, stride=3, padding=0, output_padding=[2, 1]), ("relu", {}), *head(3 * 10 * 9)],
    torch.randn(2, 2, 3, 3),
)
case(
    "convt3d",
    [*transposed(3, 2, 3, 2, stride=2, padding=1), ("relu", {}), *head(3 * 4 * 4 * 2)],
    torch.randn(2, 2, 3, 3, 2),
)
case(
    "convt3d_dil_op",
    [
        *transposed(3, 2, 2, 2, stride=2, dilation=2, padding=1, output_padding=1, bias=False),
        ("relu", {}),
        *head(2 * 4 * 4 * 4),
    ],
    torch.randn(2, 2, 2, 2, 2),
)
# pooling
case(
    "maxpool_ceil",
    [*conv(2, 2, 3, 2), ("max_pool2d", {"kernel_size": 3, "stride": 2, "ceil_mode": True}), *head(3 * 9)],
    torch.randn(3, 2, 7, 7),
)
case(
    "maxpool_ceil_pad",
    [
        *conv(2, 2, 3, 2),
        ("max_pool2d", {"kernel_size": [3, 2], "stride": [2, 3], "padding": [1, 0], "ceil_mode": True}),
        *head(3 * 4 * 2),
    ],
    torch.randn(3, 2, 7, 7),
)
case(
    "maxpool_dil",
    [*conv(2, 2, 3, 2), ("max_pool2d", {"kernel_size": 2, "stride": 1, "dilation": 2}), *head(3 * 16)],
    torch.randn(3, 2, 7, 7),
)
case(
    "maxpool1d",
    [*conv(1, 2, 3, 2), ("max_pool1d", {"kernel_size": 3, "stride": 2, "padding": 1}), *head(3 * 4)],
    torch.randn(3, 2, 8),
)
case(
    "maxpool3d",
    [
        *conv(3, 1, 2, 2),
        ("max_pool3d", {"kernel_size": 2, "stride": [2, 1, 2], "padding": [0, 1, 1]}),
        *head(2 * 2 * 6 * 3),
    ],
    torch.randn(2, 1, 5, 6, 5),
)
case(
    "maxpool3d_rect",
    [
        *conv(3, 1, 2, 2),
        ("max_pool3d", {"kernel_size": [1, 3, 2], "stride": [1, 2, 1], "dilation": [1, 1, 2]}),
        *head(2 * 4 * 2 * 2),
    ],
    torch.randn(2, 1, 5, 6, 5),
)
case(
    "avgpool3d_rect",
    [*conv(3, 1, 2, 2), ("avg_pool3d", {"kernel_size": [1, 3, 2], "stride": [1, 2, 1]}), *head(2 * 4 * 2 * 3)],
    torch.randn(2, 1, 5, 6, 5),
)
case(
    "maxpool3d_dil",
    [*conv(3, 1, 2, 2), ("max_pool3d", {"kernel_size": 2, "stride": 1, "dilation": 2}), *head(2 * 2 * 3 * 2)],
    torch.randn(2, 1, 5, 6, 5),
)
case(
    "avgpool_pad",
    [*conv(2, 2, 3, 2), ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1}), *head(3 * 9)],
    torch.randn(3, 2, 7, 7),
)
case(
    "avgpool_excl",
    [
        *conv(2, 2, 3, 2),
        ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}),
        *head(3 * 9),
    ],
    torch.randn(3, 2, 7, 7),
)
case(
    "avgpool_ceil",
    [
        *conv(2, 2, 3, 2),
        ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
        *head(3 * 16),
    ],
    torch.randn(3, 2, 7, 7),
)
case(
    "avgpool_ceil_excl",
    [
        *conv(2, 2, 3, 2),
        ("avg_pool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": False}),
        *head(3 * 16),
    ],
    torch.randn(3, 2, 7, 7),
)
case(
    "avgpool_div",
    [*conv(2, 2, 3, 2), ("avg_pool2d", {"kernel_size": 2, "divisor_override": 3}), *head(3 * 9)],
    torch.randn(3, 2, 7, 7),
)
case(
    "avgpool1d",
    [*conv(1, 2, 3, 2), ("avg_pool1d", {"kernel_size": 3, "stride": 2, "padding": 1}), *head(3 * 4)],
    torch.randn(3, 2, 8),
)
case(
    "avgpool3d",
    [
        *conv(3, 1, 2, 2),
        ("avg_pool3d", {"kernel_size": 2, "stride": [2, 1, 2], "padding": [0, 1, 1]}),
        *head(2 * 2 * 6 * 3),
    ],
    torch.randn(2, 1, 5, 6, 5),
)
case(
    "adaptive_avg",
    [*conv(2, 2, 3, 2), ("adaptive_avg_pool2d", {"output_size": [2, 3]}), *head(18)],
    torch.randn(3, 2, 7, 7),
)
case(
    "adaptive_avg_uneven",
    [*conv(2, 2, 3, 2), ("adaptive_avg_pool2d", {"output_size": [4, 5]}), *head(60)],
    torch.randn(3, 2, 7, 7),
)
case(
    "adaptive_max", [*conv(2, 2, 3, 2), ("adaptive_max_pool2d", {"output_size": 2}), *head(12)], torch.randn(3, 2, 7, 7)
)
case("adaptive1d", [*conv(1, 2, 3, 2), ("adaptive_avg_pool1d", {"output_size": 4}), *head(12)], torch.randn(3, 2, 9))
case(
    "adaptive3d", [*conv(3, 1, 2, 2), ("adaptive_avg_pool3d", {"output_size": 1}), *head(2)], torch.randn(2, 1, 5, 5, 5)
)
# norms
case(
    "bn1d",
    [*linear(4, 5), ("batch_norm1d", {"num_features": 5, "eps": 1e-3}), ("relu", {}), *linear(5, 3)],
    torch.randn(4, 4),
)
case(
    "bn1d_seq",
    [*conv(1, 2, 3, 2), ("batch_norm1d", {"num_features": 3}), ("relu", {}), *head(21)],
    torch.randn(3, 2, 8),
)
case(
    "bn2d_noaffine",
    [*conv(2, 2, 3, 2), ("batch_norm2d", {"num_features": 3, "affine": False}), ("relu", {}), *head(75)],
    torch.randn(3, 2, 6, 6),
)
case(
    "bn3d",
    [*conv(3, 1, 2, 2), ("batch_norm3d", {"num_features": 2}), ("relu", {}), *head(16)],
    torch.randn(2, 1, 3, 3, 3),
)
case(
    "layer_norm",
    [*linear(4, 6), ("layer_norm", {"normalized_shape": 6}), ("relu", {}), *linear(6, 3)],
    torch.randn(4, 4),
)
case(
    "layer_norm_2d",
    [*conv(2, 2, 3, 3), ("layer_norm", {"normalized_shape": [4, 4], "eps": 1e-3}), ("tanh", {}), *head(48)],
    torch.randn(3, 2, 6, 6),
)
case(
    "layer_norm_plain",
    [*linear(4, 6), ("layer_norm", {"normalized_shape": [6], "elementwise_affine": False}), *linear(6, 3)],
    torch.randn(4, 3, 4)[:, 0],
)
case(
    "group_norm",
    [*conv(2, 2, 4, 3), ("group_norm", {"num_groups": 2, "num_channels": 4}), ("relu", {}), *head(64)],
    torch.randn(3, 2, 6, 6),
)
case(
    "instance_norm",
    [*conv(2, 2, 4, 3), ("instance_norm2d", {"num_features": 4, "affine": True}), ("relu", {}), *head(64)],
    torch.randn(3, 2, 6, 6),
)
# shapes
case(
    "shapes_mix",
    [
        *linear(6, 12),
        ("unflatten", {"dim": 1, "unflattened_size": [3, 4]}),
        ("permute", {"dims": [0, 2, 1]}),
        ("tanh", {}),
        ("transpose", {"dim0": 1, "dim1": 2}),
        ("reshape", {"shape": [-1, 2, 6]}),
        *linear(6, 3),
        ("mean", {"dim": 1}),
    ],
    torch.randn(4, 6),
)
case(
    "reshape_full",
    [
        *linear(6, 12),
        ("reshape", {"shape": [-1, 3, 4]}),
        ("unsqueeze", {"dim": 1}),
        ("squeeze", {"dim": 1}),
        ("sum", {"dim": [1], "keepdim": True}),
        ("flatten", {}),
        *linear(4, 3),
    ],
    torch.randn(4, 6),
)
case(
    "select_slice",
    [
        *linear(6, 12),
        ("a", "slice", ["linear_1"], {"dim": 1, "start": 1, "end": 9, "step": 2}),
        ("b", "narrow", ["linear_1"], {"dim": 1, "start": 3, "length": 4}),
        ("m", "mul", ["a", "b"], {}),
        ("c", "chunk", ["linear_1"], {"chunks": 3, "dim": 1, "index": 2}),
        ("s", "sub", ["m", "c"], {}),
        ("fc", "linear", ["s"], features(4, 3)),
    ],
    torch.randn(4, 6),
)
case(
    "first_token",
    [
        ("embedding", {"num_embeddings": 7, "embedding_dim": 4}),
        *linear(4, 4),
        ("tanh", {}),
        ("select", {"dim": 1, "index": -1}),
        *linear(4, 3),
    ],
    torch.randint(0, 7, (4, 5)),
)
case(
    "embedding_bag",
    [("embedding_bag", {"num_embeddings": 7, "embedding_dim": 4}), *linear(4, 3)],
    torch.randint(0, 7, (4, 5)),
)
case(
    "bilinear",
    [
        ("a", "linear", ["input"], features(4, 3)),
        ("b", "linear", ["input"], features(4, 5)),
        ("bl", "bilinear", ["a", "b"], {"in1_features": 3, "in2_features": 5, "out_features": 4}),
    ],
    torch.randn(4, 4),
)
case(
    "upsample",
    [
        *conv(2, 2, 3, 2),
        ("upsample", {"scale_factor": 2, "mode": "nearest"}),
        *conv(2, 3, 2, 3, stride=2),
        *head(2 * 9),
    ],
    torch.randn(3, 2, 5, 5)[:, :, :5, :5],
)
case(
    "pixel_shuffle",
    [
        *conv(2, 2, 4, 2),
        ("pixel_shuffle", {"upscale_factor": 2}),
        ("tanh", {}),
        ("pixel_unshuffle", {"downscale_factor": 2}),
        *head(36),
    ],
    torch.randn(3, 2, 4, 4),
)
case(
    "pads",
    [
        ("zero_pad2d", {"padding": [1, 0, 2, 1]}),
        *conv(2, 2, 3, 3),
        ("reflection_pad2d", {"padding": 1}),
        ("replication_pad2d", {"padding": [1, 0, 0, 1]}),
        ("pad", {"pad": [1, -1], "value": 0.5}),
        *head(3 * 8 * 6),
    ],
    torch.randn(3, 2, 4, 4),
)
case(
    "scalars",
    [
        *linear(4, 5),
        ("mul", {"other": 0.5}),
        ("add", {"other": 0.3}),
        ("square", {}),
        ("add", {"other": 1.0}),
        ("sqrt", {}),
        ("div", {"other": 1.7}),
        ("exp", {}),
        ("pow", {"exponent": 1.5}),
        ("sub", {"other": 0.1}),
        *linear(5, 3),
    ],
    torch.randn(4, 4),
)
case(
    "stack_mean",
    [
        ("a", "linear", ["input"], features(4, 5)),
        ("b", "linear", ["input"], features(4, 5)),
        ("s", "stack", ["a", "b"], {"dim": 1}),
        ("m", "amax", ["s"], {"dim": 1}),
        ("fc", "linear", ["m"], features(5, 3)),
    ],
    torch.randn(4, 4),
)
case(
    "division",
    [
        ("a", "linear", ["input"], features(4, 5)),
        ("b", "linear", ["input"], features(4, 5)),
        ("sp", "softplus", ["b"], {}),
        ("p1", "add", ["sp"], {"other": 1.0}),
        ("d", "div", ["a", "p1"], {}),
        ("fc", "linear", ["d"], features(5, 3)),
    ],
    torch.randn(4, 4),
)
case(
    "concat_last",
    [
        ("a", "linear", ["input"], features(4, 5)),
        ("b", "relu", ["a"], {}),
        ("c", "cat", ["input", "b", "a"], {"dim": -1}),
        ("fc", "linear", ["c"], features(14, 3)),
    ],
    torch.randn(4, 4),
)
# attention
case(
    "mha",
    [
        ("multihead_attention", {"embed_dim": 6, "num_heads": 2, "batch_first": True}),
        *linear(6, 3),
        ("mean", {"dim": 1}),
    ],
    torch.randn(3, 4, 6),
)
case(
    "mha_cross_nobias",
    [
        ("q", "linear", ["input"], features(4, 6)),
        ("k", "linear", ["input"], features(4, 6)),
        (
            "at",
            "multihead_attention",
            ["q", "k", "k"],
            {"embed_dim": 6, "num_heads": 3, "bias": False, "batch_first": True},
        ),
        ("f", "flatten", ["at"], {}),
        ("fc", "linear", ["f"], features(18, 3)),
    ],
    torch.randn(3, 3, 4),
)
case(
    "sdpa",
    [
        ("q", "linear", ["input"], features(4, 4)),
        ("k", "linear", ["input"], features(4, 4)),
        ("v", "linear", ["input"], features(4, 4)),
        ("at", "scaled_dot_product_attention", ["q", "k", "v"], {"is_causal": True}),
        ("f", "flatten", ["at"], {}),
        ("fc", "linear", ["f"], features(20, 3)),
    ],
    torch.randn(3, 5, 4),
)
case(
    "attention_by_hand",
    [
        ("q", "linear", ["input"], features(4, 4)),
        ("k", "linear", ["input"], features(4, 4)),
        ("v", "linear", ["input"], features(4, 4)),
        ("kt", "transpose", ["k"], {"dim0": 1, "dim1": 2}),
        ("s", "bmm", ["q", "kt"], {}),
        ("sc", "mul", ["s"], {"other": 0.5}),
        ("p", "softmax", ["sc"], {"dim": -1}),
        ("o", "matmul", ["p", "v"], {}),
        ("r", "add", ["o", "input"], {}),
        ("ln", "layer_norm", ["r"], {"normalized_shape": 4}),
        ("mean", "mean", ["ln"], {"dim": 1}),
        ("fc", "linear", ["mean"], features(4, 3)),
    ],
    torch.randn(3, 5, 4),
)
case(
    "transformer_block",
    [
        ("emb", "embedding", ["input"], {"num_embeddings": 9, "embedding_dim": 6}),
        ("at", "multihead_attention", ["emb", "emb", "emb"], {"embed_dim": 6, "num_heads": 2, "batch_first": True}),
        ("r1", "add", ["emb", "at"], {}),
        ("n1", "layer_norm", ["r1"], {"normalized_shape": 6}),
        ("f1", "linear", ["n1"], features(6, 8)),
        ("g", "gelu", ["f1"], {}),
        ("f2", "linear", ["g"], features(8, 6)),
        ("r2", "add", ["n1", "f2"], {}),
        ("n2", "layer_norm", ["r2"], {"normalized_shape": 6}),
        ("m", "mean", ["n2"], {"dim": 1}),
        ("fc", "linear", ["m"], features(6, 3)),
    ],
    torch.randint(0, 9, (3, 4)),
)
# losses
case("ce_positions_ptorch", [*conv(1, 2, 3, 2)], torch.randn(3, 2, 5))
case("ce_positions_sum2d", [*conv(2, 2, 3, 2)], torch.randn(2, 2, 4, 4), ("cross_entropy", "sum"))
case(
    "ce_positions_last",
    [*linear(4, 5), ("tanh", {}), *linear(5, 3)],
    torch.randn(4, 2, 4),
    CE,
    torch.randint(0, 3, (4, 2)),
)
case("ce_smoothing", [*linear(4, 5), ("tanh", {}), *linear(5, 3)], torch.randn(4, 4), CE, label_smoothing=0.1)
case(
    "ce_soft", [*linear(4, 5), ("tanh", {}), *linear(5, 3)], torch.randn(4, 4), CE, torch.softmax(torch.randn(4, 3), 1)
)
case("mse_conv_output", [*conv(2, 2, 2, 2)], torch.randn(2, 2, 4, 4), MSE)
case("bce_many", [*linear(4, 5), ("tanh", {}), *linear(5, 3)], torch.randn(4, 4), ("bce_with_logits", "mean"))
# sharing, skips
case(
    "shared_embedding_linear",
    [
        ("e", "embedding", ["input"], {"num_embeddings": 6, "embedding_dim": 4}),
        ("l", "linear", ["e"], features(4, 4)),
        ("t", "tanh", ["l"], {}),
        ("l2", "linear", ["t"], {}, "l"),
        ("s", "add", ["l2", "t", "e"], {}),
        ("m", "mean", ["s"], {"dim": 1}),
        ("fc", "linear", ["m"], features(4, 3)),
    ],
    torch.randint(0, 6, (4, 3)),
)
case(
    "shared_conv",
    [
        ("c", "conv2d", ["input"], {"in_channels": 2, "out_channels": 2, "kernel_size": 3, "padding": 1}),
        ("t", "tanh", ["c"], {}),
        ("c2", "conv2d", ["t"], {}, "c"),
        ("s", "add", ["c2", "t"], {}),
        ("c3", "conv2d", ["s"], {}, "c"),
        ("f", "flatten", ["c3"], {}),
        ("fc", "linear", ["f"], features(32, 3)),
    ],
    torch.randn(3, 2, 4, 4),
)
case(
    "dense_skips",
    [
        ("a", "conv2d", ["input"], {"in_channels": 2, "out_channels": 2, "kernel_size": 3, "padding": 1}),
        ("ra", "relu", ["a"], {}),
        ("c1", "cat", ["input", "ra"], {"dim": 1}),
        ("b", "conv2d", ["c1"], {"in_channels": 4, "out_channels": 2, "kernel_size": 3, "padding": 1}),
        ("rb", "silu", ["b"], {}),
        ("c2", "cat", ["c1", "rb"], {"dim": 1}),
        ("p", "adaptive_avg_pool2d", ["c2"], {"output_size": 1}),
        ("f", "flatten", ["p"], {}),
        ("fc", "linear", ["f"], features(6, 3)),
    ],
    torch.randn(3, 2, 4, 4),
)
case(
    "squeeze_excite",
    [
        ("a", "conv2d", ["input"], {"in_channels": 2, "out_channels": 4, "kernel_size": 3, "padding": 1}),
        ("p", "adaptive_avg_pool2d", ["a"], {"output_size": 1}),
        ("l1", "conv2d", ["p"], {"in_channels": 4, "out_channels": 2, "kernel_size": 1}),
        ("r", "relu", ["l1"], {}),
        ("l2", "conv2d", ["r"], {"in_channels": 2, "out_channels": 4, "kernel_size": 1}),
        ("g", "sigmoid", ["l2"], {}),
        ("m", "mul", ["a", "g"], {}),
        ("f", "flatten", ["m"], {}),
        ("fc", "linear", ["f"], features(64, 3)),
    ],
    torch.randn(3, 2, 4, 4),
)
case("kernel_on_1x1", [*conv(2, 2, 3, 3, padding=1), ("relu", {}), *head(3)], torch.randn(3, 2, 1, 1))
case("one_sample", [*linear(4, 5), ("relu", {}), *linear(5, 3)], torch.randn(1, 4))
case("two_classes", [*linear(4, 5), ("relu", {}), *linear(5, 2)], torch.randn(5, 4))
case(
    "rnn",
    [
        ("rnn", {"input_size": 3, "hidden_size": 4, "batch_first": True}),
        ("select", {"dim": 1, "index": -1}),
        *linear(4, 3),
    ],
    torch.randn(3, 4, 3),
)
case(
    "lstm",
    [
        ("lstm", {"input_size": 3, "hidden_size": 4, "batch_first": True, "num_layers": 2}),
        ("flatten", {}),
        *linear(16, 3),
    ],
    torch.randn(3, 4, 3),
)
case(
    "gru",
    [
        ("gru", {"input_size": 3, "hidden_size": 4, "batch_first": True}),
        ("select", {"dim": 1, "index": -1}),
        *linear(4, 3),
    ],
    torch.randn(3, 4, 3),
)
