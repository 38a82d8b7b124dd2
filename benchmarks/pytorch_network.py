"""The networks in PyTorch, written from the papers, to check and measure the package against.

The base networks are those of Hara et al. 2018 (with their checkpoints' names), the modules those
of Anvarov et al. 2020, equations 1 to 6 and Figure 4.
"""

import torch
from torch import nn
from torch.nn import functional


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride, downsample):
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.downsample = downsample

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    expansion, groups = 4, 1

    def __init__(self, inputs, width, stride, downsample):
        super().__init__()
        self.conv1 = nn.Conv3d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        self.conv2 = nn.Conv3d(width, width, 3, stride, 1, groups=self.groups, bias=False)
        self.bn2 = nn.BatchNorm3d(width)
        self.conv3 = nn.Conv3d(width, self.expansion * width, 1, bias=False)
        self.bn3 = nn.BatchNorm3d(self.expansion * width)
        self.downsample = downsample

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        y = functional.relu(self.bn2(self.conv2(y)))
        return functional.relu(self.bn3(self.conv3(y)) + self.downsample(x))


class GroupedBottleneck(Bottleneck):
    expansion, groups = 2, 32


class ShortcutA(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.channels, self.stride = channels, stride

    def forward(self, x):
        x = functional.avg_pool3d(x, 1, self.stride)
        return functional.pad(x, (0, 0, 0, 0, 0, 0, 0, self.channels - x.shape[1]))


class Gate(nn.Module):
    def __init__(self, gates, reduction):
        super().__init__()
        hidden = max(1, gates // reduction)
        self.reduce, self.expand = nn.Linear(gates, hidden), nn.Linear(hidden, gates)

    def forward(self, x, axis):
        z = x.mean([a for a in (1, 2, 3, 4) if a != axis])
        s = torch.sigmoid(self.expand(torch.relu(self.reduce(z))))
        return x * s.reshape([s.shape[0], *(s.shape[1] if a == axis else 1 for a in (1, 2, 3, 4))])


class Scalar(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.register_parameter(name, nn.Parameter(torch.zeros(())))


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        reduced = max(1, channels // 8)
        self.query = nn.Linear(channels, reduced, bias=False)
        self.key = nn.Linear(channels, reduced, bias=False)
        self.value = nn.Linear(channels, reduced, bias=False)
        self.output_projection = nn.Linear(reduced, channels, bias=False)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        batch, channels, frames, height, width = x.shape
        out = torch.empty_like(x)
        for t in range(frames):
            points = x[:, :, t].flatten(2).transpose(1, 2)
            scores = self.query(points) @ self.key(points).transpose(1, 2)
            mixed = self.output_projection(scores.softmax(-1) @ self.value(points))
            out[:, :, t] = mixed.transpose(1, 2).reshape(batch, channels, height, width)
        return x + self.gamma * out


KINDS = {
    "A": (BasicBlock, (2, 2, 2, 2)),
    "B": (BasicBlock, (2, 2, 2, 2)),
    "34A": (BasicBlock, (3, 4, 6, 3)),
    "34B": (BasicBlock, (3, 4, 6, 3)),
    "50": (Bottleneck, (3, 4, 6, 3)),
    "101": (Bottleneck, (3, 4, 23, 3)),
    "resnext": (GroupedBottleneck, (3, 4, 23, 3)),
}


class Network(nn.Module):
    """`kind` is one of `KINDS`: "A" and "B" are ResNet-18 with that shortcut."""

    def __init__(self, kind, classes=400, frames=16, modules=False, factor=1.0):
        super().__init__()
        block, blocks = KINDS[kind]
        first = int((128 if kind == "resnext" else 64) * factor)
        inputs = int(64 * factor)
        self.with_modules = modules
        self.conv1 = nn.Conv3d(3, inputs, 7, (1, 2, 2), 3, bias=False)
        self.bn1 = nn.BatchNorm3d(inputs)
        for stage, repeats in enumerate(blocks, start=1):
            width = first * 2 ** (stage - 1)
            outputs, layers = width * block.expansion, []
            for i in range(repeats):
                stride = 2 if stage > 1 and i == 0 else 1
                shortcut = nn.Identity()
                if stride != 1 or inputs != outputs:
                    shortcut = ShortcutA(outputs, stride)
                    if not kind.endswith("A"):
                        conv = nn.Conv3d(inputs, outputs, 1, stride, bias=False)
                        shortcut = nn.Sequential(conv, nn.BatchNorm3d(outputs))
                layers.append(block(inputs, width, stride, shortcut))
                inputs = outputs
            setattr(self, f"layer{stage}", nn.Sequential(*layers))
            if modules:
                setattr(self, f"se_channel{stage}", Gate(outputs, 16))
                setattr(self, f"se_sequence{stage}", Gate(-(-frames // 2**stage), 2))
                setattr(self, f"se_residual{stage}", Scalar("beta"))
                setattr(self, f"attention{stage}", Attention(outputs))
        self.fc = nn.Linear(inputs, classes)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool3d(x, 3, 2, 1)
        for stage in (1, 2, 3, 4):
            x = getattr(self, f"layer{stage}")(x)
            if self.with_modules:
                u = getattr(self, f"se_channel{stage}")(x, axis=1)
                u = getattr(self, f"se_sequence{stage}")(u, axis=2)
                x = x + getattr(self, f"se_residual{stage}").beta * u
                x = getattr(self, f"attention{stage}")(x)
        return self.fc(x.mean((2, 3, 4)))


def random_network(kind, seed=0, **options):
    """A network whose weights and statistics are all random, and keep the scale of features.

    Without that the attention's softmax would be of scores in the thousands, whose rounding errors
    alone change the outcome.
    """
    torch.manual_seed(seed)
    network = Network(kind, **options).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm3d):
            nn.init.uniform_(module.weight, 0.3, 0.6)
            nn.init.normal_(module.bias, 0, 0.1)
            nn.init.normal_(module.running_mean, 0, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        elif isinstance(module, (nn.Conv3d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, Attention):
            nn.init.constant_(module.gamma, 0.3)
            nn.init.normal_(module.query.weight, 0, 0.1 * module.query.in_features**-0.5)
        if hasattr(module, "beta"):
            nn.init.constant_(module.beta, 0.7)
    nn.init.normal_(network.conv1.weight, 0, 0.001)  # for pixels of up to 150
    return network


def upstream_shapes(network):
    """The shapes in a network's state dict."""
    return {key: list(value.shape) for key, value in network.state_dict().items()}
