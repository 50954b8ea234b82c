puts 'printed'
warn 'to stderr'
raise ArgumentError, 'grüß'
