"""Real data: digits in a folder that the user brings, photographs that packages ship.

``$FOURFOLD_DATA`` names the folder; in it lie ``mnist/*-ubyte.gz``, ``usps/usps.h5`` and
``fsdd/recordings/*.wav``. Files are checked against the public ones before they are used.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final, final

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from fourfold.errors import FileError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pictures = NDArray[np.uint8]
    Labels = NDArray[np.int64]

__all__ = [
    "SETS",
    "VARIABLE",
    "crops",
    "mnist",
    "mnist_m",
    "photographs",
    "read",
    "resized",
    "spoken_digits",
    "usps",
]

VARIABLE: Final = "FOURFOLD_DATA"


@final
@dataclass(frozen=True)
class Origin:
    """Where a set comes from.

    Attributes
    ----------
    url, licence
        Of the public files.
    checksums
        File → sha256 of its content; of ``.gz`` unpacked, since mirrors pack it differently; of a
        folder of sounds all at once: ``LC_ALL=C; cat recordings/*.wav | sha256sum``.
    """

    url: str
    licence: str
    checksums: dict[str, str]


SETS: Final = {
    "mnist": Origin(
        url="https://ossci-datasets.s3.amazonaws.com/mnist/",
        licence="CC BY-SA 3.0",
        checksums={
            "train-images-idx3-ubyte.gz": (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
            ),
            "train-labels-idx1-ubyte.gz": (
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
            ),
        },
    ),
    "usps": Origin(
        url="https://www.kaggle.com/datasets/bistaumanga/usps-dataset",
        licence="none stated",
        checksums={"usps.h5": "734f88c541104a956d88be2c95d03b4a463ffd74ccc2ba9c80841fb98e3fcb36"},
    ),
    "fsdd": Origin(
        url="https://github.com/Jakobovski/free-spoken-digit-dataset",
        licence="CC BY-SA 4.0",
        checksums={
            "recordings": "ddb17656a0bca4c5ddace082be188ca630516dc2ef1110afe3c4e9cc71173de4"
        },
    ),
}

PHOTOGRAPHS: Final = {
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
    "skimage": (
        "data/astronaut.png",
        "data/chelsea.png",
        "data/coffee.png",
        "data/grass.png",
        "data/gravel.png",
        "data/hubble_deep_field.jpg",
        "data/ihc.png",
        "data/motorcycle_left.png",
        "data/retina.jpg",
        "data/rocket.jpg",
    ),
}
"""Package → files in its wheel; each at least 300 × 300."""


def read(name: str, file: str) -> bytes:
    """Read a file of a set, unpacked, or a folder's sounds in the order of their names, joined.

    What is read is checked to be the public one.

    Raises
    ------
    FileError
        If it is not there, or is another one.
    """
    origin = SETS[name]
    where = f"get it from {origin.url} and set {VARIABLE} to the folder that holds {name}/{file}"
    folder = os.environ.get(VARIABLE)
    if folder is None:
        raise FileError(f"the data set {name} must be at hand; {VARIABLE} is not set: {where}")
    path = Path(folder, name, file)
    try:
        content = b"".join(part.read_bytes() for part in _parts(path))
        content = gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError) as error:
        raise FileError(f"the data set {name} must be at hand; got: {error}: {where}") from error
    got = hashlib.sha256(content).hexdigest()
    if got != origin.checksums[file]:
        raise FileError(
            f"{path} must be the public file, sha256 {origin.checksums[file]}; got {got}: {where}"
        )
    return content


def _parts(path: Path) -> list[Path]:
    return sorted(path.glob("*.wav")) if path.is_dir() else [path]


def mnist(part: str = "train") -> tuple[Pictures, Labels]:
    """Read MNIST: (60000, 28, 28) bytes and (60000,) digits; of ``"t10k"`` 10000."""
    images = read("mnist", f"{part}-images-idx3-ubyte.gz")
    labels = read("mnist", f"{part}-labels-idx1-ubyte.gz")
    pictures = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
    return pictures, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def usps(part: str = "train") -> tuple[Pictures, Labels]:
    """Read USPS: (7291, 16, 16) bytes and (7291,) digits; of ``"test"`` 2007."""
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("h5py", "bench") from error
    with h5py.File(io.BytesIO(read("usps", "usps.h5")), "r") as file:
        pictures, labels = file[part]["data"][:], file[part]["target"][:]
    return (pictures * 255).round().astype(np.uint8).reshape(-1, 16, 16), labels.astype(np.int64)


def spoken_digits() -> tuple[list[Path], Labels, NDArray[np.str_]]:
    """Find the free spoken digits: 3000 files, (3000,) digits and (3000,) speakers, six of them.

    ``fourfold.read_domain`` of the folder reads the same files in the same order.
    """
    read("fsdd", "recordings")
    paths = _parts(Path(os.environ[VARIABLE], "fsdd", "recordings"))
    digits, speakers, _ = zip(*(path.stem.split("_") for path in paths), strict=True)
    return paths, np.array(digits, np.int64), np.array(speakers)


def resized(pictures: Pictures, side: int) -> Pictures:
    """Bring square pictures (n, H, W) to another size, (n, side, side)."""
    bilinear = Image.Resampling.BILINEAR
    return np.stack(
        [np.asarray(Image.fromarray(one).resize((side, side), bilinear)) for one in pictures]
    )


def photographs() -> dict[str, Image.Image]:
    """Open the photographs in the wheels of scikit-learn and scikit-image, in colour."""
    found: dict[str, Image.Image] = {}
    for package, names in PHOTOGRAPHS.items():
        try:
            root = files(package)
        except ImportError as error:
            raise MissingExtraError(package, "bench") from error
        for name in names:
            with root.joinpath(name).open("rb") as file:
                found[Path(name).stem] = Image.open(file).convert("RGB")
    return found


def mnist_m(digits: Pictures, seed: int) -> Pictures:
    """Put digits on photographs: (n, 28, 28) to (n, 28, 28, 3), |patch − digit|.

    References
    ----------
    Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016.
    """
    random = np.random.default_rng(seed)
    grounds = [np.asarray(photograph) for photograph in photographs().values()]
    patches = np.stack([_patch(grounds, random, digits.shape[1]) for _ in digits])
    return np.abs(patches.astype(np.int16) - digits[..., None]).astype(np.uint8)


def _patch(grounds: list[Pictures], random: np.random.Generator, side: int) -> Pictures:
    ground = grounds[random.integers(len(grounds))]
    top, left = (random.integers(size - side + 1) for size in ground.shape[:2])
    return ground[top : top + side, left : left + side]


def crops(n: int, *, night: bool, seed: int, side: int = 224) -> tuple[NDArray[np.float32], Labels]:
    """Cut pictures out of the photographs, whose names they are to be recognized by.

    Parameters
    ----------
    n
        How many.
    night
        Darker, flatter and blurred: another domain.
    seed
        Of where they are cut.
    side
        Pixels.

    Returns
    -------
    tuple
        (n, 3, side, side) float32, as EfficientNet-Lite takes them, and (n,) photographs' numbers.
    """
    random = np.random.default_rng(seed)
    grounds = [np.asarray(_by_night(p) if night else p) for p in photographs().values()]
    labels = random.permutation(np.arange(n) % len(grounds))
    pictures = np.empty((n, 3, side, side), np.float32)
    for picture, label in zip(pictures, labels, strict=True):
        patch = _patch([grounds[label]], random, side)
        picture[...] = (np.moveaxis(patch, -1, 0) / np.float32(255) - 0.498) / 0.502
    return pictures, labels


def _by_night(photograph: Image.Image) -> Image.Image:
    blurred = photograph.filter(ImageFilter.GaussianBlur(3))
    flat = ImageEnhance.Contrast(blurred).enhance(0.5)
    return ImageEnhance.Brightness(flat).enhance(0.4)
