"""What networks learn of the data set of parts, and which module each part hangs on.

    python benchmarks/parts.py --networks base SA --seeds 0 1 --epochs 8

Videos are drawn into memory, not encoded. Each network is trained by the demo's recipe and tested
on split 1: the share of videos right, and of each part. Then, in the trained network, attention is
switched off (gamma = 0), of one stage and of all, and gates are held at their means over training
clips. Seconds are of the processor, divided by the two cores of the machine that it is meant for.
"""

import argparse
import resource

import keras_seattn  # noqa: F401 (before keras, for it turns on TensorFlow's fast CPU kernels)

# isort: split
import keras
import numpy as np
import tensorflow as tf

from keras_seattn import applications, layers, training
from keras_seattn.data import made_files, parts
from keras_seattn.preprocessing import HARA_2018

NETWORKS = {
    "base": {"se_stages": (), "sa_stages": ()},
    "SE": {"sa_stages": ()},
    "SA": {"se_stages": ()},
    "SE+SA": {},
}
SIZE, BATCH = 40, 16


def seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) / 2


def draw(groups, videos_per_group):
    """The clips of groups, `(videos, 16, 40, 40, 3)`, and their labels."""
    videos = [
        video for video in made_files.videos(parts.CLASS_NAMES, videos_per_group)
        if video[1] in groups
    ]  # fmt: skip
    clips = np.empty((len(videos), parts.FRAMES, SIZE, SIZE, 3), "uint8")
    for clip, video in zip(clips, videos, strict=True):
        half = parts.render(*video).reshape(parts.FRAMES, SIZE, 2, SIZE, 2, 3)
        clip[:] = half.mean(axis=(2, 4))
    return clips, np.array([parts.CLASS_NAMES.index(name) for name, *_ in videos])


def batches(clips, labels, shuffled=False):
    """Clips as networks take them; shuffled ones are mirrored at random."""
    data = tf.data.Dataset.from_tensor_slices((clips, labels))
    if shuffled:
        data = data.shuffle(len(clips))
        data = data.map(lambda clip, label: (tf.image.random_flip_left_right(clip), label))
    prepared = data.map(lambda clip, label: (tf.cast(clip, "float32") - HARA_2018.mean, label))
    return prepared.batch(BATCH).prefetch(2)


def hold_gates(model, gates, clips):
    """Has gates be their means over clips, whatever the clip; returns what sets them back."""
    features = keras.Model(model.input, [layer.input for layer in gates])
    held = [[] for _ in gates]
    for clip in clips:
        for values, layer, x in zip(held, gates, features.predict_on_batch(clip), strict=True):
            values.append(keras.ops.convert_to_numpy(layer.gates(x)).astype("float32"))
    before = [layer.expand.get_weights() for layer in gates]
    for layer, values in zip(gates, held, strict=True):
        mean = np.clip(np.concatenate(values).mean(axis=0), 1e-6, 1 - 1e-6)
        kernel, _ = layer.expand.get_weights()
        layer.expand.set_weights([0 * kernel, np.log(mean / (1 - mean))])
    return lambda: [x.expand.set_weights(w) for x, w in zip(gates, before, strict=True)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--videos-per-group", type=int, default=12)
    options = parser.parse_args()
    keras.config.set_dtype_policy(training.automatic_policy())
    tested = made_files.TEST_GROUPS[1]
    trained = set(range(1, made_files.GROUPS + 1)) - set(tested)
    clips, labels = draw(trained, options.videos_per_group)
    test_clips, test_labels = draw(tested, 4)
    some = [clip for clip, _ in batches(clips, labels, shuffled=True).take(16)]

    for seed in options.seeds:
        for name in options.networks:
            keras.utils.set_random_seed(seed)
            start = seconds()
            model = applications.SEAResNet18_3D(
                input_shape=(parts.FRAMES, SIZE, SIZE, 3),
                classes=len(parts.CLASS_NAMES),
                width=0.25,
                **NETWORKS[name],
            )
            data = batches(clips, labels, shuffled=True)
            recipe = training.quick_recipe(options.epochs * len(data))
            model.compile(recipe.optimizer, "sparse_categorical_crossentropy")
            model.fit(data, epochs=options.epochs, shuffle=False, verbose=0)
            steps = options.epochs * len(data)
            print(f"{name}, seed {seed}: {steps} steps, {seconds() - start:.0f} s", flush=True)

            def show(what, model=model):
                scores = model.predict(batches(test_clips, test_labels), verbose=0)
                predicted = scores.argmax(axis=1)
                right = parts.right_parts(parts.CLASS_NAMES, test_labels, predicted)
                shown = ", ".join(f"{part} {own.mean():.3f}" for part, own in right.items())
                print(f"  {what:22} {np.mean(predicted == test_labels):.3f}; {shown}", flush=True)

            show("as it is")
            attention = [x for x in model.layers if isinstance(x, layers.FrameSelfAttention)]
            for off in [[layer] for layer in attention] + [attention][: len(attention)]:
                before = [float(layer.gamma.numpy()) for layer in off]
                for layer in off:
                    layer.gamma.assign(0.0)
                show(f"{off[0].name if len(off) == 1 else 'all attention'} off")
                for layer, gamma in zip(off, before, strict=True):
                    layer.gamma.assign(gamma)
            for axis in ("channel", "sequence"):
                gates = [
                    layer for layer in model.layers
                    if isinstance(layer, layers.SqueezeExcite3D) and layer.axis == axis
                ]  # fmt: skip
                if gates:
                    set_back = hold_gates(model, gates, some)
                    show(f"{axis} gates held")
                    set_back()


if __name__ == "__main__":
    main()
