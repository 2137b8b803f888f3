"""The identity of a study is the hash of its meaning."""

import pytest

from experiments import studies
from experiments.studies import identity
from tests.experiments.small import TOML, study


def test_canonical_form_has_the_known_hash():
    """The identity of a run must not change with the Python or the machine that computes it."""
    known = "158d35d8b578c605994d4b0984021488d8b22b831c36244c0097500a4d6f839b"
    assert identity.canonical({"b": 1, "a": 0.1}) == '{"a":0.1,"b":1}'
    assert identity.digest({"b": 1, "a": 0.1}) == known


def test_canonical_form_refuses_what_json_lacks():
    """NaN has no place in an identity."""
    with pytest.raises(ValueError, match="JSON"):
        identity.canonical({"a": float("nan")})


def test_looks_and_words_do_not_change_a_study():
    """A colour is no reason to train again."""
    other = studies.parse(TOML.replace("#D55E00", "#000000").replace("A small", "Another"), "small.toml")
    assert identity.study_hash(other) == identity.study_hash(study())


def test_every_rule_changes_a_study():
    """What the numbers depend on is in the hash."""
    changed = [
        study(epochs=2),
        study(batch_size=64),
        study(micro_batch=100),
        study(seeds=(0, 1, 2)),
        study(task="mnist_orig"),
        study(data="mnist"),
        study(optimizers=study().optimizers[:1]),
    ]
    hashes = {identity.study_hash(other) for other in changed} | {identity.study_hash(study())}
    assert len(hashes) == len(changed) + 1


HASHES = {
    "deepobs_fmnist_2c2d": ("9872039382ca75bc5408", "4e501cf1a1715a010bee"),
    "deepobs_quadratic": ("3bb48e558757fda9780e", "9ba7178fda53b23e68d9"),
    "functions.rosenbrock-rosenbrock": ("f0506440d790f59fabf2", "1a85c9c2130ce6ea4edb"),
    "functions.beale-beale": ("3b64188c696469f4f6dc", "17f879207c7f9159c541"),
    "functions.branin-branin": ("7b9165825a1467772a37", "403ef51956f9a7ed061d"),
    "functions.tf_guide-tf_guide": ("dbe53b41fa515a3b3c28", "b635d989842fa3855249"),
    "hippocampus": ("f535e5cf5ff19af570f3", "1b5f1c1e0faad8abfc76"),
    "mni152": ("be83310a70665f12691a", "75940fb99d43b15bff56"),
    "modern.mnist_orig-mnist_3500": ("2158ba39bc5174dddecc", "51de9cfd6ff61e11516f"),
    "modern.fmnist_mlp-fashion_mnist": ("4ea5d0d4dbdf116fad8e", "a2896cb9e1f48a38aa61"),
    "modern_self_tuning.mnist_orig-mnist_3500": ("5632627266e980233c59", "076ecfa7f67d2b803026"),
    "modern_self_tuning.fmnist_mlp-fashion_mnist": ("f11bcd644d8c02b7a605", "6db4e1777ae6575fbb23"),
    "sparse.spam_linear-spam_assassin": ("b153a3c7ff807952acf6", "ae460e48d31b2c3c35f9"),
    "sparse.spam_embedding-spam_assassin": ("ef80a7bad051a37a0af9", "adde3da12e5cae112fb7"),
    "mnist": ("efbc5a276dd6dae5f087", "8b10493df63b0faaa433"),
}


@pytest.mark.parametrize(("name", "known"), HASHES.items(), ids=HASHES)
def test_the_hashes_of_committed_studies_are_known(name, known):
    """Whatever a field is called in the code: on them hang committed choices, targets and recorded runs."""
    path = studies.find(name.split(".")[0])
    (whole,) = (own for at, own in studies.each(path, studies.load(path)) if at.stem == name)
    assert (identity.study_hash(whole)[:20], identity.tuning_hash(whole)[:20]) == known
