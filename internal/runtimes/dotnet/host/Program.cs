// Starts Amazon.Lambda.RuntimeSupport, which NuGet has as a library only, with
// a handler: ASSEMBLY::TYPE::METHOD. The process is described by the function's
// own files, so that its assemblies count, and those beside this program stand
// in for what it lacks.
using System;
using System.IO;
using System.Reflection;
using System.Runtime.Loader;
using System.Threading.Tasks;

internal static class Program
{
    private const string Client = "Amazon.Lambda.RuntimeSupport";

    private static void Main(string[] args)
    {
        string here = Path.GetDirectoryName(typeof(Program).Assembly.Location);
        AssemblyLoadContext.Default.Resolving += (context, name) =>
        {
            string file = Path.Combine(here, name.Name + ".dll");
            return File.Exists(file) ? context.LoadFromAssemblyPath(file) : null;
        };
        // By its name alone, since a function may bring a client of another version.
        Type client = Assembly.Load(new AssemblyName(Client)).GetType(Client + ".RuntimeSupportInitializer", true);
        object running = Activator.CreateInstance(client, args[0]);
        ((Task)client.GetMethod("RunLambdaBootstrap", Type.EmptyTypes).Invoke(running, null)).GetAwaiter().GetResult();
    }
}
