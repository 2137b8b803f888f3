"""Whatever carries out a training, TensorFlow's, its records are the same to the last bit."""

import pytest

from experiments.records import run_folder
from tests.experiments.whole import battered, finish, prepare, program, results, start

pytestmark = pytest.mark.slow  # each worker imports TensorFlow
ONE = ("run", "whole.toml", "--jobs", "1", "--checkpoint", "0")
TWO = ("run", "whole.toml", "--jobs", "2")


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The records of the study by one process."""
    folder = prepare(tmp_path_factory.mktemp("one"))
    code, said = program(folder, *ONE, real=True)
    assert code == 0, said
    found = results(folder)
    assert len(found) == 4
    return found


def environments(folder):
    """What the records say of where they were made."""
    return [run_folder.read(path.parent).environment for path in folder.glob("runs/whole-*/trials/*/*/DONE")]


def test_two_processes_give_the_records_of_one(expected, tmp_path):
    """How many workers there are, and which other runs each has had, changes no bit."""
    code, said = program(prepare(tmp_path), *TWO, real=True)
    assert code == 0, said
    assert results(tmp_path) == expected
    assert {made["workers"] for made in environments(tmp_path)} == {2}


def test_four_shards_at_once_give_the_records_of_one_process(expected, tmp_path):
    """Four programs that know nothing of each other, in one folder."""
    folder = prepare(tmp_path)
    shards = [start(folder, *ONE, "--shard", f"{number}/4", real=True) for number in (1, 2, 3, 4)]
    for code, said in map(finish, shards):
        assert code == 0, said
    assert results(folder) == expected


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_two_nodes_of_ray_give_the_records_of_one_process(expected, tmp_path):
    """Each node is a set of processes of its own."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        nodes.add_node(num_cpus=1)
        words = ("--engine", "ray", "--engine-option", f"address={nodes.address}")
        code, said = program(prepare(tmp_path), *TWO, *words, real=True)
    finally:
        nodes.shutdown()
    assert code == 0, said
    assert "[4/4]" in said
    assert results(tmp_path) == expected
    assert {made["engine"] for made in environments(tmp_path)} == {"ray"}


def test_the_adapter_of_slurm_gives_the_records_of_one_process(expected, tmp_path):
    """Through submitit's processes in the place of Slurm's jobs."""
    pytest.importorskip("submitit")
    words = ("--engine", "slurm", "--engine-option", "cluster=local")
    code, said = program(prepare(tmp_path), *TWO, *words, real=True)
    assert code == 0, said
    assert "[4/4]" in said
    assert results(tmp_path) == expected
    assert {made["engine"] for made in environments(tmp_path)} == {"slurm"}


def test_twenty_kills_leave_the_records_of_an_uninterrupted_training(expected, tmp_path):
    """Most of them while TensorFlow starts, which takes seconds."""
    battered(prepare(tmp_path), ONE, 0.6, real=True)
    assert results(tmp_path) == expected
