"""Which variables weight decay spares: refused when it fits nothing, saved with the configuration."""

import json

import numpy as np
import pytest

import tfoptim
from tests.library.harness import variables_of


def optimizer_for(*weights, **exclusion):
    """An optimizer that was told what to spare, built for these variables."""
    optimizer = tfoptim.AdamW()
    optimizer.exclude_from_weight_decay(**exclusion)
    optimizer.build(list(weights))
    return optimizer


@pytest.mark.parametrize("count", [2, 7])
def test_pattern_that_fits_no_variable_is_refused(count):
    """A misspelt name would decay what was to be spared; the message shows some paths."""
    with pytest.raises(ValueError, match=r"'biass' fits no variable.*weight_0"):
        optimizer_for(*variables_of([np.ones(1)] * count), var_names=["biass"])


def test_variable_of_another_model_is_refused():
    """So would a variable that the optimizer never sees."""
    one, other = variables_of([np.ones(1)] * 2)
    with pytest.raises(ValueError, match="'weight_1' fits no variable"):
        optimizer_for(one, var_list=[other])


def test_malformed_expression_is_refused_with_its_escaped_form():
    """Patterns are regular expressions, so a bracket has to be closed or escaped."""
    with pytest.raises(ValueError, match=r"'\[a' is no regular expression.*did you mean"):
        tfoptim.AdamW().exclude_from_weight_decay(var_names=["[a"])


def test_one_string_is_no_list_of_strings():
    """`var_names="bias"` would be read as four letters."""
    with pytest.raises(TypeError, match="list of strings, got 'bias'"):
        tfoptim.AdamW().exclude_from_weight_decay(var_names="bias")


def test_exclusion_after_building_is_refused_unless_it_changes_nothing():
    """Keras's check is dead, and a late call is silently ignored there."""
    optimizer = optimizer_for(*variables_of([np.ones(1)] * 2), var_names=["weight_1"])
    optimizer.exclude_from_weight_decay(var_names=["weight_1"])
    with pytest.raises(ValueError, match="before the optimizer is built"):
        optimizer.exclude_from_weight_decay(var_names=["weight_0"])


def test_exclusion_is_saved_with_the_configuration():
    """Keras forgets it, and after loading the biases decay."""
    _, second = weights = variables_of([np.ones(1)] * 2)
    optimizer = optimizer_for(*weights, var_list=[second])
    config = json.loads(json.dumps(optimizer.get_config()))
    again = tfoptim.AdamW.from_config(config)
    again.build(weights)
    assert config == again.get_config()
    assert [{1}] == [exclusion.spared(weights) for exclusion in again.exclusions()]
