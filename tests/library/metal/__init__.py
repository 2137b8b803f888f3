"""What Apple's TensorFlow plugin can run, and a reader of graphs that says where each operation would."""
