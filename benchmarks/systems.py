"""The systems that the benchmarks time; as a program, one of them in a process of its own.

    python benchmarks/systems.py '{"system": "pytorch", "network": "resnet18", ...}'

It builds the network, warms up and prints a line of JSON. For each line that comes in, the number
of steps to time, it prints their times in milliseconds. A step includes bringing its result to the
host, which waits for an accelerator.
"""

import contextlib
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np

CLASSES = 101


def package(spec):
    """This package, on the backend of KERAS_BACKEND."""
    _, step = _keras_network(spec)
    return step


def plain_keras(spec):
    """The same network of Keras' own layers, as the package would be without its own kernels."""
    import keras_seattn  # noqa: F401  (before Keras)
    from keras_seattn.layers import tensorflow_cpu

    tensorflow_cpu.on_tensorflow_cpu = lambda: False
    return package(spec)


def openvino(spec):
    """What `export_model` writes, run by OpenVINO."""
    from keras_seattn.export import ExportedModel, export_model

    model, _ = _keras_network({**spec, "precision": "float32"})
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.xml")
        export_model(model, path, "openvino")
        exported = ExportedModel(path, precision=spec["precision"])
        clips, _ = _batch(spec)
        exported.predict_on_batch(clips)
    return lambda: exported.predict_on_batch(clips)


def classification_models_3d(spec):
    """The package classification-models-3D (TensorFlow), its SE-ResNeXt-101 or ResNet-18."""
    import keras_seattn  # noqa: F401  (turns on oneDNN, for it too)

    # isort: split
    import keras
    from classification_models_3D.kkeras import Classifiers

    name = {"resnext101": "seresnext101", "resnet18": "resnet18"}[spec["network"]]
    builder, _ = Classifiers.get(name)
    clips, labels = _batch(spec)
    model = builder(clips.shape[1:], weights=None, classes=CLASSES, include_top=True)
    # Without XLA, which makes it several times slower on a CPU.
    model.compile(_keras_optimizer(keras), "sparse_categorical_crossentropy", jit_compile=False)
    return _keras_step(model, spec, clips, labels)


def pytorch(spec):
    """PyTorch without Keras: the network of pytorch_network.py."""
    import torch
    from pytorch_network import Network

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(os.cpu_count())
    kind = {"resnext101": "resnext", "resnet18": "B"}[spec["network"]]
    options = {"modules": bool(spec.get("se_stages")), "factor": spec.get("width", 1.0)}
    network = Network(kind, CLASSES, **options).to(device)
    layout = {"channels_last": torch.channels_last_3d}.get(spec.get("layout"))
    layout = layout or torch.contiguous_format
    network = network.to(memory_format=layout)
    clips, labels = _batch(spec)
    clips = torch.from_numpy(np.moveaxis(clips, -1, 1).copy())
    clips = clips.to(device).contiguous(memory_format=layout)
    labels = torch.from_numpy(labels).to(device)
    half = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(spec["precision"])
    cast = torch.autocast(device, half) if half else contextlib.nullcontext()
    optimizer = torch.optim.SGD(network.parameters(), 1e-3, momentum=0.9)
    scaler = torch.amp.GradScaler(device, enabled=spec["precision"] == "float16")
    forward = torch.compile(network) if spec.get("compile") else network
    network.train(spec["mode"] == "training")

    def infer():
        with torch.no_grad(), cast:
            return forward(clips).softmax(-1).float().cpu()

    def train():
        optimizer.zero_grad(set_to_none=True)
        with cast:
            loss = torch.nn.functional.cross_entropy(forward(clips), labels)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.item()

    return infer if spec["mode"] == "inference" else train


SYSTEMS = {
    function.__name__: function
    for function in (package, plain_keras, openvino, classification_models_3d, pytorch)
}


def _keras_network(spec):
    import keras_seattn

    # isort: split
    import keras

    from keras_seattn.settings import MODELS

    if spec["precision"] != "float32":
        keras.config.set_dtype_policy(f"mixed_{spec['precision']}")
    builder = getattr(keras_seattn.applications, MODELS[spec["network"]])
    clips, labels = _batch(spec)
    data_format = "channels_last"
    if spec.get("layout") == "channels_first":
        data_format, clips = "channels_first", np.moveaxis(clips, -1, 1).copy()
    model = builder(
        input_shape=clips.shape[1:],
        classes=CLASSES,
        se_stages=spec.get("se_stages", ()),
        sa_stages=spec.get("sa_stages", ()),
        width=spec.get("width", 1.0),
        data_format=data_format,
    )
    model.compile(_keras_optimizer(keras), "sparse_categorical_crossentropy")
    return model, _keras_step(model, spec, clips, labels)


def _keras_optimizer(keras):
    return keras.optimizers.SGD(1e-3, momentum=0.9)


def _keras_step(model, spec, clips, labels):
    if spec["mode"] == "inference":
        return lambda: model.predict_on_batch(clips)
    return lambda: model.train_on_batch(clips, labels)


def _batch(spec):
    generator = np.random.default_rng(0)
    shape = (spec["batch"], spec["frames"], spec["size"], spec["size"], 3)
    clips = generator.normal(0, 60, shape).astype("float32")
    return clips, generator.integers(0, CLASSES, spec["batch"])


def _versions():
    modules = ("keras", "tensorflow", "jax", "torch", "openvino", "classification_models_3D")
    return {
        name: str(getattr(sys.modules[name], "__version__", "?"))
        for name in modules
        if name in sys.modules
    }


def _accelerator():
    """The name of the GPU that the process can use, or None."""
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if jax is not None and jax.default_backend() != "cpu":
        return jax.devices()[0].device_kind
    return None


def _peak_memory():
    """The most memory that the process has held, in MiB; for PyTorch on a GPU, that of the GPU."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main():
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # What libraries print must not come between the answers.
    spec = json.loads(sys.argv[1])
    start = time.perf_counter()
    step = SYSTEMS[spec["system"]](spec)
    built = time.perf_counter()
    step()
    first = time.perf_counter()
    step()
    ready = {
        "build_s": built - start,
        "first_step_s": first - built,
        "versions": _versions(),
        "accelerator": _accelerator(),
    }
    print(json.dumps(ready), file=answers)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            step()
            times.append(1000 * (time.perf_counter() - start))
        print(json.dumps({"ms": times, "peak_mib": _peak_memory()}), file=answers)


if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
    main()
