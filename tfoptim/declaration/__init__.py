"""One annotated line of a class: its argument, its check, its configuration, its documentation."""
