exit! 4
