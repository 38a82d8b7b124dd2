"""The checkpoints that `weights=` knows by name."""

from keras_seattn.checkpoints import Published
from keras_seattn.preprocessing import HARA_2018, HARA_2020

PAGE_2018 = (
    "https://drive.google.com/drive/folders/14KRBqT8ySfPtFSuLsFS2U4I-ihTDs0Y9 (linked from "
    "github.com/kenshohara/3D-ResNets-PyTorch, branch CVPR2018)"
)
PAGE_2020 = (
    "https://drive.google.com/open?id=1xbYbZ7rpyjftI_KCk6YuL-XrfQDz7Yd4 (linked from "
    "github.com/kenshohara/3D-ResNets-PyTorch)"
)
WEIGHTS = {
    "SEAResNet18_3D": {
        "kinetics400": Published("resnet-18-kinetics.pth", PAGE_2018, "kinetics400", HARA_2018),
        "kinetics700": Published("r3d18_K_200ep.pth", PAGE_2020, None, HARA_2020),
    },
    "SEAResNeXt101_3D": {
        "kinetics400": Published("resnext-101-kinetics.pth", PAGE_2018, "kinetics400", HARA_2018),
        "kinetics400-64f": Published(
            "resnext-101-64f-kinetics.pth", PAGE_2018, "kinetics400", HARA_2018, frames=64
        ),
    },
}


def published(network: str) -> dict[str, Published]:
    """What `weights=` of one builder knows by name; `network` is the builder's name."""
    return WEIGHTS.get(network, {})
