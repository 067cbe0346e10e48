using Caracal.Evidence.Checkpoints;
using Caracal.Hosting.Settings;

namespace Caracal.Audit.Witnesses;

/// <summary>Somebody else who has seen how far a zone's tree had grown, and signs nothing that is not its continuation (C2SP tlog-witness).</summary>
/// <param name="Key">Its cosignature key.</param>
/// <param name="Url">Its prefix; <c>add-checkpoint</c> lies below.</param>
public sealed record Witness(NoteKey Key, Uri Url)
{
    /// <summary>Where checkpoints are posted.</summary>
    public Uri AddCheckpoint => new($"{Url.AbsoluteUri.TrimEnd('/')}/add-checkpoint");

    /// <summary>Reads <c>AUDIT_WITNESSES</c>: pairs of key and URL with a space between, commas between pairs.</summary>
    internal static IReadOnlyList<Witness> ReadAll(SettingsReader reader)
    {
        var witnesses = new List<Witness>();
        foreach (var pair in (reader.Text("AUDIT_WITNESSES") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (pair.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var key, var url] && NoteKey.Parse(key) is { Type: NoteKey.Cosignature } parsed)
            {
                if (reader.Url("AUDIT_WITNESSES", url) is { } address) witnesses.Add(new Witness(parsed, new Uri(address)));
            }
            else
            {
                reader.Fault("AUDIT_WITNESSES must be pairs of a cosignature key and a URL, such as witness.example+1a2b3c4d+BAbC… https://witness.example/");
            }
        }

        if (witnesses.Select(witness => witness.Key.Name).Distinct(StringComparer.Ordinal).Count() < witnesses.Count) reader.Fault("AUDIT_WITNESSES names a witness twice");
        return witnesses;
    }
}
