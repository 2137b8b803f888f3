"""Calls as users write them; a line that ends in `# wrong` must be refused by every type checker."""

import keras

import tfoptim


def good() -> list[tfoptim.Optimizer]:
    """Arguments of the rule, of the base class, by position and by name."""
    return [
        tfoptim.GD(0.1),
        tfoptim.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0),
        tfoptim.Momentum(learning_rate=0.1, momentum=0.8),
        tfoptim.CLR(0.01, peak_factor=5.0, cycle=200, momentum=0.0),
        tfoptim.CLMR(cycle=200, peak_momentum=0.9, momentum_cycle=100),
        tfoptim.Momentum(tfoptim.schedules.Cyclic(0.1, 1.0, 10), momentum=tfoptim.schedules.OneCycle(0.9, 0.8, 0.9, 9)),
        tfoptim.AdaGrad(initial_accumulator_value=0.0),
        tfoptim.Adagrad(0.1, epsilon=1e-6),
        tfoptim.RMSprop(rho=0.8, centered=True),
        tfoptim.Adadelta(rho=0.9, use_ema=True, ema_momentum=0.9),
        tfoptim.Adam(0.1, beta_1=0.5, weight_decay=None, gradient_accumulation_steps=2),
        tfoptim.AdamW(weight_decay=0.1),
        tfoptim.Adamax(epsilon=1e-8, name="it"),
        tfoptim.Nadam(beta_2=0.99, global_clipnorm=1.0),
        tfoptim.get("adam", learning_rate=0.1),
        tfoptim.SGD(0.1, use_ema=True, ema_momentum=tfoptim.schedules.SWA(10, period=2)),
        tfoptim.Adam(use_ema=True, ema_momentum=tfoptim.schedules.EmaWarmup(0.999)),
        tfoptim.AdamW(weight_decay=tfoptim.schedules.Times(tfoptim.schedules.WarmupCosine(0.1, 9), 0.5)),
        tfoptim.SAM(tfoptim.Adam(0.1)),
        tfoptim.SAM(tfoptim.SGD(), 0.1, adaptive=True),
        tfoptim.SAM(tfoptim.SGD(), rho=tfoptim.schedules.Cyclic(0.1, 1.0, 10)),
    ]


def averages(model: keras.Model, data: list[float], optimizer: tfoptim.Optimizer) -> bool:
    """Evaluation with averaged weights."""
    tfoptim.callbacks.EvaluateAverage()
    tfoptim.callbacks.EvaluateAverage(batch_norm_data=data)
    tfoptim.update_batch_norm(model, data, batch_size=8, steps=2)
    with optimizer.averaged(model.trainable_variables):
        return optimizer.averages


def bad() -> None:
    """A wrong type and an unknown name, for an argument of the rule and of the base class."""
    tfoptim.Adam(beta_1="0.5")  # wrong
    tfoptim.Adam(beta1=0.5)  # wrong
    tfoptim.Adam(momentum=0.9)  # wrong
    tfoptim.Adagrad(accumulator=0.9)  # wrong
    tfoptim.SGD(nesterov="yes")  # wrong
    tfoptim.SGD(clip_norm=1.0)  # wrong
    tfoptim.SGD(gradient_accumulation_steps="2")  # wrong
    tfoptim.Momentum(amsgrad=True)  # wrong
    tfoptim.AdamW(weight_decay="0.1")  # wrong
    tfoptim.schedules.SWA(10)  # wrong
    tfoptim.schedules.EmaWarmup(momentum="0.9")  # wrong
    tfoptim.callbacks.EvaluateAverage(data=None)  # wrong
    tfoptim.update_batch_norm(None, None, steps="2")  # wrong
    tfoptim.SAM(0.1)  # wrong
    tfoptim.SAM(tfoptim.SGD(), adaptive="yes")  # wrong
    tfoptim.SAM(tfoptim.SGD(), rho="0.1")  # wrong
