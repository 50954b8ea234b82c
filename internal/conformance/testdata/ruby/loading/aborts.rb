abort 'no way'
