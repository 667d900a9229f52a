"""Building blocks on tensors that know no modality: attention, transformer, packing, pooling, losses."""
