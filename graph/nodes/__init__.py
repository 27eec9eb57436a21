"""The nodes of the decision tree, one file each."""
