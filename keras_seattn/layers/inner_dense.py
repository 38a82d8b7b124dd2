"""Layers that are made of Dense layers, of one data type with them."""

import keras


class LayerOfDense(keras.layers.Layer):
    """A layer that holds Dense layers: what is set for it holds for them, and it saves theirs.

    Keras hands neither `trainable` nor `dtype_policy` to the layers in a layer,
    and quantizes those without a trace in what the outer one saves.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._dense_policies = {}

    def dense(self, input_shape, units, **options):
        """A built Dense layer of `units`, for inputs whose last axis is that of `input_shape`."""
        layer = keras.layers.Dense(
            units,
            dtype=self._dense_policies.get(options["name"], self.dtype_policy),
            trainable=self.trainable,
            **options,
        )
        layer.build(input_shape)
        return layer

    def _dense_layers(self):
        return [x for x in self._layers if isinstance(x, keras.layers.Dense)]

    @property
    def dtype_policy(self):
        return super().dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value):
        keras.layers.Layer.dtype_policy.fset(self, value)
        for layer in self._dense_layers():
            layer.dtype_policy = value

    def get_config(self):
        config = super().get_config()
        others = {
            x.name: keras.dtype_policies.serialize(x.dtype_policy)
            for x in self._dense_layers()
            if x.dtype_policy.name != self.dtype_policy.name
        }
        return {**config, "dense_policies": others} if others else config

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        policies = config.pop("dense_policies", {})
        layer = super().from_config(config)
        layer._dense_policies = {
            name: keras.dtype_policies.deserialize(x) for name, x in policies.items()
        }
        return layer
