using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Caracal.Cli.CommandLine;
using Caracal.Stack;

namespace Caracal.Cli.Commands;

/// <summary><c>caracal healthcheck</c>: what a container engine asks, from an image without a shell (operations.md 11.1).</summary>
internal static class HealthcheckCommand
{
    private const int DefaultTimeout = 2000;

    public static Command Descriptor { get; } = new(
        "healthcheck", CommandGroup.Operations, "ask a role of this container whether it is ready",
        """
        usage: caracal healthcheck ROLE

        Asks the role on this machine's loopback. HEALTH_PATH (default /ready, console /health) and
        HEALTH_TIMEOUT_MS (2000) say what and how long; ROLE__PORT or PORT where; over TLS when TLS_CERT_FILE
        is set, and then only that certificate is accepted. Exit 0 when the answer is 2xx.
        """,
        RunAsync);

    private static async Task<int> RunAsync(CommandContext context)
    {
        context.Arguments.RequireKnown();
        if (context.Arguments.Operands is not [var role] || !StackRoles.All.Contains(role)) throw new CommandFailure($"say which role: {string.Join(", ", StackRoles.All)}");
        var prefix = role.ToUpperInvariant() + "__";
        var port = Number(context, context.Variables[prefix + "PORT"] ?? context.Variables["PORT"], StackRoles.DefaultPort(role), 65_535);
        var timeout = Number(context, context.Variables["HEALTH_TIMEOUT_MS"], DefaultTimeout, 60_000);
        var path = context.Variables["HEALTH_PATH"] ?? (role == StackRoles.Console ? "/health" : "/ready");
        var certificate = context.Variables[prefix + "TLS_CERT_FILE"] ?? context.Variables["TLS_CERT_FILE"];
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        if (certificate is not null) handler.SslOptions.RemoteCertificateValidationCallback = (_, shown, _, _) => IsOurs(shown, certificate);
        using var client = new HttpClient(handler) { Timeout = TimeSpan.FromMilliseconds(timeout) };
        try
        {
            using var answer = await client.GetAsync($"{(certificate is null ? "http" : "https")}://127.0.0.1:{port}{path}", context.Stop);
            if (answer.IsSuccessStatusCode) return 0;
            context.Terminal.Error($"{role} answers {(int)answer.StatusCode} {ServiceProbe.Reason(await answer.Content.ReadAsStringAsync(context.Stop))}".TrimEnd());
        }
        catch (Exception fault) when (fault is HttpRequestException or TaskCanceledException)
        {
            context.Terminal.Error($"{role} does not answer on port {port}");
        }

        return 1;
    }

    // Its name is that of the public address, which loopback is not: the very certificate is what counts.
    private static bool IsOurs(X509Certificate? shown, string file)
    {
        using var ours = X509CertificateLoader.LoadCertificateFromFile(file);
        return shown is not null && shown.GetRawCertData().AsSpan().SequenceEqual(ours.RawData);
    }

    private static int Number(CommandContext context, string? text, int fallback, int maximum) => text is null ? fallback
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 && number <= maximum ? number
        : throw new CommandFailure($"'{text}' is no number from 1 to {maximum}");
}
