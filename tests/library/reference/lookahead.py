"""Lookahead (Zhang, Lucas, Hinton & Ba 2019, algorithm 1) around the loop of any rule."""

from itertools import count

from tests.library.reference.stepwise import started, stepwise


@stepwise
def lookahead(w, inner, sync_period=6, slow_step_size=0.5, **options):
    """Weights after each step; `options` are those of the inner loop."""
    slow = w
    walk = started(inner.steps(w, **options))
    for t in count(1):
        w, g = yield w
        w = walk.send((w, g))
        if t % sync_period == 0:
            slow = slow + slow_step_size * (w - slow)
            w = slow
