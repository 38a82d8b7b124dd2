"""tensorflow-io, an option: decoding videos in TensorFlow's graph, and remote file systems."""
