// Stands in for Amazon.Lambda.RuntimeSupport where the real one cannot be had: it is found under the same names,
// asks for events and calls a method that takes a text and returns one.
using System;
using System.IO;
using System.Net.Sockets;
using System.Reflection;
using System.Runtime.Loader;
using System.Text;
using System.Threading.Tasks;

namespace Amazon.Lambda.RuntimeSupport
{
    public class RuntimeSupportInitializer
    {
        private readonly string[] handler;

        public RuntimeSupportInitializer(string handler)
        {
            this.handler = handler.Split(new[] { "::" }, StringSplitOptions.None);
        }

        public async Task RunLambdaBootstrap()
        {
            await Task.Yield();
            Type type = AssemblyLoadContext.Default.LoadFromAssemblyName(new AssemblyName(handler[0])).GetType(handler[1], true);
            MethodInfo method = type.GetMethod(handler[2]);
            object function = Activator.CreateInstance(type);
            while (true)
            {
                string id, none;
                string input = Call("GET /2018-06-01/runtime/invocation/next", "", out id);
                Call("POST /2018-06-01/runtime/invocation/" + id + "/response", (string)method.Invoke(function, new object[] { input }), out none);
            }
        }

        private static string Call(string request, string body, out string id)
        {
            string[] api = Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API").Split(':');
            using (var client = new TcpClient(api[0], int.Parse(api[1])))
            {
                NetworkStream stream = client.GetStream();
                byte[] data = Encoding.UTF8.GetBytes(body);
                byte[] head = Encoding.UTF8.GetBytes(request + " HTTP/1.1\r\nHost: api\r\nConnection: close\r\nContent-Length: " + data.Length + "\r\n\r\n");
                stream.Write(head, 0, head.Length);
                stream.Write(data, 0, data.Length);
                string answer = new StreamReader(stream, Encoding.UTF8).ReadToEnd();
                int end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
                id = "";
                foreach (string line in answer.Substring(0, end).Split('\n'))
                {
                    if (line.ToLowerInvariant().StartsWith("lambda-runtime-aws-request-id:"))
                    {
                        id = line.Substring(line.IndexOf(':') + 1).Trim();
                    }
                }
                return answer.Substring(end + 4);
            }
        }
    }
}
