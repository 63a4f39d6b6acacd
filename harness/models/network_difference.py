"""How a network's weights differ from those that are wanted, in words."""

from collections.abc import Mapping, Sequence

from harness.models.weights import WeightSpec


def network_difference(shapes: Mapping[str, Sequence[int]], spec: WeightSpec) -> str:
    """Say how tensors' shapes differ from those wanted; nothing if they do not.

    Such as ``"wrong shapes: fc.bias is [11], not [10]"``.
    """
    wanted = {tensor.name: tensor.shape for tensor in spec.tensors}
    missing = [name for name in wanted if name not in shapes]
    extra = [name for name in shapes if name not in wanted]
    if missing or extra:
        words = [f"lacks {', '.join(missing[:3])}"] if missing else []
        words += [f"has {', '.join(extra[:3])}"] if extra else []
        return f"another network: it {' and '.join(words)}"
    for name, shape in wanted.items():
        if tuple(shapes[name]) != tuple(shape):
            return f"wrong shapes: {name} is {list(shapes[name])}, not {list(shape)}"
    return ""
