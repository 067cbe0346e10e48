using System.Globalization;
using System.Text;
using Caracal.Evidence.Checkpoints;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Caracal.Audit.Tests.Witnesses;

/// <summary>A witness over HTTP that judges as C2SP tlog-witness says: it remembers one tree per origin and cosigns only what continues it.</summary>
internal sealed class StandInWitness : IAsyncDisposable
{
    private readonly Dictionary<string, Checkpoint> _seen = new(StringComparer.Ordinal);
    private readonly NoteKey _log;
    private readonly WebApplication _application;

    private StandInWitness(NoteKey log)
    {
        _log = log;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _application = builder.Build();
        _application.Urls.Add("http://127.0.0.1:0");
        _application.MapPost("/w/add-checkpoint", AddAsync);
    }

    public NoteSigner Signer { get; set; } = new("witness.example", [.. Enumerable.Range(7, 32).Select(value => (byte)value)], NoteKey.Cosignature);

    public NoteKey Key { get; } = new NoteSigner("witness.example", [.. Enumerable.Range(7, 32).Select(value => (byte)value)], NoteKey.Cosignature).Key;

    public Uri Url => new(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/w/");

    public List<int> Answers { get; } = [];

    public static async Task<StandInWitness> StartAsync(NoteKey log)
    {
        var witness = new StandInWitness(log);
        await witness._application.StartAsync();
        return witness;
    }

    public long SizeOf(string origin) => _seen.TryGetValue(origin, out var seen) ? seen.Size : 0;

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private async Task AddAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var (status, answer) = Judge(await reader.ReadToEndAsync());
        Answers.Add(status);
        context.Response.StatusCode = status;
        if (status == 409) context.Response.ContentType = "text/x.tlog.size";
        await context.Response.WriteAsync(answer);
    }

    private (int Status, string Answer) Judge(string body)
    {
        var end = body.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || !body.StartsWith("old ", StringComparison.Ordinal)) return (400, "");
        var lines = body[..end].Split('\n');
        var old = long.Parse(lines[0]["old ".Length..], NumberStyles.None, CultureInfo.InvariantCulture);
        var note = SignedNote.Parse(body[(end + 2)..]);
        if (note is null || Checkpoint.Parse(note.Text) is not { } checkpoint) return (400, "");
        if (!note.IsSignedBy(_log)) return (403, "");
        if (old > checkpoint.Size) return (400, "");
        var seen = _seen.GetValueOrDefault(checkpoint.Origin) ?? new Checkpoint(checkpoint.Origin, 0, MerkleTree.EmptyRoot);
        if (old != seen.Size) return (409, string.Create(CultureInfo.InvariantCulture, $"{seen.Size}\n"));
        if (!MerkleProofs.VerifyConsistency(old, checkpoint.Size, seen.Root, checkpoint.Root, [.. lines.Skip(1).Select(Convert.FromBase64String)])) return (422, "");
        _seen[checkpoint.Origin] = checkpoint;
        return (200, Signer.SignatureLine(note.Text, TimeProvider.System.GetUtcNow()) + "\n");
    }
}
