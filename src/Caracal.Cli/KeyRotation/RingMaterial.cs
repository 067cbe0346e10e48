using System.Diagnostics;
using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Keys.Rings;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.KeyRotation;

/// <summary>Keys and tokens: nothing but files, which every service reads.</summary>
internal sealed class RingMaterial(KeysApi api, SlotFiles files, RotatableClass rotated) : IRotatedMaterial
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private SecretText? _gone;

    public string NextPath => files.NextPath;

    public string? Current => files.Current;

    public Task<string> StageAsync(CancellationToken stop) => Task.FromResult(files.Stage(TimeProvider.System.GetUtcNow()));

    public Task DiscardAsync(string sid, CancellationToken stop)
    {
        files.Discard(sid);
        return Task.CompletedTask;
    }

    public void Promote(string sid) => files.Promote(sid);

    public void Restore(string sid) => files.Restore(sid);

    public Task<string?> UndrainedAsync(string sid, JsonElement rotation, CancellationToken stop) => Task.FromResult<string?>(null);

    public async Task<string?> ProveBothAsync(CancellationToken stop)
    {
        if (rotated.Id != KeyClass.AdminToken) return null;
        foreach (var token in files.Secrets())
        {
            if (await api.StatusWithAsync(token, stop) is var status and not 200) return $"the API answers {status} to a token of the overlap";
        }

        return null;
    }

    public async Task RetireAsync(string sid, JsonElement rotation, CancellationToken stop)
    {
        _gone = files.Find(sid) ?? _gone;
        files.Retire(sid);
        if (rotated.Id != KeyClass.AdminToken || _gone is null) return;
        var start = Stopwatch.GetTimestamp();
        while (await api.StatusWithAsync(_gone, stop) is var status and not 401)
        {
            if (Stopwatch.GetElapsedTime(start) > Patience) throw new CommandFailure($"V8: the API answers {status} to the retired token");
            await Task.Delay(250, stop);
        }
    }

    public IReadOnlyList<SecretText> Secrets() => files.Secrets();
}
