"""The one convention of time: schedules count steps from 0, papers count them from 1."""


def rate_at(learning_rate, t):
    """The learning rate of step t = 1, 2, ...; a callable is asked for step t - 1."""
    return learning_rate(t - 1) if callable(learning_rate) else learning_rate
