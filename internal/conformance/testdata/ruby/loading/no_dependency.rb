require 'no_such_dependency'
