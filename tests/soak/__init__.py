"""`make soak`: the whole service under load while its processes are killed at random; not collected by pytest."""
