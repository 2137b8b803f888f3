"""What surrounds a rule in one training step, as a plain loop: decay, step, constraint, average, overwrite."""

import numpy as np

from tests.library.reference.rates import rate_at
from tests.library.reference.stepwise import started


def joined(arrays):
    """All numbers of several arrays in one."""
    return np.concatenate([np.ravel(x) for x in arrays])


def parted(array, like):
    """The numbers of one array as several, of the shapes of others."""
    ends = np.cumsum([np.size(x) for x in like])[:-1]
    return [part.reshape(np.shape(x)) for part, x in zip(np.split(array, ends), like, strict=True)]


def surrounded(steps, starts, gradients, *, learning_rate, joint=False, **settings):
    """Weights[call][variable] after each call, and at the end the weights to keep.

    `steps` is the generator of the rule; the decay is applied here, unless the rule applies it itself. With `joint`,
    it takes all variables in one array; with `own_average`, it is sent None for the weights to keep.
    """
    k = settings.get("gradient_accumulation_steps") or 1
    scale = settings.get("loss_scale_factor") or 1.0
    per_update = []
    for last in range(k - 1, len(gradients), k):
        calls = gradients[last - k + 1 : last + 1]
        mean = [sum(call[i] for call in calls) / k / scale for i in range(len(starts))]
        per_update.append(clipped(mean, settings))
    if joint:
        walks = walked_together(steps, starts, per_update, learning_rate, settings)
    else:
        walks = [
            walk(w, started(steps(w)), [g[i] for g in per_update], learning_rate, settings)
            for i, w in enumerate(starts)
        ]
    calls = range(len(gradients))
    after_calls = [
        [([w] * (k - 1) + list(np.repeat(after, k, axis=0)))[call] for w, (after, _) in zip(starts, walks, strict=True)]
        for call in calls
    ]
    return [*after_calls, [final for _, final in walks]]


def walked_together(steps, starts, per_update, learning_rate, settings):
    """The walk of all variables in one array, as one for each."""
    whole = joined(starts)
    path, final = walk(whole, started(steps(whole)), [joined(g) for g in per_update], learning_rate, settings)
    paths = [parted(w, starts) for w in path]
    return [([w[i] for w in paths], kept) for i, kept in enumerate(parted(final, starts))]


def clipped(gradients, settings):
    """The gradients of one update after the one clipping that is set."""
    if settings.get("clipvalue"):
        return [np.clip(g, -settings["clipvalue"], settings["clipvalue"]) for g in gradients]
    norms = [np.sqrt(np.sum(g**2)) for g in gradients]
    if settings.get("global_clipnorm"):
        joint = np.sqrt(sum(norm**2 for norm in norms))
        return [g * min(1.0, settings["global_clipnorm"] / joint) for g in gradients]
    if settings.get("clipnorm"):
        return [g * min(1.0, settings["clipnorm"] / n) for g, n in zip(gradients, norms, strict=True)]
    return gradients


def walk(w, rule, gradients, learning_rate, settings):
    """Weights after each real update, and the weights to keep (the average if there is one)."""
    constraint = settings.get("constraint") or (lambda w: w)
    momentum = settings.get("ema_momentum", 0.99)
    frequency = settings.get("ema_overwrite_frequency")
    average = None
    trajectory = []
    for t, g in enumerate(gradients, start=1):
        w = w - rate_at(learning_rate, t) * (settings.get("weight_decay") or 0.0) * w
        w = constraint(rule.send((w, g)))
        if settings.get("use_ema"):
            average = w if average is None else momentum * average + (1 - momentum) * w
            if frequency and t % frequency == 0:
                w = constraint(average)
        trajectory.append(w)
    if average is None and settings.get("own_average"):
        average = constraint(rule.send(None))
    return trajectory, w if average is None else average
