# frozen_string_literal: true

module Lambkin
  # RubyGems, loaded when the function asks for what only they can give: a
  # feature that is not in the standard library or belongs to them, the method
  # gem, the constant Gem. And what AWS's runtime has loaded before the function, loaded when it
  # is named.
  module Gems
    @lock = Mutex.new

    class << self
      # Makes Ruby ask here before it gives up. It is nothing to do where
      # RubyGems are there already.
      def install
        Module.prepend(Constants)
        return if defined?(::Gem)

        ::Kernel.module_eval do
          alias_method :lambkin_require, :require
          private :lambkin_require

          def require(feature)
            begin
              return lambkin_require(feature) unless feature.to_s.start_with?('rubygems', 'bundler')
            rescue LoadError => error
              raise if defined?(::Gem) || error.path != feature.to_s
            end
            Gems.load
            require(feature)
          end

          def gem(*arguments)
            Gems.load
            gem(*arguments)
          end

          private :require, :gem
        end
      end

      # Loads RubyGems, which put their own methods in the place of those above.
      def load
        return if @lock.owned?

        @lock.synchronize do
          next if defined?(::Gem)

          ::Kernel.module_eval do
            alias_method :require, :lambkin_require
            private :require
            remove_method :lambkin_require, :gem
          end
          require 'rubygems'
        end
      end
    end

    # The constants of features that nobody has required.
    module Constants
      FEATURES = {
        Gem: 'rubygems', RbConfig: 'rbconfig', Monitor: 'monitor', MonitorMixin: 'monitor', SecureRandom: 'securerandom',
        Logger: 'logger', Net: 'net/http', OpenSSL: 'openssl', StringIO: 'stringio', Timeout: 'timeout', URI: 'uri', Zlib: 'zlib'
      }.freeze
      private_constant :FEATURES

      def const_missing(name)
        feature = FEATURES[name]
        return super if feature.nil? || ::Object.const_defined?(name)

        require feature
        ::Object.const_get(name)
      end
    end
  end
end
