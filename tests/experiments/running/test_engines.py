"""Workers are paid for as rarely as possible: each compiles few programs, and none waits while there is work."""

import collections
import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest

from experiments.running.engines import Job, local
from experiments.running.engines import worker as workers
from tests.experiments.small import run


def jobs(programs, seeds):
    """Jobs in the order of a study: each program with each seed."""
    runs = [dataclasses.replace(run(seed=s), batch_size=32 + p) for p in range(programs) for s in range(seeds)]
    return [Job(made, Path("unused")) for made in runs]


def handed_out(pending, count):
    """Which program each worker is given in turn, when all jobs take equally long."""
    team = [SimpleNamespace(programs=set()) for _ in range(count)]
    given = [[] for _ in team]
    while pending:
        for worker, mine in zip(team, given, strict=True):
            if pending:
                job = local._choose(pending, worker, team)
                worker.programs.add(job.run.program)
                mine.append(job.run.program)
    return given


def compiled(given):
    """How many programs all workers compile: as many as each is given."""
    return sum(len(set(mine)) for mine in given)


@pytest.mark.parametrize(("programs", "seeds", "workers"), [(6, 3, 1), (6, 3, 2), (6, 3, 3), (6, 3, 6), (4, 2, 2)])
def test_each_program_is_compiled_once_where_it_can_be(programs, seeds, workers):
    """Whatever the seeds, and no worker has more to do than another."""
    given = handed_out(jobs(programs, seeds), workers)
    assert compiled(given) == programs
    assert {len(mine) for mine in given} == {programs * seeds // workers}


@pytest.mark.parametrize(("programs", "seeds", "workers"), [(1, 6, 3), (2, 3, 4), (5, 3, 2)])
def test_no_worker_waits_while_there_is_work(programs, seeds, workers):
    """Compiling a program again costs less than the run that it takes off another worker."""
    lengths = collections.Counter(len(mine) for mine in handed_out(jobs(programs, seeds), workers))
    assert max(lengths) - min(lengths) <= 1
    assert sum(length * count for length, count in lengths.items()) == programs * seeds


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_the_first_seed_of_every_program_comes_before_others_and_none_is_compiled_twice(workers):
    """A preliminary table needs one run of each; later runs go where their program is."""
    pending = [dataclasses.replace(job, first=job.run.seed == 0) for job in jobs(6, 3)]
    given = handed_out(list(pending), workers)
    assert {program for mine in given for program in mine[: 6 // workers]} == {job.run.program for job in pending}
    assert compiled(given) == 6


def test_workers_have_one_thread_each():
    """So results do not depend on the number of workers, and two workers do not fight over two cores."""
    assert {workers.ENVIRONMENT[f"TF_NUM_{kind}OP_THREADS"] for kind in ("INTRA", "INTER")} == {"1"}
