using System.Text;
using System.Text.Json;
using Caracal.Authority.Providers;
using Caracal.ControlPlane.Custody;
using Caracal.Keys.Sealing;
using Caracal.Storage;
using Caracal.Storage.Custody;

namespace Caracal.ControlPlane.Providers;

/// <summary>The sealed document of a provider: one JSON object of strings (storage.md 6).</summary>
internal sealed class ProviderSecrets(SecretCustody custody)
{
    /// <summary>Stores the secrets, merged into what is sealed already; returns the names then sealed, or null when the old document cannot be opened.</summary>
    public async Task<string[]?> StoreAsync(
        Work work, string zoneId, string providerId, IReadOnlyDictionary<string, string> secrets, bool merge, DateTimeOffset now)
    {
        var reference = SealedLocations.ProviderSecret(zoneId, providerId);
        var all = new SortedDictionary<string, string>(StringComparer.Ordinal);
        if (merge && await CustodyStore.FindAsync(work.Connection, zoneId, reference) is { } envelope)
        {
            if (custody.Open(reference, envelope) is not { } text) return null;
            foreach (var (name, value) in Read(text)) all[name] = value;
        }

        foreach (var (name, value) in secrets) all[name] = value;
        if (all.Count == 0) await CustodyStore.DeleteAsync(work, zoneId, reference);
        else await custody.StoreAsync(work, zoneId, reference, ToJson(all), now);
        return [.. all.Keys];
    }

    /// <summary>What is sealed about a provider, none at all when nothing is; null when it cannot be opened.</summary>
    public async Task<IReadOnlyDictionary<string, string>?> OpenAsync(string zoneId, string providerId)
    {
        var (stored, text) = await custody.OpenAsync(zoneId, SealedLocations.ProviderSecret(zoneId, providerId));
        if (!stored) return new Dictionary<string, string>(StringComparer.Ordinal);
        return text is null ? null : Read(text);
    }

    public static string PublicJson(ProviderConfig config)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Relaxed)) config.Write(writer);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The members of a sealed document.</summary>
    public static Dictionary<string, string> Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString()!, StringComparer.Ordinal);
    }

    public static string ToJson(IEnumerable<KeyValuePair<string, string>> secrets)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Relaxed))
        {
            writer.WriteStartObject();
            foreach (var (name, value) in secrets) writer.WriteString(name, value);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
