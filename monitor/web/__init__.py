"""The service's own local pages: health and metrics."""
