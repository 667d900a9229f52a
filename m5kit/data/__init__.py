"""From a manifest to batches: manifest, decoders, transforms, dataset, collation, sampler, the demo set."""
