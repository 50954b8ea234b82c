class ConfigurationError extends Error {
  get name() {
    return 'ConfigurationError';
  }
}
throw new ConfigurationError('not configured');
