"""A program that compares optimizers: study -> runs -> records -> figures."""

from experiments import machine

machine.protect()
