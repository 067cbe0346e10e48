using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests.Witnesses;

/// <summary>A time-stamp authority over HTTP: OpenSSL's, which shares no code with what asks it.</summary>
internal sealed class StandInAuthority : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("caracal-tsa-");
    private readonly WebApplication _application;

    private StandInAuthority()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _application = builder.Build();
        _application.Urls.Add("http://127.0.0.1:0");
        _application.MapPost("/tsa", AnswerAsync);
    }

    public Uri Url => new(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/tsa");

    public string Certificate => Path.Combine(_folder.FullName, "cert.pem");

    /// <summary>Answers what was asked before instead of what is asked now.</summary>
    public bool AnswersAnother { get; set; }

    public static async Task<StandInAuthority> StartAsync()
    {
        var authority = new StandInAuthority();
        await File.WriteAllTextAsync(authority.In("tsa.cnf"), """
            [tsa]
            default_tsa = tsa1
            [tsa1]
            serial = serial
            signer_cert = cert.pem
            signer_key = key.pem
            signer_digest = sha256
            default_policy = 1.2.3.4.1
            digests = sha256
            accuracy = secs:1
            ordering = yes
            tsa_name = yes
            ess_cert_id_chain = no
            ess_cert_id_alg = sha256
            """);
        await File.WriteAllTextAsync(authority.In("serial"), "01");
        await authority.RunAsync(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=stand-in authority",
            "-addext", "extendedKeyUsage=critical,timeStamping", "-addext", "keyUsage=critical,digitalSignature", "-days", "2");
        await authority._application.StartAsync();
        return authority;
    }

    /// <summary>What OpenSSL says of a token over a text.</summary>
    public async Task<string> VerifyAsync(byte[] token, string text)
    {
        await File.WriteAllBytesAsync(In("token"), token);
        await File.WriteAllTextAsync(In("text"), text);
        return await RunAsync("ts", "-verify", "-token_in", "-in", "token", "-data", "text", "-CAfile", "cert.pem");
    }

    public async ValueTask DisposeAsync()
    {
        await _application.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        if (!AnswersAnother || !File.Exists(In("query")))
        {
            await using var query = File.Create(In("query"));
            await context.Request.Body.CopyToAsync(query);
        }

        await RunAsync("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa1", "-queryfile", "query", "-out", "reply");
        context.Response.ContentType = "application/timestamp-reply";
        await context.Response.Body.WriteAsync(await File.ReadAllBytesAsync(In("reply")));
    }

    private string In(string name) => Path.Combine(_folder.FullName, name);

    private async Task<string> RunAsync(params string[] words)
    {
        using var openssl = Process.Start(new ProcessStartInfo("openssl", words) { WorkingDirectory = _folder.FullName, UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = openssl.StandardError.ReadToEndAsync();
        var output = await openssl.StandardOutput.ReadToEndAsync();
        await openssl.WaitForExitAsync();
        return openssl.ExitCode == 0 ? output : throw new InvalidOperationException($"openssl {words[0]}: {output}{await error}");
    }
}
