import deps.broken
