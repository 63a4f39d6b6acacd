"""The task of classifying CIFAR-10."""

from harness.tasks.cifar10.load import DATA_HASH, load_cifar10
from harness.tasks.images.task import Images, ImageTask

CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)


class Cifar10Task(ImageTask):
    """CIFAR-10, every byte compared with its published checksums."""

    @property
    def data_hash(self) -> str:
        """Digest over the published sums: nothing is read for it."""
        return DATA_HASH

    @property
    def classes(self) -> tuple[str, ...]:
        """The ten classes in the order of the labels."""
        return CLASSES

    def images(self) -> Images:
        """Map the data set into memory; it is fetched once per user."""
        return Images(*load_cifar10(self.data_dir, progress=True))
