using System;
using System.IO;
using System.Reflection;

namespace Demo
{
    public class Function
    {
        // Says where everything comes from.
        public string Where(string input)
        {
            string client = Assembly.Load(new AssemblyName("Amazon.Lambda.RuntimeSupport")).Location;
            return input + "|" + Environment.Version + "|" + AppContext.BaseDirectory + "|" + client + "|" + Environment.GetEnvironmentVariable("DOTNET_ROOT");
        }
    }

    public static class Program
    {
        public static int Main(string[] args)
        {
            Console.WriteLine("program " + args.Length);
            return 3;
        }
    }
}
