class LoadingError < StandardError; end
raise LoadingError, 'own'
