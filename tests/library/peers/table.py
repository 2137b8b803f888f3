"""THE table of Keras's test files: what is swapped in each, and which tests we fail on purpose."""

from tests.library.peers.adapter import Deviation, Peer

MODULE = {"from keras.src import optimizers\n": "from tests.library.peers import optimizers\n"}


def of_rule(name, **arguments):
    """The file of one optimizer: its only import of the class becomes ours."""
    theirs = f"from keras.src.optimizers.{name.lower()} import {name}\n"
    return Peer(f"optimizers/{name.lower()}", {theirs: f"from tfoptim import {name}\n"}, **arguments)


ROWS_OF_DECAYING_RULE = Deviation(
    "Keras writes only the touched rows of the weights, because its rule happens to leave the others where they are; "
    "ours steps every row in one dense assignment, to the same values (`test_sparse_correctness` passes).",
    "False != True",
)

PEERS = (
    Peer(
        "optimizers/optimizer",
        MODULE,
        deviations={
            "test_callable_learning_rate": Deviation(
                "Keras takes a function as the learning rate and freezes its value in a graph (D10); ours refuses it.",
                "would be frozen when the step is traced",
            )
        },
    ),
    Peer(
        "optimizers/optimizer_sparse",
        MODULE,
        deviations={
            "test_sparse_gradients_adafactor": ROWS_OF_DECAYING_RULE,
            "test_sparse_gradients_adadelta": ROWS_OF_DECAYING_RULE,
            "test_sparse_gradients_rmsprop": ROWS_OF_DECAYING_RULE,
        },
        foreign=("test_sparse_correctness_scatter_update", "test_sparse_gradients_scatter_update"),
    ),
    of_rule("Adadelta"),
    of_rule(
        "Adafactor",
        deviations={
            "test_correctness_with_golden": Deviation(
                "Keras limits the rate by 1 / sqrt(t) with `relative_step=False` too (D16); ours takes it as it is.",
                "Not equal to tolerance rtol=0.0005",
            )
        },
    ),
    of_rule("Adagrad"),
    of_rule("Adam"),
    of_rule("Adamax"),
    of_rule(
        "AdamW",
        deviations={
            "test_weight_decay_is_none": Deviation(
                "Keras raises ValueError for a value of the wrong type; ours raises TypeError, as for every argument.",
                "AdamW: weight_decay must be a number",
            )
        },
    ),
    of_rule(
        "Ftrl",
        deviations={
            f"test_invalid_{name}": Deviation(
                "The test asserts Keras's wording; our sentence names the class, the range and the value received.",
                f"Ftrl: {name} must satisfy",
            )
            for name in (
                "initial_accumulator_value",
                "learning_rate_power",
                "l1_regularization_strength",
                "l2_regularization_strength",
                "l2_shrinkage_regularization_strength",
            )
        },
    ),
    of_rule("Lamb"),
    of_rule(
        "Lion",
        deviations={
            "test_invalid_beta_1": Deviation(
                "The test asserts Keras's wording, which allows 0 and refuses it; ours allows 0, and refuses 1.",
                "Lion: beta_1 must satisfy 0 <= x < 1",
            )
        },
    ),
    of_rule(
        "Muon",
        deviations={
            name: Deviation("The test calls a method of Keras's rule itself; `apply` does the whole step here.", says)
            for name, says in {
                "test_Newton_Schulz": "zeropower_via_newtonschulz5",
                "test_adamw_single_step": "Muon has no update_step",
                "test_adamw_weight_decay": "Not equal to tolerance rtol=0.0001",
                "test_lr_adjust_2d": "lr_adjust",
                "test_lr_adjust_none": "lr_adjust",
                "test_muon_single_step": "Muon has no update_step",
                "test_should_use_adamw": "_should_use_adamw",
            }.items()
        },
    ),
    of_rule(
        "Nadam",
        deviations={
            "test_build_with_empty_var_list": Deviation(
                "The test reads the private name of Keras's running product; ours has the paper's letter.",
                "has no attribute '_u_product'",
            )
        },
    ),
    of_rule("RMSprop"),
    of_rule(
        "SGD",
        deviations={
            "test_invalid_momentum": Deviation(
                "The test asserts Keras's wording; our sentence names the class, the range and the value received.",
                "SGD: momentum must satisfy 0 <= x <= 1",
            )
        },
    ),
    Peer(
        "optimizers/loss_scale_optimizer",
        {
            "from keras.src.optimizers.loss_scale_optimizer import LossScaleOptimizer\n": (
                "from tfoptim import LossScaleOptimizer\n"
            ),
            "from keras.src.optimizers.sgd import SGD\n": "from tfoptim import SGD\n",
            '"module": "keras.optimizers"': '"module": "tfoptim"',
            '"registered_name": None': '"registered_name": "tfoptim>SGD"',
        },
    ),
    Peer(
        "optimizers/multi_optimizer",
        MODULE,
        deviations={
            "test_multi_optimizer_wrapped_in_loss_scale_optimizer": Deviation(
                "A limit of ours: one verdict over all variables needs one step, and a MultiOptimizer takes several; "
                "Keras's own LossScaleOptimizer wraps it.",
                "inner_optimizer must be an optimizer of tfoptim, got MultiOptimizer",
            )
        },
    ),
    Peer("callbacks/reduce_lr_on_plateau", MODULE),
    Peer("callbacks/learning_rate_scheduler", {**MODULE, 'optimizer="sgd"': 'optimizer="tfoptim>SGD"'}),
    Peer(
        "callbacks/backup_and_restore",
        {'optimizer="sgd"': 'optimizer="tfoptim>SGD"'},
        foreign=("test_backup_dir_empty_error", "test_backup_dir_none_error", "test_save_freq_unknown_error"),
    ),
    Peer("callbacks/swap_ema_weights", MODULE, alone=True),
    Peer(
        "backend/tensorflow/optimizer_distribute",
        {"from keras.src.optimizers.sgd import SGD\n": "from tfoptim import SGD\n"},
        deviations={
            "test_ema": Deviation(
                "Keras counts a gradient made outside of `strategy.run` once instead of once per replica (D29).",
                "Max absolute difference among violations: 1.",
            )
        },
        alone=True,
    ),
)
