"""Which variables are excluded, from weight decay or else: refused when it fits nothing, saved with the config."""

import json

import numpy as np
import pytest

import tfoptim
from tests.library.harness import variables_of

METHODS = ("exclude_from_weight_decay", "exclude_from_layer_adaptation")

of_each_kind = pytest.mark.parametrize("method", METHODS)


def optimizer_for(method, *weights, **exclusion):
    """An optimizer with an exclusion, built for these variables."""
    optimizer = tfoptim.Lamb()
    getattr(optimizer, method)(**exclusion)
    optimizer.build(list(weights))
    return optimizer


@of_each_kind
@pytest.mark.parametrize("count", [2, 7])
def test_pattern_that_fits_no_variable_is_refused(method, count):
    """A misspelt name would decay what was to be spared; the message shows some paths."""
    with pytest.raises(ValueError, match=rf"^{method}: 'biass' fits no variable.*weight_0"):
        optimizer_for(method, *variables_of([np.ones(1)] * count), var_names=["biass"])


@of_each_kind
def test_variable_of_another_model_is_refused(method):
    """So would a variable that the optimizer never sees."""
    one, other = variables_of([np.ones(1)] * 2)
    with pytest.raises(ValueError, match="'weight_1' fits no variable"):
        optimizer_for(method, one, var_list=[other])


@of_each_kind
def test_malformed_expression_is_refused_with_its_escaped_form(method):
    """Patterns are regular expressions, so a bracket has to be closed or escaped."""
    with pytest.raises(ValueError, match=rf"^{method}: '\[a' is no regular expression.*did you mean"):
        optimizer_for(method, var_names=["[a"])


@of_each_kind
def test_one_string_is_no_list_of_strings(method):
    """`var_names="bias"` would be read as four letters."""
    with pytest.raises(TypeError, match=f"^{method}: var_names must be a list of strings, got 'bias'"):
        optimizer_for(method, var_names="bias")


@of_each_kind
def test_exclusion_after_building_is_refused_unless_it_changes_nothing(method):
    """Keras's check is dead, and a late call is silently ignored there."""
    optimizer = optimizer_for(method, *variables_of([np.ones(1)] * 2), var_names=["weight_1"])
    exclude = getattr(optimizer, method)
    exclude(var_names=["weight_1"])
    with pytest.raises(ValueError, match=rf"`{method}\(\)` must be called before the optimizer is built"):
        exclude(var_names=["weight_0"])


@of_each_kind
def test_exclusion_is_saved_with_the_configuration(method):
    """Keras forgets it, and after loading the biases decay."""
    _, second = weights = variables_of([np.ones(1)] * 2)
    optimizer = optimizer_for(method, *weights, var_list=[second])
    config = json.loads(json.dumps(optimizer.get_config()))
    assert config[method] == {"var_list": ["weight_1"], "var_names": []}
    again = tfoptim.Lamb.from_config(config)
    again.build(weights)
    assert config == again.get_config()
    assert [set(), {1}] == sorted(exclusion.spared(again._runtime.paths) for exclusion in again.exclusions())
    assert again._runtime.groups == optimizer._runtime.groups
