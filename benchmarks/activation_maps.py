"""How much of a class activation map lies on the moving object of the motions data set.

    keras-seattn train --demo --size 112 --epochs 6 --output runs/motions112
    python benchmarks/activation_maps.py --model runs/motions112/model.keras

For each test video (split 1, seed 0): the share of the map's mass that lies on the object, over the
object's share of the clip. 1 is what a map that means nothing has, and the ceiling what the best
map of the same resolution would have: a class activation map of 16 frames has one frame, so it
cannot follow an object. Grad-CAM of the earlier stages, which is finer, stands beside it.
"""

import argparse

import keras_seattn  # before keras, for it turns on TensorFlow's fast CPU kernels

# isort: split
import numpy as np
import tqdm
from PIL import Image

from keras_seattn.data import made_files, motions
from keras_seattn.explain import class_activation_map, grad_cam, inner
from keras_seattn.explain.inner import resample
from keras_seattn.preprocessing import clip_shape


def square(images, size):
    """The centre squares of frames, scaled as the data pipeline scales them."""
    side = min(images.shape[1:3])
    left = (images.shape[2] - side) // 2
    images = images[:, :, left : left + side]
    return np.stack(
        [np.asarray(Image.fromarray(i).resize((size, size), Image.BILINEAR)) for i in images]
    )


def ceiling(mask, grid):
    """The largest share of a map's mass on the object, over the object's share of the clip.

    Args:
        mask: array, `(frames, size, size)`.
        grid: 3 ints, the places of the map before it is stretched.
    """
    axes = []
    for length, places in zip(mask.shape, grid, strict=True):
        stretched = [resample(line, (length,)) for line in np.eye(places)]
        axes.append(np.array(stretched) if places > 1 else np.ones((1, length)))
    on_object = np.einsum("tyx,at,by,cx->abc", mask, *axes)
    mass = np.einsum("at,by,cx->abc", *axes)
    return float((on_object / mass).max() / mask.mean())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True, help="model.keras of the demo")
    parser.add_argument("--videos-per-group", type=int, default=6, help="of each class (6)")
    options = parser.parse_args()
    model = keras_seattn.prediction.load_model(options.model)
    frames, size, _ = clip_shape(model)
    maps = {"class activation map": lambda clip, label: class_activation_map(model, clip, label)}
    for stage in (3, 2, 1):
        maps[f"Grad-CAM, stage {stage}"] = lambda clip, label, stage=stage: grad_cam(
            model, clip, stage, class_index=label
        )
    videos = [
        (name, group, clip)
        for name in motions.CLASS_NAMES
        for group in made_files.TEST_GROUPS[1]
        for clip in range(1, options.videos_per_group + 1)
    ]
    ratios = {name: [] for name in ("ceiling", *maps)}
    stages = inner.head(model).pooled.tensor.shape[1:4]
    for name, group, number in tqdm.tqdm(videos):
        images, mask = motions.draw(name, group, number)
        clip = square(images[:frames], size)
        mask = square(mask[:frames], size)
        ratios["ceiling"].append(ceiling(mask, stages))
        for kind, make in maps.items():
            heat = make(clip, motions.CLASS_NAMES.index(name))
            share = (heat * mask).sum() / max(heat.sum(), 1e-12)
            ratios[kind].append(share / mask.mean())
    print(f"{len(videos)} videos, model {options.model}, clips of {frames} x {size} x {size}")
    for kind, values in ratios.items():
        print(
            f"{kind:>22}: the object holds {np.mean(values):.2f} times its share of the map, "
            f"median {np.median(values):.2f}, above 1 in {np.mean(np.array(values) > 1):.0%}"
        )


if __name__ == "__main__":
    main()
