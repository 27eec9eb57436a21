"""Where work comes from: the readers of roadmap and tracker, the improvement finders."""
