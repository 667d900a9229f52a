"""m5kit: composable multimodal pretraining over items of which any modality may be missing."""

__version__ = "0.1.0"
