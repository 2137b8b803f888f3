"""What users of Keras 2, torch and papers write by habit is answered in a sentence that helps."""

import keras
import pytest

import tfoptim


@pytest.mark.parametrize(
    ("cls", "name", "hint"),
    [
        (tfoptim.Adam, "lr", "Did you mean 'learning_rate'?"),
        (tfoptim.Adam, "fused", "Leave it out: the fastest way to compute a step is chosen each time."),
        (tfoptim.Adam, "alpha", "Did you mean 'learning_rate'?"),
        (tfoptim.RMSprop, "alpha", "Did you mean 'rho'?"),
        (tfoptim.Adam, "eps", "Did you mean 'epsilon'?"),
        (tfoptim.Adam, "beta1", "Did you mean 'beta_1'?"),
        (tfoptim.Adam, "rho1", "Did you mean 'beta_1'?"),
        (tfoptim.RMSprop, "rho1", "Did you mean 'rho'?"),
        (tfoptim.Adam, "betas", "Give beta_1 and beta_2, each by itself."),
        (tfoptim.Adam, "wd", "Did you mean 'weight_decay'?"),
        (
            tfoptim.Adam,
            "clip_norm",
            "Did you mean 'clipnorm', of each variable, or 'global_clipnorm', of all together?",
        ),
        (tfoptim.Adam, "decay", "Give learning_rate a schedule of keras.optimizers.schedules."),
        (tfoptim.Adam, "jit_compile", "It is an argument of model.compile."),
        (tfoptim.Lamb, "exclude_from_weight_decay", "It is a method; call it before the optimizer is built."),
        (
            tfoptim.Lamb,
            "exclude_from_layer_adaptation",
            "It is a method of Lamb and LARS; call it before the optimizer is built.",
        ),
        (tfoptim.Adam, "params", "The variables are for `build` and `apply`."),
        (tfoptim.Rprop, "etas", "Give eta_minus and eta_plus, each by itself."),
        (tfoptim.SGD, "betas", ""),
        (tfoptim.SGD, "etas", ""),
        (tfoptim.SGD, "eps", ""),
        (tfoptim.Nadam, "momentum_decay", ""),
        (tfoptim.SGD, "momentum_decay", ""),
        (tfoptim.Adam, "bogus_arg", ""),
        (tfoptim.SGD, "dampening", ""),
        (tfoptim.Adam, "ema", ""),
    ],
)
def test_an_argument_of_another_name_gets_a_hint_only_where_it_is_right(cls, name, hint):
    """The whole sentence: no hint is better than a wrong one."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the text is compared below
        cls(**{name: 0.5})
    assert str(caught.value) == f"{cls.__name__} has no argument {name!r}.{' ' if hint else ''}{hint}"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zero_grad", "tf.GradientTape"),
        ("minimize", r"tf.GradientTape and call apply\(gradients, variables\)"),
        ("get_updates", r"call apply\("),
        ("compute_gradients", r"call apply\("),
        ("param_groups", "attributes, such as learning_rate"),
        ("state_dict", "model.save"),
        ("load_state_dict", "load_model"),
        ("get_weights", "`variables`"),
        ("lr", "learning_rate"),
        ("nothing_at_all", "$"),
    ],
)
def test_a_method_of_another_library_is_answered_with_what_to_do(name, words):
    """An AttributeError, so that `hasattr` still tells."""
    for optimizer in (tfoptim.Adam(), tfoptim.LossScaleOptimizer(tfoptim.Adam())):
        with pytest.raises(
            AttributeError, match=rf"{type(optimizer).__name__}' object has no attribute '{name}'.*{words}"
        ):
            getattr(optimizer, name)
        assert not hasattr(optimizer, name)


def test_a_number_assigned_under_another_name_is_not_lost():
    """`optimizer.lr = 0.1` was Keras 2's; an attribute that nothing reads would go unnoticed."""
    with pytest.raises(AttributeError, match=r"Adam has no argument 'lr'. Did you mean 'learning_rate'"):
        tfoptim.Adam().lr = 0.1
    with pytest.raises(AttributeError, match=r"Adam has no argument 'eps'. Did you mean 'epsilon'"):
        tfoptim.Adam().eps = 0.1
    with pytest.raises(AttributeError, match=r"LossScaleOptimizer has no argument 'lr'. Did you mean 'learning_rate'"):
        tfoptim.LossScaleOptimizer(tfoptim.Adam()).lr = 0.1
    mine = type("Mine", (tfoptim.Adam,), {})()
    mine.lr = 0.1  # a user's class may have attributes of its own
    assert mine.lr == 0.1


def test_the_counter_is_set_in_place():
    """`optimizer.iterations = 0` works nowhere; with accumulation, it is a quotient."""
    scaled = tfoptim.LossScaleOptimizer(tfoptim.Adam())
    for optimizer in (tfoptim.Adam(), scaled):
        with pytest.raises(
            AttributeError, match=r"iterations cannot be replaced: .*call optimizer\.iterations\.assign\("
        ):
            optimizer.iterations = 0
    with pytest.raises(AttributeError, match="iterations cannot be replaced: with gradient_accumulation_steps"):
        tfoptim.Adam(gradient_accumulation_steps=2).iterations = 0


def of(module, name, *bases, **body):
    """An object of a class of that module and name: tf_keras itself is not installed here."""
    return type(name, bases, {"__module__": module, **body})()


OLD = "tf_keras.src.optimizers.adam"
TAKEN = r"\. It takes an instance of an optimizer of keras.optimizers: adadelta, .*sgd\.$"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: of(OLD, "Adam"), f"Adam of {OLD}: not of Keras 3; make tfoptim.Adam with its arguments"),
        (
            lambda: of("tf_keras.optimizers.legacy", "SGD"),
            "SGD of tf_keras.optimizers.legacy: not of.*tfoptim.SGD with.*",
        ),
        (lambda: of("tf_keras.x", "Unheard"), "Unheard of tf_keras.x: not of.*make one of tfoptim with its arguments"),
        (lambda: of("torch.optim.adam", "Adam"), "Adam of torch.optim.adam: make tfoptim.Adam with its arguments"),
        (lambda: None, "NoneType: make one of tfoptim with its arguments"),
        (lambda: "adam", "str: use tfoptim.get to create one by name"),
        (lambda: keras.optimizers.Adam, "the class Adam of keras.*: use tfoptim.get to create one by name"),
        (lambda: keras.optimizers.Optimizer(0.1), "Optimizer of keras.*: tfoptim has no optimizer of this rule"),
        (
            lambda: of("mine", "Adam", keras.optimizers.Adam),
            "Adam of mine: a class with a rule of its own, .*",
        ),
        (
            lambda: of("mine", "Sgd", keras.optimizers.SGD),
            "Sgd of mine: a class with .* derived from SGD; derive it from.*",
        ),
    ],
)
def test_what_from_keras_cannot_take_is_named_with_its_module(make, words):
    """And with the way out; a class of a user's that is called Adam is not Adam."""
    with pytest.raises(TypeError, match=f"^from_keras got {words}{TAKEN}"):
        tfoptim.from_keras(make())


def schedule(module, name):
    """A schedule as another Keras has it."""
    base = type("LearningRateSchedule", (), {"__module__": module, "__call__": lambda self, step: 0.1})
    return type(name, (base,), {"__module__": module})()


def test_schedules_of_another_keras_are_called_by_their_name():
    """Not Python functions; the sentence names the class that works, or what to derive it from."""
    with pytest.raises(
        ValueError, match=r"a schedule of tf_keras, and this is Keras 3: make it with keras\S+CosineDecay\."
    ):
        tfoptim.Adam(schedule("tf_keras.src.schedules", "CosineDecay"))
    with pytest.raises(ValueError, match=r"schedule of tf_keras.*derive its class from keras\S+LearningRateSchedule"):
        tfoptim.Momentum(0.1, momentum=schedule("tf_keras.src.schedules", "MyDecay"))
    with pytest.raises(ValueError, match=r"It is a class: pass an instance, CosineDecay\(\.\.\.\)"):
        tfoptim.Adam(keras.optimizers.schedules.CosineDecay)
    with pytest.raises(ValueError, match="Python function would be frozen"):
        tfoptim.Adam(lambda: 0.1)
