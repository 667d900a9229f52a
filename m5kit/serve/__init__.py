"""An HTTP service over an index: embed, search and predict, and a page to search with."""
