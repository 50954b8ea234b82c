# frozen_string_literal: true

# The handler is called as a method of this class, as on AWS.
class LambdaHandler
  def initialize(handler)
    parts = handler.split('.')
    unless [2, 3].include?(parts.size)
      raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME.rb " \
                           'is a file of the function, CLASS a class or module of it, and METHOD a method, of CLASS itself if there is one'
    end

    @file, *@owner, @method = parts
    require @file
  end

  def call(event, context)
    if @owner.empty?
      __send__(@method, event: event, context: context)
    else
      Kernel.const_get(@owner.first).send(@method, event: event, context: context)
    end
  end
end
