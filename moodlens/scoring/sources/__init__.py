"""Where many pictures lie: folders, lists, archives, Parquet, the Hub, object stores, the web."""
