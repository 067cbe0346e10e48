using System.Net;
using System.Net.Sockets;
using Caracal.Cli.CommandLine;
using Caracal.Cli.Environment;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.Processes;

/// <summary>Everything that can be checked before anything starts; all problems at once (cli.md 5, step 4).</summary>
internal static class StackPreflight
{
    public static void Check(ProcessVariables variables, IReadOnlyDictionary<string, int> ports)
    {
        var secrets = new SecretSource(variables.All, role: null, published: ModeVariable.Read(variables) is "rc" or "stable");
        List<string> problems = [.. SecretProblems(secrets), .. PortProblems(ports)];
        if (problems.Count > 0) throw new CommandFailure("the stack was not started:\n  " + string.Join("\n  ", problems));
    }

    /// <summary>What is wrong with the keys and tokens that a whole stack needs.</summary>
    public static IReadOnlyList<string> SecretProblems(SecretSource secrets)
    {
        secrets.KekRing(required: true);
        secrets.HmacRing(SecretFiles.AuditHmacKey, required: true);
        secrets.HmacRing(SecretFiles.StreamsHmacKey, required: true);
        secrets.HmacRing(SecretFiles.GatewayStsHmacKey, required: true);
        secrets.HmacRing(SecretFiles.IdempotencyHmacKey, required: true);
        secrets.TokenRing(SecretFiles.AdminToken, required: true);
        secrets.TokenRing(SecretFiles.CoordinatorToken, required: true);
        secrets.TokenRing(SecretFiles.MetricsBearer, required: true);
        secrets.TokenRing(SecretFiles.AuthSecret, required: true);
        secrets.TokenRing(SecretFiles.ConsoleReportToken, required: false);
        secrets.CheckDistinct();
        return secrets.Problems;
    }

    private static IEnumerable<string> PortProblems(IReadOnlyDictionary<string, int> ports)
    {
        foreach (var (role, port) in ports)
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            var free = true;
            try
            {
                // As Kestrel binds: a port in TIME_WAIT is free, one with a listener is not.
                probe.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                probe.Listen(1);
            }
            catch (SocketException)
            {
                free = false;
            }

            if (!free) yield return $"port {port} ({role}) is taken; free it, or set {role.ToUpperInvariant()}__PORT";
        }
    }
}
