"""Drawing a graph to a PNG on this machine, without a browser and without the network."""
