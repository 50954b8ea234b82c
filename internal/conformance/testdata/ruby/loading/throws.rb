throw :nowhere
