"""A searchable index of items: their vectors beside labels and properties to filter by, in an embedded vector store."""
