using System.Text.Json;
using Caracal.Cli.CommandLine;
using Caracal.Keys.Rotation;
using Caracal.Keys.Secrets;

namespace Caracal.Cli.KeyRotation;

/// <summary>What a rotation changes on this side: files, and for a way into a store the store itself. Every step may be run again.</summary>
internal interface IRotatedMaterial
{
    /// <summary>Where the new value is kept until it is rolled.</summary>
    string NextPath { get; }

    /// <summary>Id of the value the files make current; null when there is none.</summary>
    string? Current { get; }

    /// <summary>A new value, which already verifies where it will be used; one that is staged stays.</summary>
    Task<string> StageAsync(CancellationToken stop);

    /// <summary>Takes a staged value back.</summary>
    Task DiscardAsync(string sid, CancellationToken stop);

    /// <summary>current := next, previous := old current.</summary>
    void Promote(string sid);

    /// <summary>current := the value before.</summary>
    void Restore(string sid);

    /// <summary>Who still uses the value that is to go; null when nobody does, or nobody can tell here.</summary>
    Task<string?> UndrainedAsync(string sid, JsonElement rotation, CancellationToken stop);

    /// <summary>V8: whether both values let one in during the overlap; null when they do, or when the class has no door.</summary>
    Task<string?> ProveBothAsync(CancellationToken stop);

    /// <summary>The value is refused from now on and leaves the files; throws when it still lets one in (V8).</summary>
    Task RetireAsync(string sid, JsonElement rotation, CancellationToken stop);

    /// <summary>Every value, for whoever looks whether one has leaked.</summary>
    IReadOnlyList<SecretText> Secrets();

    /// <summary>The material of a class in this secrets folder.</summary>
    static IRotatedMaterial Of(CommandContext context, KeysApi api, RotatableClass rotated)
    {
        var folder = KeysApi.SecretsOf(context);
        return rotated.Family switch
        {
            "postgres" => new PostgresLogin(context, folder, rotated),
            "redis" => new RedisPassword(context, folder, rotated),
            _ => new RingMaterial(api, new SlotFiles(folder, rotated), rotated),
        };
    }
}
