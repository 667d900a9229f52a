"""The runs: config, data loaders, training on mmengine, checkpoints, embedding, evaluation."""
