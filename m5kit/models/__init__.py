"""Models composed of registered parts: backbone, pretrainer, finetuner; plain torch modules."""
