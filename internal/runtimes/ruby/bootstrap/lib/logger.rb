# frozen_string_literal: true

# Stands before Ruby's own logger on the search path, once: it loads that one
# and has it write as on AWS.
$LOAD_PATH.delete(__dir__)
require 'logger'
require_relative '../logging'
