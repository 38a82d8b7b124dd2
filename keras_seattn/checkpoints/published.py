"""The checkpoints that `weights=` knows by name: one list, which all tables and errors come from.

A further one is a further row of `WEIGHTS`.
"""

import dataclasses
import difflib
import functools
import re
import typing

from keras_seattn.preprocessing import HARA_2018, HARA_2020, TORCHVISION, Preprocessing


@dataclasses.dataclass(frozen=True)
class Published:
    """A checkpoint that others publish.

    Attributes:
        name: str, what `weights=` calls it.
        network: str, the builder of its network.
        file: str, its name where it is published, and in the cache.
        parameters: int, those of the network without modules that are trained.
        gmac: float, 10^9 multiply-adds of a clip of `frames` x 112 x 112 pixels
            in that network; see `tuning.cost`.
        top1, top5: float, the published accuracy in percent; None where none is
            published.
        measured: str, how that was measured, and where it is said.
        source: str, the http address of the folder that holds it, or the id of
            that folder of Google Drive.
        page: str, where a person reads about it.
        licence: str, of the repository that publishes it.
        data: str, what it was trained on.
        classes: int, the number of outputs.
        class_names: str, the name of its class list; None if there is none.
        frames: int, the number of frames of the clips that it was trained with.
        preprocessing: `Preprocessing` that it was trained with.
    """

    name: str
    network: str
    file: str
    parameters: int
    gmac: float
    top1: float | None = None
    top5: float | None = None
    _: dataclasses.KW_ONLY
    measured: str | None = None
    source: str
    page: str
    licence: str
    data: str
    classes: int
    class_names: str | None = None
    frames: int = 16
    preprocessing: Preprocessing

    @property
    def is_on_drive(self) -> bool:
        """Whether it lies in a folder of Google Drive."""
        return "://" not in self.source

    @property
    def address(self) -> str:
        """The http address of the file, or of the folder of Google Drive that holds it."""
        if self.is_on_drive:
            return f"https://drive.google.com/drive/folders/{self.source}"
        return f"{self.source}/{self.file}"

    @property
    def sha256(self) -> str:
        """The digits that its SHA-256 begins with, where PyTorch put them into its name, or ""."""
        digits = re.search(r"-([0-9a-f]{8,})\.", self.file)
        return digits[1] if digits else ""


_hara_2018 = functools.partial(
    Published,
    source="1zvl89AgFAApbH0At-gMuZSeQB_LpNP-M",
    page="https://github.com/kenshohara/3D-ResNets-PyTorch/tree/CVPR2018",
    licence="MIT",
    preprocessing=HARA_2018,
)
_kinetics400 = functools.partial(
    _hara_2018, data="Kinetics-400", classes=400, class_names="kinetics400"
)
_k400 = functools.partial(
    _kinetics400, "kinetics400", measured="video, validation set (Hara et al. 2018)"
)
_split1 = functools.partial(_hara_2018, measured="video, mean of splits 1 to 3 (Hara et al. 2018)")
_ucf101 = functools.partial(
    _split1, data="Kinetics-400, UCF-101 split 1", classes=101, class_names="ucf101"
)
_hmdb51 = functools.partial(
    _split1, data="Kinetics-400, HMDB51 split 1", classes=51, class_names="hmdb51"
)
_hara_2020 = functools.partial(
    Published,
    source="1xbYbZ7rpyjftI_KCk6YuL-XrfQDz7Yd4",
    page="https://github.com/kenshohara/3D-ResNets-PyTorch",
    licence="MIT",
    preprocessing=HARA_2020,
)
_k700 = functools.partial(_hara_2020, "kinetics700", data="Kinetics-700", classes=700)
_k700_m = functools.partial(
    _hara_2020, "kinetics700-moments", data="Kinetics-700, Moments in Time", classes=1039
)
_k700_ms = functools.partial(
    _hara_2020,
    "kinetics700-moments-stair",
    data="Kinetics-700, Moments in Time, STAIR Actions",
    classes=1139,
)
_torchvision = functools.partial(
    Published,
    "kinetics400",
    source="https://download.pytorch.org/models",
    measured="video, 5 clips of 16 frames at 15 a second (torchvision)",
    page="https://docs.pytorch.org/vision/stable/models/video_resnet.html",
    licence="BSD-3-Clause",
    data="Kinetics-400",
    classes=400,
    class_names="kinetics400",
    preprocessing=TORCHVISION,
)
_X101 = "SEAResNeXt101_3D"
_F64 = "resnext-101-64f-kinetics"

WEIGHTS = (
    _k400("SEAResNet18_3D", "resnet-18-kinetics.pth", 33_235_280, 8.30, 54.2, 78.1),
    _k700("SEAResNet18_3D", "r3d18_K_200ep.pth", 33_563_004, 8.31),
    _k700_m("SEAResNet18_3D", "r3d18_KM_200ep.pth", 33_736_911, 8.31),
    _k400("SEAResNet34_3D", "resnet-34-kinetics.pth", 63_544_912, 12.68, 60.1, 81.9),
    _k700("SEAResNet34_3D", "r3d34_K_200ep.pth", 63_872_636, 12.70),
    _k700_m("SEAResNet34_3D", "r3d34_KM_200ep.pth", 64_046_543, 12.70),
    _k400("SEAResNet50_3D", "resnet-50-kinetics.pth", 47_018_576, 10.07, 61.3, 83.1),
    _k700("SEAResNet50_3D", "r3d50_K_200ep.pth", 47_633_276, 10.07),
    _k700_m("SEAResNet50_3D", "r3d50_KM_200ep.pth", 48_327_887, 10.07),
    _k700_ms("SEAResNet50_3D", "r3d50_KMS_200ep.pth", 48_532_787, 10.07),
    _k400("SEAResNet101_3D", "resnet-101-kinetics.pth", 86_064_720, 13.89, 62.8, 83.9),
    _k700("SEAResNet101_3D", "r3d101_K_200ep.pth", 86_679_420, 13.89),
    _k700_m("SEAResNet101_3D", "r3d101_KM_200ep.pth", 87_374_031, 13.89),
    _k400(_X101, "resnext-101-kinetics.pth", 48_340_816, 9.57, 65.1, 85.7),
    _kinetics400("kinetics400-64f", _X101, f"{_F64}.pth", 48_340_816, 38.27, frames=64),
    _ucf101(
        "ucf101-split1", _X101, "resnext-101-kinetics-ucf101_split1.pth", 47_728_165, 9.57, 90.7
    ),
    _ucf101(
        "ucf101-split1-64f", _X101, f"{_F64}-ucf101_split1.pth", 47_728_165, 38.27, 94.5, frames=64
    ),
    _hmdb51(
        "hmdb51-split1", _X101, "resnext-101-kinetics-hmdb51_split1.pth", 47_625_715, 9.57, 63.8
    ),
    _hmdb51(
        "hmdb51-split1-64f", _X101, f"{_F64}-hmdb51_split1.pth", 47_625_715, 38.27, 70.2, frames=64
    ),
    _torchvision("SEAR3D_18", "r3d_18-b3b3357e.pth", 33_371_472, 40.70, 63.200, 83.479),
    _torchvision("SEAMC3_18", "mc3_18-a90a0ba3.pth", 11_695_440, 43.34, 63.960, 84.130),
    _torchvision("SEAR2Plus1D_18", "r2plus1d_18-91a641e6.pth", 31_505_325, 40.52, 67.463, 86.175),
)


def help_with(name: str, known: typing.Collection[str]) -> str:
    """What to say to who gives a name that is not known: what is like it, or what it is of.

    Args:
        name: str, what was given.
        known: the names that the network knows.

    Returns:
        str, a sentence with a space before it, or nothing.
    """
    networks = [row.network for row in WEIGHTS if row.name == name]
    if networks:
        return f" {name!r} is of {', '.join(networks)}."
    close = difflib.get_close_matches(name, known, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
